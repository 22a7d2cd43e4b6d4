"""``scmhost backup`` and ``restore``: the whole database, in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, echo

if TYPE_CHECKING:
    from scmhost.services import Services

_replace_option = click.option("--replace", is_flag=True, help="Replace what exists.")
_file_argument = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@click.command(name="backup")
@_file_argument
@_replace_option
@database_options
@click.pass_obj
def backup(context: CommandContext, *, file: Path, replace: bool, config: str | None, database_url: str | None) -> None:
    """Write a consistent copy of the database to FILE, while the service runs.

    SQLite is copied by its online backup. For PostgreSQL, pg_dump makes a file in its custom format.
    """
    from scmhost.infra.db.backup import back_up
    from scmhost.services import check_database_exists

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database_exists(host.services)
        back_up(host.services.store, file, replace=replace)
        echo(f"{host.services.store.url_without_password} is backed up to {file.absolute()}.")


@click.command(name="restore")
@_file_argument
@_replace_option
@database_options
@click.pass_obj
def restore(
    context: CommandContext, *, file: Path, replace: bool, config: str | None, database_url: str | None
) -> None:
    """Make the database what it was when the backup in FILE was made. Stop the service first.

    A write-ahead log that a crash left beside a SQLite file does no harm. What the database has is kept, unless
    --replace is given.
    """
    from scmhost.infra.db import backup as store_backup

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        store_backup.restore(host.services.store, file, replace=replace)
        echo(f"{host.services.store.url_without_password} is restored from {file.absolute()}.")
        _echo_state(host.services)


def _echo_state(services: "Services") -> None:
    from scmhost.infra.db.schema import PROBLEMS, SERVED

    state = services.store.schema_state()
    if state not in SERVED:
        echo(f"Before you start the service: {PROBLEMS[state]}.")
