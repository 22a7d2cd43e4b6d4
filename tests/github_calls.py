"""Calls of the GitHub plugin's hooks against a fake GitHub, with installations as the host would store them."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from pydantic import SecretStr

from fake_hosts.github import APP_ID, APP_SLUG, CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET, FakeGitHub, app_pem
from fake_hosts.repository import BareRepository
from hook_calls import ACME, HookCalls
from scmhost.sdk import Installation, InstallationDraft
from scmhost_github import plugin
from scmhost_github.forms import GitHubInstallForm, GitHubSettings

TOKEN: Final = "good-token"


def app_settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of the App of the fake."""
    own = {
        "id": APP_ID,
        "slug": APP_SLUG,
        "private_key": app_pem(),
        "webhook_secret": WEBHOOK_SECRET,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return {**own, **changes}


class GitHubCalls(HookCalls):
    """The plugin's hooks, called one after another as the host does, on one event loop."""

    plugin = plugin
    provider = "github"
    path_field = "full_name"
    host: FakeGitHub

    def __init__(self, host: FakeGitHub) -> None:
        self.host = host
        self.settings = self.configured()
        self.installation = self.with_token()
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End the loop, and with it the connections of the plugin."""
        self._runner.close()

    def configured(self, app: Mapping[str, Any] | None = None, **settings: Any) -> GitHubSettings:
        """Return settings with the fake as the instance ``company``."""
        instance = {"url": self.host.url, "app": app_settings() if app is None else app or None}
        return GitHubSettings.model_validate({"instances": {"company": instance}, **settings})

    def with_token(self, token: str = TOKEN, owner: str = "") -> Installation:
        """Return an installation with a person's token."""
        return self._installation({"kind": "token", "owner": owner}, token)

    def with_app(self, *repositories: BareRepository, account: str = "team") -> Installation:
        """Install the App for repositories, and return the installation with a token."""
        made = self.host.install(account, *repositories)
        self.host.granted[f"ghs_{made.id:020}"] = made
        return self._installation({"kind": "app", "installation_id": str(made.id)}, f"ghs_{made.id:020}")

    def _installation(self, facts: Mapping[str, Any], token: str) -> Installation:
        return Installation(
            id=3,
            organization_id=ACME.id,
            provider="github",
            name="team",
            external_id="x",
            metadata={"instance": "company", "account": "team", **facts},
            secrets={"token": SecretStr(token)},
        )

    def repository(self, full_name: str = "team/app", *, seen: bool = True, **fields: Any) -> BareRepository:
        """Make a private repository that the person with the token may see."""
        made = self.host.repository(full_name, private=True, **fields)
        if seen:
            self.host.tokens[TOKEN].repositories.add(full_name)
        return made

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run an I/O hook on the one loop of these calls."""
        return self._runner.run(work)

    def install(self, **form: Any) -> Any:
        """Call ``scm_begin_install`` with a form for the fake, as the host does."""
        filled = GitHubInstallForm.model_validate({"instance": "company", **form})
        return self.call("scm_begin_install", form=filled, callback_url="https://x.example/", state="state-1")

    def finish(self, owner: str = "", **query: str) -> InstallationDraft:
        """Call ``scm_finish_install`` with the query of a browser."""
        saved = {"instance": "company", "owner": owner}
        draft: InstallationDraft = self.call(
            "scm_finish_install", query=query, saved=saved, callback_url="https://x.example/"
        )
        return draft

    def asked(self) -> list[str]:
        """Return method and path of the requests since the last call."""
        asked = [f"{call.method} {call.path.removeprefix('/api/v3')}" for call in self.host.calls]
        self.host.calls.clear()
        return asked
