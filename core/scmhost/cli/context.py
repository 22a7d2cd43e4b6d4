"""Shared by all commands: opening the host, options, input, output and progress bars."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Protocol, Self, TypeVar

import click

if TYPE_CHECKING:
    from scmhost.plugins import Settings
    from scmhost.sdk import Organization
    from scmhost.services import Services

# The codes are documented in the help; click itself exits with 2 for wrong usage.
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_CONFIGURATION: Final = 3
EXIT_ADDRESS: Final = 4
PROGRESS_DELAY_SECONDS: Final = 1.0
# Longer lines are hard to read.
_WIDEST: Final = 100
# No first sentence is longer.
_LONGEST_SUMMARY: Final = 500

F = TypeVar("F", bound=Callable[..., Any])


class OpenedHost(Protocol):
    """An open host; a ``with`` block closes it at its end."""

    services: "Services"
    settings: "Settings"

    def application(self, organization: "Organization") -> tuple[Any, str]:
        """Return the ASGI application, and a token for the user of this machine in an organization."""

    def api(self, organization: "Organization") -> tuple[Any, str]:
        """Return the same without its pages, which makes only the routes that are called."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Opener(Protocol):
    """Opens the host by configuration file and database URL.

    With ``quiet`` only errors are logged. Without ``plugins`` no plugin is imported. With ``creates`` the database is
    created or upgraded; otherwise it has to exist, in this version. With ``inspect_only`` any is accepted, and nothing
    is logged that the answer of the command contains.
    """

    def __call__(
        self,
        config: str | None = None,
        database_url: str | None = None,
        *,
        quiet: bool = True,
        plugins: bool = True,
        inspect_only: bool = False,
        creates: bool = False,
    ) -> OpenedHost: ...


class CommandContext(NamedTuple):
    """The object that click passes to every command."""

    open_host: Opener


class SuggestingGroup(click.Group):
    """A group whose help has whole sentences, and whose error for an unknown command contains the most similar one."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first sentence of each command; click would cut a long one."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_LONGEST_SUMMARY)) for name, one in commands if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the name of a command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # Only a typo needs this module.
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{close[0]}'?", ctx) from error


def database_options(command: F) -> F:
    """Add the options of commands that use the local database."""
    command = click.option(
        "--database-url",
        metavar="URL",
        help="sqlite:///file.db or postgresql://... (default: plugins.toml, else sqlite:///scmhost.db).",
    )(command)
    return config_option(command)


def config_option(command: F) -> F:
    """Add the option of commands that read only the configuration."""
    return click.option(
        "--config", metavar="FILE", help="Configuration file (default: plugins.toml in this folder, if there is one)."
    )(command)


def open_to_create(context: CommandContext, config: str | None, database_url: str | None, **options: Any) -> OpenedHost:
    """Open the host for a command that creates a local database. Exit if a server is meant and no database is named."""
    # Otherwise who has a server in the environment would get a database in the current folder, and not notice it.
    names = (config, database_url, *(os.environ.get(name) for name in ("SCMHOST_CONFIG", "SCMHOST_DATABASE_URL")))
    if os.environ.get("SCMHOST_URL") and not any(names) and not os.path.exists("plugins.toml"):  # noqa: PTH110
        fail(
            "this command works on a local database, and SCMHOST_URL names a server: unset it, or name the database "
            "with --config or --database-url",
            EXIT_USAGE,
        )
    return context.open_host(config, database_url, creates=True, **options)


def json_option(command: F) -> F:
    """Add the option for JSON output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def echo(text: str = "", *, has_colours: bool = False) -> None:
    """Print a line of the answer. It may quote a database, a plugin or a server: control characters become visible.

    Args:
        text: the line, or several.
        has_colours: keep colours, which the command has added.
    """
    from scmhost.checkout.formats import coloured, printable

    # A JSON event may contain lone surrogates, which no output encoding has.
    text = text.encode(errors="replace").decode()
    click.echo(coloured(text) if has_colours else printable(text))


def echo_error(text: str) -> None:
    """Print a line on standard error. It may quote a text or a server, so control characters become visible."""
    from scmhost.checkout.formats import printable

    click.echo(printable(text), err=True)


def echo_json(value: object) -> None:
    """Print the answer as JSON."""
    from scmhost.checkout.formats import json_text

    click.echo(json_text(value))


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print an error on standard error, and exit."""
    echo_error(f"error: {message}")
    sys.exit(code)


def width() -> int:
    """Return the number of columns to use; 80 without a terminal."""
    # Imported here, as some modules below: "scmhost link" starts faster without them.
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def wrapped(text: str, indent: str) -> str:
    """Wrap text to the width. Paths and URLs are never split, so that they can be copied."""
    import textwrap

    return "\n".join(
        textwrap.fill(
            line,
            width(),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0, columns: int | None = None
) -> list[str]:
    """Return one line per row within the width, or within so many columns; long cells are cut.

    The last ``numbers`` columns are right-aligned.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for place, title in enumerate(head):
        number = place >= len(head) - numbers
        # rich takes missing width from columns that may wrap: from text, because a cut number would be wrong.
        made.add_column(title, justify="right" if number else "left", no_wrap=number)
    for row in rows:
        made.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    # The console must not look at the real terminal: a pipe gets the same table.
    console = Console(width=columns or width(), color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(made)
    return [line.rstrip() for line in captured.get().splitlines()]


def organization_named(services: "Services", slug: str | None) -> "Organization":
    """Return the organization that an option names; without it, the only one."""
    from scmhost.organizations.create import list_organizations

    from .api_client import chosen_organization

    return chosen_organization(list_organizations(services), slug)


def read_input(file: str) -> str:
    """Return the text of a file, or of standard input for ``-``. Bytes that are not UTF-8 are replaced."""
    # Logs may contain bytes of any encoding; a command on them must not fail for that.
    if file == "-":
        return sys.stdin.buffer.read().decode(errors="replace")
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - importing pathlib takes longer than most reads
            return opened.read().decode(errors="replace")
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error


@contextmanager
def progress(what: str, total: int, delay: float = PROGRESS_DELAY_SECONDS) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts finished steps.

    On a terminal a progress bar appears if the work takes longer than ``delay`` seconds.
    """
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Short work would only make the terminal flicker, so the bar starts late.
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    started = time.monotonic()

    def advance(steps: int) -> None:
        bar.advance(task, steps)
        if time.monotonic() - started > delay:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
