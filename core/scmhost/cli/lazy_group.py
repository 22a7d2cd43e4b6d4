"""A command group that imports a command only when it is used, and reports a missing server extra."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from .context import EXIT_USAGE, fail

# name: ("module:attribute" of the command, its summary)
Commands = Mapping[str, tuple[str, str]]

# Packages that only the server extra installs.
SERVER_PACKAGES: Final = frozenset(
    {
        "alembic",
        "cachetools",
        "fastapi",
        "httptools",
        "httpx2",
        "msgspec",
        "prometheus_client",
        "psycopg",
        "sqlalchemy",
        "starlette",
        "structlog",
        "uvicorn",
        "uvloop",
    }
)


class LazyGroup(click.Group):
    """A group whose commands are listed in ``lazy``: ``@click.group(cls=LazyGroup, lazy=COMMANDS)``."""

    def __init__(self, *args: Any, lazy: Commands, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(self.lazy)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(self.lazy.items())])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. If it needs the server extra, and that is not installed, exit with a message."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in SERVER_PACKAGES:
                raise
            command = f"{ctx.command_path} {ctx.invoked_subcommand}"
            fail(f'{command} needs the server: pip install "scmhost[server]"', EXIT_USAGE)
