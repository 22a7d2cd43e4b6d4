"""A plugin written with a later contract in mind, that runs on this one too."""

from scmhost.sdk import NoUrl, hookimpl
from scmhost.sdk.hooks import scm_commit_url  # noqa: F401 - a specification by name is no hook of the plugin


@hookimpl(optionalhook=True)
def scm_blame_url() -> str:
    return ""


@hookimpl
def scm_compare_url(head: str, mood: str = "calm") -> str | NoUrl:
    return f"https://forge.example/{mood}/{head}"
