"""Calls of the GitLab plugin's hooks against a fake GitLab, with an installation as the host would store it."""

from typing import Any

from pydantic import SecretStr

from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import BareRepository
from hook_calls import ACME, HookCalls
from scmhost.sdk import Installation
from scmhost_gitlab import plugin
from scmhost_gitlab.forms import GitLabInstallForm, GitLabSettings

CALLBACK = "https://scmhost.example.com/hooks/install/gitlab/"


class GitLabCalls(HookCalls):
    """The plugin's hooks, called one after another as the host does."""

    plugin = plugin
    provider = "gitlab"
    path_field = "path"
    host: FakeGitLab

    def __init__(self, host: FakeGitLab, **settings: Any) -> None:
        self.host = host
        self.settings = GitLabSettings.model_validate({"instances": {"work": {"url": host.url}}, **settings})
        self.installation = self.installed()

    def installed(self, group: str = "", **secrets: str) -> Installation:
        """Return an installation with these secrets; by default with a token that the fake knows."""
        return Installation(
            id=3,
            organization_id=ACME.id,
            provider="gitlab",
            name="work",
            external_id="x",
            metadata={"domain_name": self.host.url},
            configuration={"group": group},
            secrets={name: SecretStr(value) for name, value in (secrets or {"token": "good-token"}).items()},
        )

    def project(self, full_name: str = "acme/shop/cart", **fields: Any) -> BareRepository:
        """Make a private project of which the account is a member."""
        made = self.host.repository(full_name, private=True, **fields)
        self.host.tokens["good-token"].repositories.add(full_name)
        return made

    def install(self, **form: Any) -> Any:
        """Call ``scm_begin_install`` with a form, as the host does."""
        filled = GitLabInstallForm.model_validate(form)
        return self.call("scm_begin_install", form=filled, callback_url=CALLBACK, state="state-1")
