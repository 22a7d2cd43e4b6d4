"""``scmhost plugins enable``, ``disable`` and ``diff``: edit plugins.toml, and compare two versions of it."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scmhost.cli.context import (
    EXIT_FAILED,
    EXIT_USAGE,
    CommandContext,
    database_options,
    echo,
    echo_error,
    echo_json,
    fail,
    json_option,
)
from scmhost.infra.errors import ScmhostError

if TYPE_CHECKING:
    from scmhost.plugins import Settings
    from scmhost.plugins.config.editing import PluginEdit
    from scmhost.plugins.flag_rules import DecisionChange
    from scmhost.sdk import Organization
    from scmhost.services import Services

# The configuration file and the database URL, as given on the command line.
ConfigLocation = tuple[str | None, str | None]


@click.command(name="enable")
@click.argument("name")
@click.option("--org", "organizations", multiple=True, metavar="SLUG", help="Also for this organization; repeatable.")
@click.option("--percent", metavar="N", help="For this percentage of organizations, 0 to 100, always the same ones.")
@click.option("--all", "everybody", is_flag=True, help="For every organization without a rule of its own.")
@database_options
@json_option
@click.pass_obj
def enable(
    context: CommandContext,
    *,
    name: str,
    organizations: tuple[str, ...],
    percent: str | None,
    everybody: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Enable a plugin in plugins.toml. A running service applies the change without a restart.

    Without options, the plugin is loaded and `kill` is cleared; the rules for organizations stay. Comments and layout
    of the file are kept.
    """
    from scmhost.plugins.config.editing import PluginEdit

    # A change for some organizations must not lift a kill switch, which an operator set in an emergency.
    narrow = bool(organizations or percent or everybody)
    edit = PluginEdit(
        enabled=True,
        kill=None if narrow else False,
        default=True if everybody else None,
        percent=_percent(percent),
        allow=_organizations(organizations),
    )
    settings = _apply(context, (config, database_url), name, edit, as_json=as_json).of(name)
    if settings.kill:
        echo_error(f"{name} is still off, because kill = true. To clear it: scmhost plugins enable {name}")
        return
    if not (settings.default or settings.rollout or settings.allow.organizations):
        echo_error("It is on for no organization yet, unless it needs no flag: add --org SLUG, --percent N or --all.")
    _warn_if_not_ready(context, (config, database_url), name)


def _percent(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    # Decimal reads "NaN" and "Infinity" too, which are no share of the organizations.
    if not number.is_finite():
        fail(f"--percent {text!r} is not a number; write 0 to 100, with up to three decimals", EXIT_USAGE)
    return number


def _warn_if_not_ready(context: CommandContext, location: ConfigLocation, name: str) -> None:
    """Load the plugin, and report why it is not ready: enabling it may not be enough."""
    from scmhost.admin.status import find_plugin

    try:
        with context.open_host(*location, inspect_only=True) as host:
            report = find_plugin(host.services, name).report
    except ScmhostError as error:
        echo_error(f"Could not check whether {name} loads: {error}")
        return
    if report.state != "ready":
        echo_error(f"{name} is {report.state}: {report.reason}")
        echo_error(f"It is not loaded until this is fixed; see scmhost plugins show {name}.")


@click.command(name="disable")
@click.argument("name")
@click.option("--org", "organizations", multiple=True, metavar="SLUG", help="Only for this organization; repeatable.")
@click.option("--kill", is_flag=True, help="For all organizations, but keep it loaded: faster to undo.")
@database_options
@json_option
@click.pass_obj
def disable(
    context: CommandContext,
    *,
    name: str,
    organizations: tuple[str, ...],
    kill: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Disable a plugin in plugins.toml. A running service applies the change without a restart.

    Running calls finish. The data of its providers is kept, and shows why it is inactive.
    """
    from scmhost.plugins.config.editing import PluginEdit

    edit = PluginEdit(
        enabled=None if organizations or kill else False,
        kill=True if kill else None,
        deny=_organizations(organizations),
    )
    _apply(context, (config, database_url), name, edit, as_json=as_json)


def _organizations(words: Sequence[str]) -> tuple[str | int, ...]:
    """Return organizations as the file names them: digits are an id, anything else a slug."""
    return tuple(int(word) if word.isascii() and word.isdigit() else word for word in words)


def _apply(
    context: CommandContext, location: ConfigLocation, name: str, edit: "PluginEdit", *, as_json: bool
) -> "Settings":
    """Edit a plugin's table, print the changes, and return the new settings."""
    from scmhost.admin.configuration import edit_configuration
    from scmhost.plugins.config.files import check_ownership
    from scmhost.plugins.config.reading import (
        configuration_path,
        is_named,
        read_configuration,
        settings_of,
        with_database,
    )

    config, database_url = location
    path = configuration_path(config)
    if not is_named(config):
        check_ownership(path)
    # A typo must not add a table of its own to the file.
    _check_plugin(name, read_configuration(config, database_url))
    read = partial(settings_of, file=str(path), environ=with_database(os.environ, database_url))
    with _open_services(context, location) as services:
        _check_organizations(services, (*edit.allow, *edit.deny))
        done = edit_configuration(path, name, edit, read, services)
    if as_json:
        sha256 = done.after.source.sha256
        echo_json({"file": str(path), "plugin": name, "changes": list(done.changes), "sha256": sha256})
        return done.after
    for line in done.changes:
        echo(f"{done.after.source.place(*line.partition(':')[0].split('.'))}: {line}")
    if not done.changes:
        reason = f"{path} has these values already" if path.exists() else f"{name} is off without a {path}"
        echo(f"Nothing changed: {reason}.")
    return done.after


@contextmanager
def _open_services(context: CommandContext, location: ConfigLocation) -> "Iterator[Services | None]":
    """Open the database without plugins. If it is down, yield None: disabling a plugin must work all the same."""
    try:
        host = context.open_host(*location, plugins=False)
    except ScmhostError as error:
        echo_error(f"{error}\nThe file is changed without an entry in the audit log.")
        yield None
        return
    with host:
        yield host.services


def _check_plugin(name: str, settings: "Settings") -> None:
    from scmhost.plugins.discovery import discover
    from scmhost.sdk.validation import did_you_mean

    # A table may belong to a plugin that is no longer installed.
    known = {*settings.plugins, *(candidate.name for candidate in discover())}
    if name not in known:
        hint = did_you_mean(name, known)
        fail(f"no plugin {name!r} is installed, and {settings.source.file} has none of that name; {hint}")


def _check_organizations(services: "Services | None", names: Sequence[str | int]) -> None:
    from scmhost.admin.configuration import unknown_organizations
    from scmhost.organizations.create import list_organizations
    from scmhost.sdk.validation import did_you_mean

    if services is None or not names:
        return
    unknown = unknown_organizations(services, names)
    if unknown:
        slugs = [organization.slug for organization in list_organizations(services)]
        fail(f"there is no organization {unknown[0]!r}; {did_you_mean(unknown[0], slugs)}")


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
    from scmhost.plugins.flag_rules import switched

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
    from scmhost.organizations.create import list_organizations
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
    from scmhost.plugins.flag_rules import counted

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
    from scmhost.plugins.flag_rules import counted

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
