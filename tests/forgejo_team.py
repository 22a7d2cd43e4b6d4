"""An installation at a fake Forgejo, for the tests of the plugin."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from fake_hosts.forgejo import FakeForgejo
from fake_hosts.repository import BareRepository
from scmhost.sdk import Installation, Repository
from scmhost_forgejo import plugin
from scmhost_forgejo.forms import ForgejoInstallForm, ForgejoSettings

T = TypeVar("T")


@dataclass
class Team:
    """An installation of the token ``good-token`` at a fake host, with the repository ``team/app``."""

    host: FakeForgejo
    app: BareRepository
    settings: ForgejoSettings
    installation: Installation
    repository: Repository


def run(work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any, **named: Any) -> T:
    """Run an asynchronous function in a loop of its own."""
    return asyncio.run(work(*arguments, **named))


def installed(host: FakeForgejo, settings: ForgejoSettings, token: str = "good-token") -> Installation:  # noqa: S107 - a test's token
    """Return the installation of a token."""
    form = ForgejoInstallForm(instance=host.url, token=SecretStr(token))
    draft = run(plugin.scm_install, form, settings)
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
        configuration={"full_name": repository.full_name},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
