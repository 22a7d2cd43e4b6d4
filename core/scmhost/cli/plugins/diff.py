"""``scmhost plugins diff``."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scmhost.cli.context import EXIT_FAILED, CommandContext, database_options, fail, json_option, say, say_json

if TYPE_CHECKING:
    from scmhost.plugins.flags.rules import Switching
    from scmhost.sdk import Organization

_SHOWN: Final = 20


@click.command(name="diff")
@click.argument("old", type=click.Path(dir_okay=False))
@click.argument("new", type=click.Path(dir_okay=False))
@click.option(
    "--organizations",
    "listed",
    type=click.Path(dir_okay=False, exists=True),
    metavar="FILE",
    help='Organizations instead of those of the database: a line {"id": 1, "slug": "acme"} for each.',
)
@click.option("--no-flag", "unflagged", multiple=True, metavar="PLUGIN", help="Its provider needs no flag; repeatable.")
@click.option("--exit-code", is_flag=True, help="End with 1 when an organization is switched.")
@click.option("--full", is_flag=True, help=f"Name every organization, not {_SHOWN} for each plugin.")
@database_options
@json_option
@click.pass_obj
def command(
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
    """Say which organizations the switchboard NEW switches on and off, against OLD.

    The two files alone are compared, with the environment applied to both: no plugin is imported, each is taken to be
    well and, unless told otherwise, to need a flag. A file that is wrong ends the command with 3.
    """
    from scmhost.plugins import read_settings
    from scmhost.plugins.flags.rules import switched

    before, after = (read_settings(Path(file), os.environ) for file in (old, new))
    organizations = list(_read(listed)) if listed else _stored(context, config, database_url)
    found = list(switched(before, after, organizations, frozenset(unflagged)))
    if as_json:
        say_json({"organizations": len(organizations), "plugins": _by_plugin(found)})
    else:
        _print(found, len(organizations), None if full else _SHOWN)
    if exit_code and found:
        sys.exit(EXIT_FAILED)


def _stored(context: CommandContext, config: str | None, database_url: str | None) -> "Sequence[Organization]":
    from scmhost.admin.configuration import everybody
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, look=True) as host:
        check_database(host.services)
        return everybody(host.services)


def _read(file: str) -> "Iterator[Organization]":
    from pydantic import ValidationError

    from scmhost.sdk import Organization

    for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            if line.strip():
                told = json.loads(line)
                yield Organization.model_validate({"name": told.get("slug"), **told})
        except (ValueError, AttributeError, ValidationError):
            fail(f'{file}:{number}: this is no organization; write {{"id": 1, "slug": "acme"}}')


def _by_plugin(found: "Sequence[Switching]") -> dict[str, object]:
    from scmhost.plugins.flags.rules import counted

    return {
        plugin: {
            "on": counts.on,
            "off": counts.off,
            "organizations": [_described(item) for item in found if item.plugin == plugin],
        }
        for plugin, counts in counted(found).items()
    }


def _described(item: "Switching") -> dict[str, object]:
    sides = {"before": item.before, "after": item.after}
    told = {
        side: {"on": switch.on, "rule": switch.rule, "reason": switch.reason, "source": switch.source}
        for side, switch in sides.items()
    }
    return {"id": item.organization.id, "slug": item.organization.slug, **told}


def _print(found: "Sequence[Switching]", organizations: int, most: int | None) -> None:
    from scmhost.plugins.flags.rules import counted

    for plugin, counts in counted(found).items():
        say(f"{plugin}: +{counts.on} -{counts.off} of {organizations} organizations")
        own = [item for item in found if item.plugin == plugin]
        for item in own[:most]:
            sign = "+" if item.after.on else "-"
            say(f"  {sign} {item.organization.slug} (id {item.organization.id})")
            say(f"      before: {item.before.reason} ({item.before.source})")
            say(f"      after:  {item.after.reason} ({item.after.source})")
        if len(own) > len(own[:most]):
            say(f"  and {len(own) - len(own[:most])} more; --full names them")
    if not found:
        say(f"No organization is switched, of {organizations}.")
