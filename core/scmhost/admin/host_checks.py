"""Findings of the doctor, and its checks of this machine: configuration, plugins, files and webhooks."""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

from pydantic import SecretStr

from scmhost.infra.telemetry import TelemetryMissing, check_telemetry
from scmhost.plugins import PluginReport, PluginSettings, Settings
from scmhost.plugins.config.reading import DATABASE_URL, READ_URL, WEBHOOK_KEY
from scmhost.plugins.config.redaction import is_secret_name
from scmhost.plugins.config.schema import KeySource, environment_references
from scmhost.repositories.webhooks import webhooks_blocker
from scmhost.services import Services

from . import queries as admin_queries
from .queries import TenantRow, WebhookRow

Severity = Literal["error", "warning", "note"]
SEVERITIES: Final[Sequence[Severity]] = ("error", "warning", "note")

MAX_OF_A_KIND: Final = 10
"""How many findings of one kind are listed; the others are counted."""

CONFIGURATION: Final = "plugins.toml"
DATABASE: Final = "the database"

_MOUNTS: Final = Path("/proc/mounts")
_NETWORK_FILESYSTEMS: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
)
_PASSWORD: Final = re.compile(r"://[^/:@]*:[^@]+@|[?&]password=")
_FAILED_STATES: Final[dict[str, Severity]] = {"broken": "error", "incompatible": "error", "suspended": "warning"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. An error prevents something, a warning does or will, a note is worth knowing.

    Attributes:
        severity: error, warning or note.
        subject: the thing with the problem: ``plugin gitbox``, ``token 4 of acme``.
        problem: the problem, in a sentence.
        remedy: the next step, in a sentence; empty if the problem contains it.
        place: the file and line of the cause, or empty.
    """

    severity: Severity
    subject: str
    problem: str
    remedy: str = ""
    place: str = ""

    def described(self) -> dict[str, str]:
        """Return the finding as ``--json`` shows it."""
        return asdict(self)


Findings: TypeAlias = Iterator[Finding]
Check: TypeAlias = Callable[[Services], Findings]


def each(rows: Sequence[T], finding_of: Callable[[T], Finding]) -> Findings:
    """Yield a finding for each row, and one with the number of the rows after ``MAX_OF_A_KIND``."""
    yield from map(finding_of, rows[:MAX_OF_A_KIND])
    rest = len(rows) - MAX_OF_A_KIND
    if rest > 0:
        last = finding_of(rows[MAX_OF_A_KIND])
        yield Finding(last.severity, f"{rest} more", f"are like the last {last.subject.split()[0]} above", last.remedy)


def check_file_mode(services: Services) -> Findings:
    """Report a plugins.toml with secrets that every user of this machine may read."""
    settings = services.plugins.settings
    # The group may read the file: a service often runs as a user of its own, with the operators in its group.
    path = Path(settings.source.file)
    if not path.is_file() or not path.stat().st_mode & stat.S_IROTH:
        return
    secrets = list(_secrets_in(settings))
    if secrets:
        yield Finding(
            "warning",
            CONFIGURATION,
            f"every user of this machine may read the file, which contains {', '.join(secrets)}",
            f"chmod o-r {path}, or move secrets to the environment: {WEBHOOK_KEY}, {DATABASE_URL}, {READ_URL}, and for "
            'a plugin\'s setting write { env = "VARIABLE" } instead of the value',
            str(path),
        )


def check_key_files(services: Services) -> Findings:
    """Report files with keys that every user of this machine may read."""
    for key in services.plugins.settings.host.secret_keys:
        path = Path(key.name) if isinstance(key, KeySource) and key.kind == "file" else None
        if path and path.is_file() and path.stat().st_mode & stat.S_IROTH:
            problem = f"every user of this machine may read {path}, which contains a key"
            place = services.plugins.settings.source.place("host", "secret_keys")
            yield Finding("warning", "secret_keys", problem, f"chmod o-r {path}", place)


def check_telemetry_packages(services: Services) -> Findings:
    """Report a missing package that the settings of telemetry need."""
    settings = services.plugins.settings
    try:
        check_telemetry(spans=settings.host.spans.enabled)
    except TelemetryMissing as missing:
        yield Finding("error", "spans", str(missing), place=settings.source.place("host", "spans", "enabled"))


def check_agents_package(services: Services) -> Findings:
    """Report that the package of the endpoint for agents is missing, though it is on."""
    settings = services.plugins.settings
    if settings.host.mcp and find_spec("mcp") is None:
        problem = "host.mcp is true, but the package mcp is not installed: the service does not start"
        place = settings.source.place("host", "mcp")
        yield Finding("error", "mcp", problem, "pip install 'scmhost[mcp]', or switch host.mcp off", place)


def check_database_file(services: Services) -> Findings:
    """Report a SQLite file that is missing, is not writable, or is on a network file system."""
    file = services.store.file
    if file is None:
        return
    folder = file.absolute().parent
    if not file.exists():
        yield _missing_file(file, folder)
    # SQLite creates the files of its write-ahead log beside the database, so it needs the folder too.
    elif not os.access(file, os.W_OK) or not os.access(folder, os.W_OK):
        remedy = "allow the user that runs scmhost to write both; SQLite creates files in the same folder"
        yield Finding("error", DATABASE, f"{file} or its folder cannot be written", remedy)
    kind = filesystem_of(folder)
    if kind in _NETWORK_FILESYSTEMS:
        problem = f"{file} is on a network file system ({kind}), where SQLite's locks and WAL do not work"
        yield Finding("error", DATABASE, problem, "move it to a local disk, or use PostgreSQL")


def filesystem_of(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the file system of a folder, or None where the system has no table of mounts."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    around = [fields for fields in map(str.split, lines) if len(fields) > 2 and folder.is_relative_to(fields[1])]  # noqa: PLR2004
    # Of two mounts at the same path, the later one covers the other.
    return max(enumerate(around), key=lambda item: (len(item[1][1]), item[0]))[1][2] if around else None


def _missing_file(file: Path, folder: Path) -> Finding:
    if os.access(folder, os.W_OK):
        return Finding("note", DATABASE, f"{file} does not exist yet", "scmhost serve or scmhost migrate creates it")
    remedy = "create the folder, and allow the user that runs scmhost to write it"
    return Finding("error", DATABASE, f"{file} does not exist, and {folder} cannot be written", remedy)


def _secrets_in(settings: Settings) -> Iterator[str]:
    """Yield the secrets that are written in the file, by name."""
    lines = settings.source.lines
    if ("host", "webhook_key") in lines:
        yield "the webhook_key"
    if ("host", "secret_keys") in lines and any(isinstance(key, SecretStr) for key in settings.host.secret_keys):
        yield "secret_keys"
    # Only a URL with a password is a secret; the path of a SQLite file, or a user, is not.
    if any(("host", key) in lines and _PASSWORD.search(_written_url(settings, key)) for key in _DATABASE_URLS):
        yield "the password of the database"
    from_environment = {
        ("plugins", name, "settings", *place)
        for name, table in settings.plugins.items()
        for place, _ in environment_references(table.settings)
    }
    for path in lines:
        is_setting = path[:1] == ("plugins",) and path[2:3] == ("settings",)
        # The schema of a plugin that is not loaded is unknown, so the name of a key is the only hint.
        if is_setting and is_secret_name(path[-1]) and path not in from_environment:
            yield ".".join(path)


_DATABASE_URLS: Final = ("database_url", "read_url")


def _written_url(settings: Settings, key: str) -> str:
    """Return the URL that the file has; the one in use may come from the environment."""
    try:
        written = tomllib.loads(Path(settings.source.file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # The file has changed since it was read.
        return ""
    return str(written.get("host", {}).get(key, ""))


def check_plugin_states(services: Services) -> Findings:
    """Report configured plugins that are not ready, installed ones that are not configured, and all notes."""
    for report in services.plugins.plugins:
        place = _place(services, report.name)
        if report.state in _FAILED_STATES:
            yield Finding(_FAILED_STATES[report.state], f"plugin {report.name}", report.reason, place=place)
        # A plugin that has a table in plugins.toml is off on purpose, and is no finding.
        elif report.state == "off" and report.name not in services.plugins.settings.plugins:
            yield Finding("note", f"plugin {report.name}", "is installed, but not named in plugins.toml", report.reason)
        for note in report.notes:
            yield Finding("note", f"plugin {report.name}", note, place=place)


def check_plugins_serve_someone(services: Services) -> Findings:
    """Report a loaded plugin that no rule turns on for any organization."""
    settings = services.plugins.settings
    for report in services.plugins.plugins:
        own = settings.of(report.name)
        if report.providers and not own.kill and _needs_flag(services, report) and not _has_rule(own):
            yield Finding(
                "warning",
                f"plugin {report.name}",
                "is loaded, but on for no organization",
                f"write default = true, allow or rollout under [plugins.{report.name}]",
                _place(services, report.name),
            )


def check_address(services: Services) -> Findings:
    """Report plugins that send people to a code host, if the host has no address to which they can come back."""
    for report in services.plugins.plugins:
        if "scm_begin_install" in report.hooks and services.url is None:
            yield Finding(
                "note",
                f"plugin {report.name}",
                "needs a person's consent at the code host, which cannot send the browser back without host.url",
                'write url = "https://..." under [host], the address of this service',
                services.plugins.settings.source.place("host"),
            )


def check_overrides(services: Services) -> Findings:
    """Report what an operator may have forgotten: the environment, ``kill``, and contradicting lists."""
    settings = services.plugins.settings
    for name, own in settings.plugins.items():
        if own.enabled and settings.off_by_environment(name):
            yield Finding(
                "warning",
                f"plugin {name}",
                "is turned off by the environment",
                "unset SCMHOST_PLUGINS_OFF to load it",
            )
        if own.kill:
            yield Finding(
                "warning",
                f"plugin {name}",
                "is off for everyone, by kill = true",
                "remove the line when the problem is fixed",
                settings.source.place("plugins", name, "kill"),
            )
        in_both = sorted(map(str, set(own.allow.organizations) & set(own.deny.organizations)))
        if in_both:
            yield Finding(
                "warning",
                f"plugin {name}",
                f"allow and deny both name {', '.join(in_both)}; deny wins",
                "remove the name from one of them",
                settings.source.place("plugins", name, "allow"),
            )


def _needs_flag(services: Services, report: PluginReport) -> bool:
    # One provider that is on without a flag is enough: the plugin is then of use to every organization.
    providers = map(services.plugins.provider, report.providers)
    return all(provider is not None and provider.requires_feature_flag for provider in providers)


def _has_rule(own: PluginSettings) -> bool:
    return own.default or bool(own.allow.organizations) or bool(own.rollout and own.rollout.percent)


def _place(services: Services, plugin: str) -> str:
    settings = services.plugins.settings
    return settings.source.place("plugins", plugin) if plugin in settings.plugins else ""


REGISTER_AGAIN: Final = "fix the cause, then: scmhost webhooks register --org SLUG --installation ID"


def check_webhook_key(services: Services) -> Findings:
    """Report webhooks whose secrets cannot be derived, because the operator's key is missing."""
    with services.store.read() as tx:
        count = admin_queries.count_webhooks(tx, services.clock.now())
    if count and services.webhook_key is None:
        yield Finding(
            "error",
            "webhooks",
            f"there is no webhook_key, so every delivery is answered 404; installations with a webhook: {count}",
            "set SCMHOST_WEBHOOK_KEY, or webhook_key under [host], to the key with which they were created",
            services.plugins.settings.source.place("host"),
        )


def check_registered_webhooks(services: Services) -> Findings:
    """Report webhooks that code hosts do not have, or have with another address, and why none are registered."""
    with services.store.read() as tx:
        rows, installations = admin_queries.troubled_webhooks(tx, services.url), admin_queries.all_installations(tx)
    yield from each([row for row in rows if row.state == "failed"], _failed)
    yield from each([row for row in rows if row.state != "failed"], _moved)
    yield from _none_registered(services, installations)


def _none_registered(services: Services, installations: list[TenantRow]) -> Findings:
    providers = sorted({row.detail for row in installations})
    able = [key for key in providers if services.plugins.has_hook(key, "scm_register_webhook")]
    # An operator has turned registration off on purpose.
    if not able or not services.register_webhooks:
        return
    blocker = webhooks_blocker(services)
    if blocker:
        problem = f"the plugins of {', '.join(able)} could register webhooks, but {blocker}"
        place = services.plugins.settings.source.place("host")
        yield Finding("note", "webhooks", problem, "set it, or register_webhooks = false under [host]", place)
        return
    with services.store.read() as tx:
        yield from each(admin_queries.installations_without_webhooks(tx, able), _without)


def _without(row: TenantRow) -> Finding:
    # They were claimed by an earlier version, or before the operator had set the address or the key.
    problem = f"{row.name!r} has repositories that were claimed before webhooks were registered: {row.count}"
    return Finding("note", f"installation {row.id} of {row.organization}", problem, _command(row.organization, row.id))


def _failed(row: WebhookRow) -> Finding:
    action = "registered" if row.wanted else "removed"
    problem = f"the webhook of {row.repository!r} could not be {action}: {row.reason or 'for an unknown reason'}"
    return Finding("warning", _subject(row), problem, _command(row.organization, row.installation_id))


def _moved(row: WebhookRow) -> Finding:
    problem = f"the webhook of {row.repository!r} was registered with {row.address}, which is not under host.url"
    return Finding("warning", _subject(row), problem, _command(row.organization, row.installation_id))


def _command(organization: str, installation_id: int) -> str:
    return f"scmhost webhooks register --org {organization} --installation {installation_id}"


def _subject(row: WebhookRow) -> str:
    return f"installation {row.installation_id} of {row.organization}"
