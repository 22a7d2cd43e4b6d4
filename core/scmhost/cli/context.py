"""What every command gets: a way to open scmhost, and how it speaks to people and machines."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, Self, TypeVar

import click

if TYPE_CHECKING:
    from scmhost.plugins import Settings
    from scmhost.sdk import Organization
    from scmhost.services import Services

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 3

F = TypeVar("F", bound=Callable[..., Any])


class OpenedHost(Protocol):
    """scmhost, opened; closes itself at the end of a ``with`` block."""

    services: "Services"
    settings: "Settings"

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Opener(Protocol):
    """Opens scmhost by configuration file and database URL.

    Unless it is quiet, all is logged, not faults alone; without plugins none is imported. For a look no database is
    made or changed, and what the answer tells is not logged too.
    """

    def __call__(
        self,
        config: str | None = None,
        database_url: str | None = None,
        *,
        quiet: bool = True,
        plugins: bool = True,
        look: bool = False,
    ) -> OpenedHost: ...


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What click hands from the group to its commands."""

    open_host: Opener


def database_options(command: F) -> F:
    """The options of commands that work on the local database."""
    command = click.option(
        "--database-url",
        metavar="URL",
        help="sqlite:///file.db or postgresql://... (default: plugins.toml, else sqlite:///scmhost.db).",
    )(command)
    return config_option(command)


def config_option(command: F) -> F:
    """The option of commands that need the switchboard alone."""
    return click.option(
        "--config", metavar="FILE", help="The operator's switchboard (default: plugins.toml here, if there is one)."
    )(command)


def json_option(command: F) -> F:
    """The option of commands whose answer a machine may read."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(command)


def say(text: str = "") -> None:
    """Print a line of the answer."""
    click.echo(text)


def remark(text: str) -> None:
    """Print a line beside the answer, on standard error."""
    click.echo(text, err=True)


def say_json(value: object) -> None:
    """Print the answer for a machine."""
    click.echo(json.dumps(value, ensure_ascii=False))


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """End the command with a sentence on standard error."""
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


def organization_named(services: "Services", slug: str) -> "Organization":
    """The organization that an option names."""
    from scmhost.organizations.create import find_organization

    return find_organization(services, slug)
