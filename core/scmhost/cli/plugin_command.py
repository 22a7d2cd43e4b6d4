"""Commands that plugins add to ``scmhost``."""

import sys
from collections.abc import Callable

import click

from scmhost.sdk import Command

from .context import CommandContext


def plugin_command(context: CommandContext, name: str) -> click.Command | None:
    """The plugins' command with this name, if one has it."""
    with context.open_host() as host:
        found = next((command for command in host.services.plugins.commands() if command.name == name), None)
    return _as_click(found) if found else None


def _as_click(command: Command) -> click.Command:
    run: Callable[[list[str]], int] = command.run

    @click.command(name=command.name, help=command.summary, context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def call(words: tuple[str, ...]) -> None:
        sys.exit(run(list(words)))

    return call
