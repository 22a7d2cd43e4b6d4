"""Plugins that call their code host over HTTP in I/O hooks, with the standard library."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import socket
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from json import load, loads
from typing import Annotated, Any
from urllib.error import URLError
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from pydantic import AfterValidator, BaseModel

from scmhost.sdk import (
    AddRequest,
    Claim,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    Offer,
    Provider,
    ProviderUnavailable,
    Refusal,
    Repository,
    hookimpl,
    remaining_seconds,
)

from .correct import Correct, Form, with_provider


class Settings(BaseModel):
    base_url: str = "https://quarry.example.com"
    timeout: float = 0.2


def fetch(settings: Settings, path: str) -> Any:
    """Return the JSON of a page, within the time that the hook has left."""
    with opened(settings, path) as answer:
        text = b""
        while piece := answer.read1():
            text += piece
            if not remaining_seconds():
                raise TimeoutError
        return loads(text)


def opened(settings: Settings, path: str) -> Any:
    return urlopen(f"{settings.base_url}/{path}", timeout=settings.timeout)  # noqa: S310 - as authors write it


class CallsHost(Correct):
    """Calls its host, and raises ProviderUnavailable when that fails."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)

    @hookimpl
    def scm_install(self, form: Form, settings: Settings) -> InstallationDraft:
        team = self._fetch(settings, f"teams/{quote(form.team, safe='')}")
        return InstallationDraft(name=form.team, external_id=str(team["id"]), configuration={"team_id": team["id"]})

    @hookimpl
    def scm_offer_repositories(self, installation: Installation, settings: Settings) -> Sequence[Offer]:
        team = installation.configuration["team_id"]
        return [Offer(identifier=name, name=name) for name in self._fetch(settings, f"teams/{team}/repositories")]

    @hookimpl
    def scm_dispatch_repository(
        self, request: AddRequest, candidate: Repository | None, settings: Settings
    ) -> Claim | Refusal:
        self._fetch(settings, f"repositories/{quote(request.identifier, safe='')}")
        return Claim() if candidate else Refusal(reason="not_found", message="There is no such repository.")

    @hookimpl
    def scm_file_exists(self, location: Location, settings: Settings) -> Existence:
        return Existence(self._fetch(settings, f"files/{quote(location.path, safe='')}"))

    def _fetch(self, settings: Settings, path: str) -> Any:
        try:
            return self._load(settings, path)
        except (OSError, HTTPException, ValueError) as error:
            raise ProviderUnavailable(f"Quarry does not answer: {error}.") from error

    def _load(self, settings: Settings, path: str) -> Any:
        return fetch(settings, path)


class RaisesTimeoutError(Correct):
    """Does not catch the timeout of its client."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)

    @hookimpl
    def scm_file_exists(self, location: Location, settings: Settings) -> Existence:
        try:
            return Existence(fetch(self._with_timeout(settings), f"files/{quote(location.path, safe='')}"))
        except URLError as error:
            raise ProviderUnavailable("Quarry cannot be reached.") from error

    def _with_timeout(self, settings: Settings) -> Settings:
        return settings


class WaitsTooLong(RaisesTimeoutError):
    """Has a client with a timeout above the hook's budget."""

    def _with_timeout(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"timeout": 60})


class MissesRefusedConnection(RaisesTimeoutError):
    """Expects that its host is always there."""

    @hookimpl
    def scm_file_exists(self, settings: Settings) -> Existence:
        address = urlsplit(settings.base_url)
        with socket.create_connection((address.hostname, address.port or 443), timeout=1):
            return Existence.UNKNOWN


class BoundsEachRead(CallsHost):
    """Catches all errors of its client, whose timeout is that of each read."""

    def _load(self, settings: Settings, path: str) -> Any:
        with opened(settings, path) as answer:
            return load(answer)


class RaisesConnectionReset(Correct):
    """Its settings accept only URLs with a prefix, and it raises the errors of its connection."""

    def __init__(self, prefix: str) -> None:
        class Strict(BaseModel):
            base_url: Annotated[str, AfterValidator(partial(_has_prefix, prefix))] = "https://quarry.example.com"

        self._provider = with_provider(settings=Strict)

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (self._provider,)

    @hookimpl
    def scm_file_exists(self, settings: Any) -> Existence:
        url = urlsplit(settings.base_url)
        try:
            socket.create_connection((url.hostname, url.port or 443), timeout=1).close()
        except OSError:
            return Existence.UNKNOWN
        raise ConnectionResetError(url.scheme)


def _has_prefix(prefix: str, url: str) -> str:
    if not url.startswith(prefix):
        raise ValueError(f"begin with {prefix}")
    return url
