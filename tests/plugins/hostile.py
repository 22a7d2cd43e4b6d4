"""Plugins that pass admission and misbehave when they are called."""

import sys
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from scmhost.sdk import InstallationDraft, Provider, hookimpl

released = Event()


class Unprintable(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise SystemExit("even here")


class Hostile:
    """A provider whose page of a commit does something bad."""

    def __init__(self, key: str, behaviour: Callable[[], Any]) -> None:
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


class Deaf:
    """A listener that cannot hear."""

    @hookimpl
    def scm_repository_saved(self) -> None:
        raise RuntimeError("deaf")


class NeverStarts:
    """A plugin that passes every check and then cannot start."""

    @hookimpl
    def scm_startup(self) -> None:
        raise OSError("no disk")


def _raise(error: BaseException) -> Any:
    raise error


async def _page() -> str:
    return "https://forge.example/"


def _recurse() -> Any:
    return _recurse()


raising = Hostile("raising", lambda: _raise(ValueError("broken page")))
unprintable = Hostile("unprintable", lambda: _raise(Unprintable()))
recursing = Hostile("recursing", _recurse)
interrupting = Hostile("interrupting", lambda: _raise(KeyboardInterrupt()))
exiting = Hostile("exiting", lambda: sys.exit(3))
rubbish = Hostile("rubbish", lambda: {"url": 1})
unawaited = Hostile("unawaited", _page)
hanging = Hostile("hanging", released.wait)
deaf = Deaf()
never_starts = NeverStarts()
