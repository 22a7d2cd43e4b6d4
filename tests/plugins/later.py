"""A plugin for a later version of the contract that also works with this one."""

from scmhost.sdk import NoUrl, hookimpl
from scmhost.sdk.hooks import scm_commit_url  # noqa: F401 - an imported specification is not a hook of the plugin


@hookimpl(optionalhook=True)
def scm_blame_url() -> str:
    return ""


@hookimpl
def scm_compare_url(head: str, mood: str = "calm") -> str | NoUrl:
    return f"https://forge.example/{mood}/{head}"
