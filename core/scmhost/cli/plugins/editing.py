"""What ``enable`` and ``disable`` have in common."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from scmhost.cli.context import CommandContext, fail, remark, say, say_json
from scmhost.infra.errors import ScmhostError

if TYPE_CHECKING:
    from scmhost.plugins import Settings
    from scmhost.plugins.config.editing import PluginEdit
    from scmhost.services import Services


def named_organizations(words: Sequence[str]) -> tuple[str | int, ...]:
    """Organizations as the file names them: digits alone are an id."""
    return tuple(int(word) if word.isascii() and word.isdigit() else word for word in words)


def change(
    context: CommandContext, where: tuple[str | None, str | None], name: str, edit: "PluginEdit", *, as_json: bool
) -> "Settings":
    """Change a plugin's table and print what that did; gives the settings of afterwards.

    ``where`` is the configuration file and the database, as their options name them.
    """
    from scmhost.admin.configuration import edit_switchboard
    from scmhost.plugins.config.reading import configuration_path, read_configuration, settings_of, with_database

    config, database_url = where
    path = configuration_path(config)
    _check_name(name, read_configuration(config, database_url))
    read = partial(settings_of, file=str(path), environ=with_database(os.environ, database_url))
    with _services(context, where) as services:
        _check_organizations(services, (*edit.allow, *edit.deny))
        done = edit_switchboard(path, name, edit, read, services)
    if as_json:
        sha256 = done.after.source.sha256
        say_json({"file": str(path), "plugin": name, "changes": list(done.changes), "sha256": sha256})
    else:
        for line in done.changes:
            say(f"{done.after.source.place(*line.partition(':')[0].split('.'))}: {line}")
        if not done.changes:
            told = f"{path} says so already" if path.exists() else f"There is no {path}, and {name} is off without it"
            say(f"{told}; nothing has changed.")
    return done.after


@contextmanager
def _services(context: CommandContext, where: tuple[str | None, str | None]) -> "Iterator[Services | None]":
    """The database without any plugin, or None when it is away: switching something off must not wait for it."""
    try:
        host = context.open_host(*where, plugins=False)
    except ScmhostError as error:
        remark(f"{error}\nThe file is changed all the same; the audit log will not say by whom.")
        yield None
        return
    with host:
        yield host.services


def _check_name(name: str, settings: "Settings") -> None:
    from scmhost.plugins.discovery import discover
    from scmhost.plugins.errors import did_you_mean

    known = {*settings.plugins, *(candidate.name for candidate in discover())}
    if name not in known:
        fail(
            f"there is no plugin {name!r}, neither installed nor in {settings.source.file}; {did_you_mean(name, known)}"
        )


def _check_organizations(services: "Services | None", names: Sequence[str | int]) -> None:
    from scmhost.admin.configuration import everybody, unknown_organizations
    from scmhost.plugins.errors import did_you_mean

    if services is None or not names:
        return
    unknown = unknown_organizations(services, names)
    if unknown:
        slugs = [organization.slug for organization in everybody(services)]
        fail(f"there is no organization {unknown[0]!r}; {did_you_mean(unknown[0], slugs)}")
