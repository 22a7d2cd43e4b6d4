"""Doctor checks of the process, its files and its plugins."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scmhost.infra.telemetry import TelemetryMissing, check_telemetry
from scmhost.plugins import PluginReport, PluginSettings, Settings
from scmhost.plugins.config.reading import DATABASE_URL, WEBHOOK_KEY
from scmhost.plugins.config.redaction import sounds_secret
from scmhost.plugins.config.schema import environment_references
from scmhost.services import Services

from .findings import Finding, Findings, Severity

_MOUNTS: Final = Path("/proc/mounts")
_OF_THE_NETWORK: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
)


def secrets_are_kept(services: Services) -> Findings:
    """A switchboard with secrets in it is not for everybody on the machine."""
    settings = services.plugins.settings
    path = Path(settings.source.file)
    if not path.is_file() or not path.stat().st_mode & stat.S_IROTH:
        return
    held = list(_secrets_in(settings))
    if held:
        yield Finding(
            "warning",
            "the switchboard",
            f"everybody on this machine may read it, and {', '.join(held)} in it",
            f"chmod o-r {path}, or put secrets into the environment: {WEBHOOK_KEY}, {DATABASE_URL}, and for a plugin's "
            'setting write { env = "VARIABLE" } in its place',
            str(path),
        )


def telemetry_is_installed(services: Services) -> Findings:
    """What the settings ask for can be imported."""
    settings = services.plugins.settings
    try:
        check_telemetry(spans=settings.host.spans.enabled)
    except TelemetryMissing as missing:
        yield Finding("error", "spans", str(missing), place=settings.source.place("host", "spans", "enabled"))


def database_file(services: Services) -> Findings:
    """SQLite's file is there, may be written, and lies on a disk of this machine."""
    file = services.store.file
    if file is None:
        return
    folder = file.absolute().parent
    if not file.exists():
        yield _missing(file, folder)
    elif not os.access(file, os.W_OK) or not os.access(folder, os.W_OK):
        remedy = "give the user that runs scmhost the right to write both; SQLite keeps files beside its own"
        yield Finding("error", "the database", f"{file} or its folder cannot be written", remedy)
    kind = filesystem_of(folder)
    if kind in _OF_THE_NETWORK:
        problem = f"{file} lies on a network file system ({kind}), on which SQLite's locks and its WAL do not hold"
        yield Finding("error", "the database", problem, "move it to a local disk, or use PostgreSQL")


def filesystem_of(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of file system that a folder is on, where the system tells it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    held = [fields for fields in map(str.split, lines) if len(fields) > 2 and folder.is_relative_to(fields[1])]  # noqa: PLR2004
    # Of two mounts on one place the later one covers the other.
    return max(enumerate(held), key=lambda item: (len(item[1][1]), item[0]))[1][2] if held else None


def _missing(file: Path, folder: Path) -> Finding:
    if os.access(folder, os.W_OK):
        return Finding("note", "the database", f"{file} does not exist yet", "scmhost serve, or migrate, makes it")
    remedy = "make the folder, and give the user that runs scmhost the right to write it"
    return Finding("error", "the database", f"{file} does not exist, and {folder} cannot be written", remedy)


def _secrets_in(settings: Settings) -> Iterator[str]:
    lines = settings.source.lines
    if ("host", "webhook_key") in lines:
        yield "the webhook_key is"
    if ("host", "database_url") in lines and "@" in settings.host.database_url:
        yield "the password of the database is"
    elsewhere = {
        ("plugins", name, "settings", *place)
        for name, table in settings.plugins.items()
        for place, _ in environment_references(table.settings)
    }
    for path in lines:
        is_setting = path[:1] == ("plugins",) and path[2:3] == ("settings",)
        if is_setting and sounds_secret(path[-1]) and path not in elsewhere:
            yield f"{'.'.join(path)} is"


_ILL: Final[dict[str, Severity]] = {"broken": "error", "incompatible": "error", "suspended": "warning"}


def plugins_are_well(services: Services) -> Findings:
    """Each plugin that is named is ready; each that is installed is named."""
    for report in services.plugins.plugins:
        place = _place(services, report.name)
        if report.state in _ILL:
            yield Finding(_ILL[report.state], f"plugin {report.name}", report.reason, place=place)
        elif report.state == "off" and report.name not in services.plugins.settings.plugins:
            yield Finding("note", f"plugin {report.name}", "is installed, but not named", report.reason)
        for note in report.notes:
            yield Finding("note", f"plugin {report.name}", note, place=place)


def plugins_are_on_for_somebody(services: Services) -> Findings:
    """A plugin that is loaded serves at least one organization."""
    settings = services.plugins.settings
    for report in services.plugins.plugins:
        own = settings.of(report.name)
        if report.providers and not own.kill and _needs_flag(services, report) and not _serves(own):
            yield Finding(
                "warning",
                f"plugin {report.name}",
                "is loaded, but on for no organization",
                f"write default = true, allow or rollout under [plugins.{report.name}]",
                _place(services, report.name),
            )


def switches_that_surprise(services: Services) -> Findings:
    """What an operator may have forgotten: the emergency switches."""
    settings = services.plugins.settings
    for name, own in settings.plugins.items():
        if own.enabled and settings.off_by_environment(name):
            yield Finding(
                "warning",
                f"plugin {name}",
                "is switched off by the environment",
                "unset SCMHOST_PLUGINS_OFF to load it",
            )
        if own.kill:
            yield Finding(
                "warning",
                f"plugin {name}",
                "is off for everyone, by kill = true",
                "take the line out when the trouble is over",
                settings.source.place("plugins", name, "kill"),
            )
        both = sorted(map(str, set(own.allow.organizations) & set(own.deny.organizations)))
        if both:
            yield Finding(
                "warning",
                f"plugin {name}",
                f"allow and deny both name {', '.join(both)}; deny wins",
                "take it out of one of them",
                settings.source.place("plugins", name, "allow"),
            )


def _needs_flag(services: Services, report: PluginReport) -> bool:
    providers = map(services.plugins.provider, report.providers)
    return all(provider is not None and provider.requires_feature_flag for provider in providers)


def _serves(own: PluginSettings) -> bool:
    return own.default or bool(own.allow.organizations) or bool(own.rollout and own.rollout.percent)


def _place(services: Services, plugin: str) -> str:
    settings = services.plugins.settings
    return settings.source.place("plugins", plugin) if plugin in settings.plugins else ""
