"""Calls of the GitLab plugin's hooks against a fake GitLab, with an installation as the host would store it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from pydantic import SecretStr

from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import BareRepository
from scmhost.sdk import Installation, Organization, Repository, RepositoryStatus
from scmhost.sdk.execution import DEADLINE
from scmhost_gitlab import plugin
from scmhost_gitlab.forms import GitLabInstallForm, GitLabSettings

T = TypeVar("T")

ACME = Organization(id=1, slug="acme", name="Acme")
CALLBACK = "https://scmhost.example.com/hooks/install/gitlab/"


class GitLabCalls:
    """The plugin's hooks, called one after another as the host does."""

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

    def stored(self, project: BareRepository, **fields: Any) -> Repository:
        """Return the repository of a project as the host stores it."""
        values = {
            "id": 5,
            "organization_id": ACME.id,
            "name": project.full_name,
            "url": f"{self.host.url}/{project.full_name}",
            "provider": "gitlab",
            "installation_id": 3,
            "external_id": str(project.id),
            "configuration": {"path": project.full_name},
            "status": RepositoryStatus.ACTIVE,
            "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        }
        return Repository.model_validate({**values, **fields})

    def candidate(self, name: str, url: str | None = None) -> Repository:
        """Return an unclaimed repository."""
        return Repository(
            id=5, organization_id=ACME.id, name=name, url=url, created_at=datetime(2026, 1, 2, tzinfo=UTC)
        )

    def call(self, hook: str, *, seconds: float = 10.0, **arguments: Any) -> Any:
        """Call a hook with the settings and the installation, within a time."""
        implementation: Callable[..., Awaitable[Any]] = getattr(plugin, hook)
        names = implementation.__code__.co_varnames[: implementation.__code__.co_argcount]
        given = {"settings": self.settings, "installation": self.installation, "organization": ACME, **arguments}
        return run(implementation(**{name: given[name] for name in names}), seconds)

    def install(self, **form: Any) -> Any:
        """Call ``scm_begin_install`` with a form, as the host does."""
        filled = GitLabInstallForm.model_validate(form)
        return self.call("scm_begin_install", form=filled, callback_url=CALLBACK, state="state-1")


def run(work: Awaitable[T], seconds: float = 10.0) -> T:
    """Run an I/O hook with a deadline, on a loop that closes its connections at the end."""

    async def main() -> T:
        DEADLINE.set(monotonic() + seconds)
        return await work

    return asyncio.run(main())
