"""``scmhost plugins diff``: compare two versions of plugins.toml."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scmhost.cli.context import EXIT_FAILED, CommandContext, database_options, echo, echo_json, fail, json_option

if TYPE_CHECKING:
    from scmhost.plugins.flags.rules import DecisionChange
    from scmhost.sdk import Organization

# A rollout may affect thousands.
_SHOWN: Final = 20


@click.command(name="diff")
@click.argument("old", type=click.Path(dir_okay=False))
@click.argument("new", type=click.Path(dir_okay=False))
@click.option(
    "--organizations",
    "listed",
    type=click.Path(dir_okay=False, exists=True),
    metavar="FILE",
    help='Organizations instead of those in the database, one per line: {"id": 1, "slug": "acme"}.',
)
@click.option(
    "--no-flag", "unflagged", multiple=True, metavar="PLUGIN", help="This plugin's provider needs no flag; repeatable."
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if an organization is affected.")
@click.option("--full", is_flag=True, help=f"List every organization, not only {_SHOWN} for each plugin.")
@database_options
@json_option
@click.pass_obj
def diff(
    context: CommandContext,
    *,
    old: str,
    new: str,
    listed: str | None,
    unflagged: tuple[str, ...],
    exit_code: bool,
    full: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Show which organizations are affected if plugins.toml changes from OLD to NEW.

    Only the two files are compared, with the environment applied to both. No plugin is imported: each is assumed to
    work and to need a flag. If a file is invalid, the exit code is 3.
    """
    from scmhost.plugins import read_settings
    from scmhost.plugins.flags.rules import switched

    # The environment overrides both files, as it does in the service.
    before, after = (read_settings(Path(file), os.environ) for file in (old, new))
    organizations = list(_read_organizations(listed)) if listed else _stored(context, config, database_url)
    changes = list(switched(before, after, organizations, frozenset(unflagged)))
    if as_json:
        echo_json({"organizations": len(organizations), "plugins": _by_plugin(changes)})
    else:
        _print(changes, len(organizations), None if full else _SHOWN)
    if exit_code and changes:
        sys.exit(EXIT_FAILED)


def _stored(context: CommandContext, config: str | None, database_url: str | None) -> "Sequence[Organization]":
    from scmhost.admin.configuration import list_organizations
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database(host.services)
        return list_organizations(host.services)


def _read_organizations(file: str) -> "Iterator[Organization]":
    from pydantic import ValidationError

    from scmhost.sdk import Organization

    # Only line feeds end a line of JSON: its strings may contain other separators.
    for number, line in enumerate(Path(file).read_bytes().split(b"\n"), start=1):
        try:
            if line.strip():
                record = json.loads(line)
                yield Organization.model_validate({"name": record.get("slug"), **record})
        except (ValueError, AttributeError, TypeError, RecursionError, ValidationError):
            fail(f'{file}:{number}: not an organization; write {{"id": 1, "slug": "acme"}}')


def _by_plugin(changes: "Sequence[DecisionChange]") -> dict[str, object]:
    from scmhost.plugins.flags.rules import counted

    return {
        plugin: {
            "on": counts.on,
            "off": counts.off,
            "organizations": [_described(item) for item in changes if item.plugin == plugin],
        }
        for plugin, counts in counted(changes).items()
    }


def _described(item: "DecisionChange") -> dict[str, object]:
    sides = {
        side: {"on": switch.on, "rule": switch.rule, "reason": switch.reason, "source": switch.source}
        for side, switch in (("before", item.before), ("after", item.after))
    }
    return {"id": item.organization.id, "slug": item.organization.slug, **sides}


def _print(changes: "Sequence[DecisionChange]", organizations: int, most: int | None) -> None:
    from scmhost.plugins.flags.rules import counted

    for plugin, counts in counted(changes).items():
        echo(f"{plugin}: +{counts.on} -{counts.off} of {organizations} organizations")
        of_plugin = [item for item in changes if item.plugin == plugin]
        for item in of_plugin[:most]:
            sign = "+" if item.after.on else "-"
            echo(f"  {sign} {item.organization.slug} (id {item.organization.id})")
            echo(f"      before: {item.before.reason} ({item.before.source})")
            echo(f"      after:  {item.after.reason} ({item.after.source})")
        if len(of_plugin) > len(of_plugin[:most]):
            echo(f"  and {len(of_plugin) - len(of_plugin[:most])} more; use --full to list them")
    if not changes:
        echo(f"No changes for {organizations} organizations.")
