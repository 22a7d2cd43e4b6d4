"""Plugins that ask their host over HTTP in every hook that may wait, with the standard library."""

import socket
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from json import load
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
)

from .right import Form, Right, with_provider


class Settings(BaseModel):
    base_url: str = "https://quarry.example.com"
    timeout: float = 0.2


def fetched(settings: Settings, path: str) -> Any:
    with urlopen(f"{settings.base_url}/{path}", timeout=settings.timeout) as answer:  # noqa: S310 - as authors write it
        return load(answer)


class Asks(Right):
    """Asks its host, and says so when it does not answer."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)

    @hookimpl
    def scm_install(self, form: Form, settings: Settings) -> InstallationDraft:
        team = self._asked(settings, f"teams/{quote(form.team, safe='')}")
        return InstallationDraft(name=form.team, external_id=str(team["id"]), configuration={"team_id": team["id"]})

    @hookimpl
    def scm_offer_repositories(self, installation: Installation, settings: Settings) -> Sequence[Offer]:
        team = installation.configuration["team_id"]
        return [Offer(identifier=name, name=name) for name in self._asked(settings, f"teams/{team}/repositories")]

    @hookimpl
    def scm_dispatch_repository(
        self, request: AddRequest, candidate: Repository | None, settings: Settings
    ) -> Claim | Refusal:
        self._asked(settings, f"repositories/{quote(request.identifier, safe='')}")
        return Claim() if candidate else Refusal(reason="not_found", message="There is no such repository.")

    @hookimpl
    def scm_file_exists(self, location: Location, settings: Settings) -> Existence:
        return Existence(self._asked(settings, f"files/{quote(location.path, safe='')}"))

    def _asked(self, settings: Settings, path: str) -> Any:
        try:
            return fetched(settings, path)
        except (OSError, HTTPException, ValueError) as error:
            raise ProviderUnavailable(f"Quarry does not answer: {error}.") from error


class LetsTheTimeoutOut(Right):
    """Its client has a timeout, and nobody catches it."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)

    @hookimpl
    def scm_file_exists(self, location: Location, settings: Settings) -> Existence:
        try:
            return Existence(fetched(self._patient(settings), f"files/{quote(location.path, safe='')}"))
        except URLError as error:
            raise ProviderUnavailable("Quarry cannot be reached.") from error

    def _patient(self, settings: Settings) -> Settings:
        return settings


class Waits(LetsTheTimeoutOut):
    """Its client has a timeout that is longer than the hook's budget."""

    def _patient(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"timeout": 60})


class HangsUp(Right):
    """Its settings take only some URLs, and it lets out whatever comes of a connection."""

    def __init__(self, beginning: str) -> None:
        class Strict(BaseModel):
            base_url: Annotated[str, AfterValidator(partial(_begins, beginning))] = "https://quarry.example.com"

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


def _begins(beginning: str, url: str) -> str:
    if not url.startswith(beginning):
        raise ValueError(f"begin with {beginning}")
    return url
