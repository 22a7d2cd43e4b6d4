"""Fixtures of the plugin's tests: a fake Forgejo, and an installation at it."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from fake_hosts.forgejo import FakeForgejo
from fake_hosts.repository import BareRepository
from fake_hosts.swagger import Swagger
from scmhost.sdk import Installation, Organization, Repository
from scmhost_forgejo.api import close_clients
from scmhost_forgejo.credentials import draft_with_token
from scmhost_forgejo.forms import ForgejoInstallForm, ForgejoSettings

T = TypeVar("T")

ORGANIZATION = Organization(id=1, slug="acme", name="Acme")
SWAGGER = "SCMHOST_GITEA_OPENAPI"


@dataclass
class Team:
    """An installation of the token ``good-token`` at a fake host, with the repository ``team/app``."""

    host: FakeForgejo
    app: BareRepository
    settings: ForgejoSettings
    installation: Installation
    repository: Repository

    def ask(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any, **named: Any) -> T:
        """Run an asynchronous function, and close the connections of its event loop."""
        return run(work, *arguments, **named)


def run(work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any, **named: Any) -> T:
    """Run an asynchronous function in a loop of its own."""

    async def whole() -> T:
        try:
            return await work(*arguments, **named)
        finally:
            await close_clients()

    return asyncio.run(whole())


def installed(host: FakeForgejo, settings: ForgejoSettings, token: str = "good-token") -> Installation:
    """Return the installation of a token."""
    form = ForgejoInstallForm(instance=host.url, token=SecretStr(token))
    draft = run(draft_with_token, form, settings)
    fields = {name: getattr(draft, name) for name in ("name", "external_id", "metadata", "configuration", "secrets")}
    return Installation(id=5, organization_id=1, provider="forgejo", **fields)


def added(host: FakeForgejo, repository: BareRepository) -> Repository:
    """Return a repository as the host stores it after it was added."""
    return Repository(
        id=9,
        organization_id=1,
        name=repository.full_name,
        url=f"{host.url}/{repository.full_name}",
        provider="forgejo",
        installation_id=5,
        external_id=str(repository.id),
        configuration={"full_name": repository.full_name, "default_branch": "main", "archived": False},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def swagger() -> Swagger | None:
    """The official description of the API, if the environment names a copy of it."""
    path = os.environ.get(SWAGGER)
    return Swagger(Path(path)) if path else None


@pytest.fixture
def host(tmp_path: Path, swagger: Swagger | None) -> Iterator[FakeForgejo]:
    """A fake host. Every request that a test makes is valid by the official description."""
    with FakeForgejo(tmp_path / "host") as host:
        yield host
        assert swagger is None or swagger.problems(host.calls) == []


@pytest.fixture
def team(host: FakeForgejo) -> Team:
    """An installation with a private repository that has two commits."""
    app = host.repository("team/app", private=True)
    host.tokens["good-token"].repositories.add("team/app")
    app.commit({"src/cart.py": "1\n", "src/gone.py": "1\n"}, "First")
    app.commit({"src/cart.py": "1\n2\n", "src/gone.py": None}, "Second, fixes SHOP-7")
    settings = ForgejoSettings()
    installation = installed(host, settings)
    host.calls.clear()
    return Team(host, app, settings, installation, added(host, app))
