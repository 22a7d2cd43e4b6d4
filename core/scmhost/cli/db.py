"""``scmhost db``, ``backup`` and ``restore``: the database as a whole."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .context import EXIT_FAILED, CommandContext, SuggestingGroup, database_options, echo, echo_json, json_option
from .resources import show_fields

if TYPE_CHECKING:
    from scmhost.infra.db.schema import SchemaStatus
    from scmhost.services import Services

_FIELDS: Final = {"DATABASE": "database", "TABLES": "tables", "THIS VERSION": "code", "SERVED BY": "servedBy"}
_replace_option = click.option("--replace", is_flag=True, help="Replace what exists.")
_file_argument = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@click.group(name="db", cls=SuggestingGroup)
def database() -> None:
    """Show which versions can serve the database, and split its tables."""


@database.command(name="status")
@database_options
@json_option
@click.pass_obj
def show_status(context: CommandContext, *, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Show the revision of the tables, which versions can serve them, and what a migration would change for others.

    Nothing is changed. The exit code is 1 if this version cannot serve the tables.
    """
    from scmhost.infra.db.schema import PROBLEMS, SERVED, oldest_code, pending
    from scmhost.services import check_database_exists

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database_exists(host.services)
        found = host.services.store.schema_status()
        known = found.state in ("empty", "older")
        answer = {
            "database": host.services.store.url_without_password,
            "state": found.state,
            "tables": found.tables or None,
            "code": found.code,
            "oldestCode": found.oldest_code or None,
            "problem": PROBLEMS.get(found.state),
            "pending": dict(pending(found.tables)) if known else {},
            "rolling": oldest_code(found.code) <= found.tables if known else None,
        }
    if as_json:
        echo_json(answer)
    else:
        served_by = f"versions from revision {found.oldest_code}" if found.tables else "none"
        show_fields(_FIELDS, {**answer, "tables": found.tables or "none", "servedBy": served_by})
        echo(_sentence(found, rolling=bool(answer["rolling"])))
    sys.exit(0 if found.state in SERVED else EXIT_FAILED)


def _sentence(found: "SchemaStatus", *, rolling: bool) -> str:
    from scmhost.infra.db.schema import PROBLEMS, pending

    if found.state == "current":
        return "The tables are those of this version."
    if found.state == "compatible":
        return "The tables are of a newer version, and this version can serve them."
    sentence = f"This version cannot serve the database: {PROBLEMS[found.state]}."
    if found.state != "older":
        return sentence
    titles = "".join(f"\n  {revision}  {title}" for revision, title in pending(found.tables).items())
    nodes = "go on serving" if rolling else "stop serving: stop them before, or accept 503 until they are replaced"
    return f"{sentence}\nMigrations to come:{titles}\nDuring the upgrade, nodes of revision {found.tables} {nodes}."


@database.command(name="partition")
@click.option(
    "--partitions",
    type=click.IntRange(0, 1_024),
    default=32,
    show_default=True,
    metavar="N",
    help="Partitions of each table; 0: none.",
)
@database_options
@json_option
@click.pass_obj
def partition(
    context: CommandContext, *, partitions: int, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Split the tables of commits, files and releases on PostgreSQL into partitions by organization.

    The rows are copied in one transaction: requests for them wait, and the disk needs space for both copies. Right
    after the first migration it takes a moment. Safe to run again.
    """
    from scmhost.infra.db.partitions import partition as split

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        tables = split(host.services.store, partitions)
    if as_json:
        echo_json([{"table": one.table, "partitions": one.partitions, "rows": one.rows} for one in tables])
        return
    for one in tables:
        copied = "" if one.rows is None else f", {one.rows} rows copied"
        echo(f"{one.table}: {one.partitions} partitions{copied}")


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
