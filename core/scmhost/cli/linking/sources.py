"""Where links come from: the checkout here, a project of the database, or one of a server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

import click

from scmhost.cli.context import CommandContext
from scmhost.frames import Found

from .formats import Shown, frame_facts
from .linked_text import Tally

_GUESSES: Final = ("remote", "kind", "template", "ref")
_OF_CHECKOUT: Final = (*_GUESSES, "maps")
_OF_PROJECT: Final = ("project", "release", "commit", "config", "database_url")


class Source(Protocol):
    """Gives frames their links."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What a machine is told of all links together."""

    def link(self, frames: Sequence[Found]) -> Sequence[Shown]:
        """What becomes of frames, in their order."""

    def remarks(self, tally: Tally) -> Sequence[str]:
        """What a person should know of all that was linked, in sentences."""


class NoLinks:
    """Where nothing can be linked, the text goes through all the same."""

    facts: Mapping[str, object] = {}

    def link(self, frames: Sequence[Found]) -> Sequence[Shown]:
        """Frames without links."""
        return [Shown(found, None, frame_facts(found), "error") for found in frames]

    def remarks(self, _tally: Tally) -> Sequence[str]:
        """The error says it all."""
        return ()


@contextmanager
def source_of(context: CommandContext, options: Mapping[str, Any]) -> Iterator[Source]:
    """The source that the options mean, open.

    Raises:
        ScmhostError: there is none; the message says what to do.
    """
    if options["org"] is None:
        _refuse(options, _OF_PROJECT, "belongs to --org: it is of a project, and this would link to the checkout")
        from .checkout_links import CheckoutLinks, Guesses

        maps = tuple(_roots(text) for text in options["maps"])
        yield CheckoutLinks(Guesses(**{name: options[name] for name in _GUESSES}, mappings=maps))
        return
    _refuse(options, _OF_CHECKOUT, "is of the checkout, and --org links by a project's code mappings")
    if not options["project"]:
        raise click.UsageError("--org needs --project: the project whose code mappings are used.")
    with _of_project(context, options) as source:
        yield source


def _of_project(context: CommandContext, options: Mapping[str, Any]) -> "AbstractContextManager[Source]":
    if options["url"]:
        from .server_links import open_server

        return open_server(options)
    from .project_links import open_project

    return open_project(context, options)


def _refuse(options: Mapping[str, Any], names: Sequence[str], why: str) -> None:
    given = next((name for name in names if options[name]), None)
    if given:
        raise click.UsageError(f"--{'map' if given == 'maps' else given.replace('_', '-')} {why}.")


def _roots(text: str) -> tuple[str, str]:
    stack, separator, source = text.partition("=")
    if not separator or not stack:
        raise click.UsageError(f"--map {text!r}: write STACK=SOURCE, for example /app=src.")
    return stack, source
