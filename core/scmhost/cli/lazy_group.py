"""A group of commands that imports a command's module only to run it or to show its own help."""

from collections.abc import Mapping
from importlib import import_module

import click

# name: (module with a ``command``, what it does in a line)
Commands = Mapping[str, tuple[str, str]]


class LazyGroup(click.Group):
    """Knows its commands by name. A group of this kind is made with ``cls=LazyGroup, lazy=COMMANDS``."""

    def __init__(self, *args: object, lazy: Commands, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # click's own, passed through
        self.lazy = lazy

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(self.lazy)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _ = self.lazy[cmd_name]
        command: click.Command = import_module(module).command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(self.lazy.items())])
