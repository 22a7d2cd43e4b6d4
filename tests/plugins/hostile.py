"""Plugins that pass validation and misbehave when they are called."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from scmhost.sdk import Installation, InstallationDraft, Offer, Provider, hookimpl


class Gate:
    """The event for which hanging calls wait. Opening it releases the waiting calls, not later ones."""

    def __init__(self) -> None:
        self.event = Event()

    def wait(self) -> bool:
        return self.event.wait()

    def open(self) -> None:
        before, self.event = self.event, Event()
        before.set()


gate = Gate()


class Unprintable(Exception):
    """Its text cannot be read."""

    def __str__(self) -> str:
        raise SystemExit("even here")


class Hostile:
    """A provider whose ``scm_commit_url`` runs the given behaviour."""

    def __init__(self, key: str, behaviour: Callable[..., Any]) -> None:
        self._provider = Provider(key=key, name=key)
        self._behaviour = behaviour

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (self._provider,)

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="n", external_id="1")

    @hookimpl
    def scm_commit_url(self) -> Any:
        return self._behaviour()


class HostileOffers(Hostile):
    """A provider whose ``scm_offer_repositories``, an I/O hook, runs the given behaviour."""

    @hookimpl
    def scm_offer_repositories(self, installation: Installation) -> Any:
        return self._behaviour(installation)


class HostileAsync(Hostile):
    """A provider whose async ``scm_file_exists`` never returns."""

    @hookimpl
    async def scm_file_exists(self) -> Any:
        await asyncio.get_running_loop().create_future()


class TenMillion(Sequence[Offer]):
    """A lazy sequence of offers."""

    def __len__(self) -> int:
        return 10_000_000

    def __getitem__(self, place: Any) -> Any:
        if place >= len(self):
            raise IndexError
        return Offer(identifier=f"{place}", name=f"offer {place}")


class Deaf:
    """A listener that raises."""

    @hookimpl
    def scm_repository_saved(self) -> None:
        raise RuntimeError("deaf")


class NeverStarts:
    """A plugin that passes validation and raises in ``scm_startup``."""

    @hookimpl
    def scm_startup(self) -> None:
        raise OSError("no disk")


def _raise(error: BaseException) -> Any:
    raise error


async def _page() -> str:
    return "https://forge.example/"


def _recurse() -> Any:
    return _recurse()


def _change(installation: Installation) -> Sequence[Offer]:
    installation.configuration["url"] = "https://evil.example/"
    return ()


raising = Hostile("raising", lambda: _raise(ValueError("broken page")))
unprintable = Hostile("unprintable", lambda: _raise(Unprintable()))
recursing = Hostile("recursing", _recurse)
interrupting = Hostile("interrupting", lambda: _raise(KeyboardInterrupt()))
exiting = Hostile("exiting", lambda: sys.exit(3))
rubbish = Hostile("rubbish", lambda: {"url": 1})
unawaited = Hostile("unawaited", _page)
hanging = Hostile("hanging", gate.wait)
waiting = HostileOffers("waiting", lambda _: gate.wait())
waiting_async = HostileAsync("waiting_async", str)
endless = HostileOffers("endless", lambda _: TenMillion())
changing = HostileOffers("changing", _change)
deaf = Deaf()
never_starts = NeverStarts()
