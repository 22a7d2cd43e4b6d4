"""``scmhost plugin check``: admission as the host does it, then every law of the contract."""

import logging
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scmhost.infra.errors import ScmhostError
from scmhost.plugins import PluginHost, PluginReport, PluginSettings, Settings
from scmhost.plugins.config.schema import Source
from scmhost.plugins.discovery import Candidate, discover
from scmhost.plugins.errors import did_you_mean
from scmhost.sdk import PROJECT_NAME

from .context import EXIT_FAILED, fail, say, say_json

if TYPE_CHECKING:
    from scmhost.sdk.testing import Law, Report, Samples

_KEYS: Final = ("form", "installation", "settings", "repository", "provider", "hosts", "push")
_MISSING: Final = re.compile(r"\.settings\.([\w-]+)[\w.-]*: field required")
_PUSH_KEYS: Final = ("body", "headers", "secret")


class BadSamples(ScmhostError):
    """The file of samples cannot be used."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    plugin: str
    samples: Path | None
    laws: tuple[str, ...]
    as_json: bool
    markdown: bool


def check_plugin(wanted: Wanted) -> None:
    """Check every plugin of a distribution; ends with 1 if one is refused or breaks a law."""
    laws = _laws(wanted.laws)
    given = _read(wanted.samples) if wanted.samples else {}
    reports = [
        report for candidate in _candidates(wanted.plugin) for report in _checked(candidate, given, laws, wanted)
    ]
    if wanted.as_json:
        say_json([report.data() for report in reports])
    if not all(report.is_kept for report in reports):
        sys.exit(EXIT_FAILED)


def _checked(
    candidate: Candidate, given: Mapping[str, Any], laws: "tuple[Law, ...]", wanted: Wanted
) -> "Iterator[Report]":
    admitted = _admitted(candidate, given.get("settings", {}), wanted.samples)
    quiet = wanted.as_json or wanted.markdown
    if admitted.state != "ready":
        fail(f"the host does not take it in ({admitted.state}): {admitted.reason}{_hint(admitted.reason)}")
    if not quiet:
        say(f"ready         {candidate.where}")
        for note in admitted.notes:
            say(f"note          {note}")
    keys = [given["provider"]] if "provider" in given else list(admitted.providers)
    for key in keys or [""]:
        report = _asked(_samples(candidate, given, key), laws, quiet=quiet)
        if wanted.markdown:
            say(report.markdown())
        elif not wanted.as_json:
            say(f"\n{report.summary() if wanted.laws else report.markdown()}")
        yield report


def _asked(samples: "Samples", laws: "tuple[Law, ...]", *, quiet: bool) -> "Report":
    from scmhost.sdk.testing import Examination

    examination = Examination(samples)
    for law in laws:
        finding = examination.ask(law)
        if not quiet:
            beside = f"  ({finding.text})" if finding.text and not finding.report else ""
            say(f"{finding.verdict:<14}{law.name}{beside}")
    for text in () if quiet else _told(examination.report):
        say(f"\n{text.rstrip()}")
    return examination.report


def _told(report: "Report") -> Iterator[str]:
    """What there is to say beside the list of laws."""
    yield from (f"note          {note}." for note in report.notes)
    yield from (finding.report for finding in report.broken)
    yield from dict.fromkeys(finding.cause for finding in report.findings if finding.cause)


def _laws(named: tuple[str, ...]) -> "tuple[Law, ...]":
    try:
        from scmhost.sdk.testing import LAWS
    except ModuleNotFoundError as error:
        fail(str(error))
    known = {law.name: law for law in LAWS}
    for name in named:
        if name not in known:
            fail(f"no law is named {name!r}; {did_you_mean(name, known)}")
    return tuple(law for law in LAWS if not named or law.name in named)


def _candidates(name: str) -> list[Candidate]:
    installed = discover()
    found = [one for one in installed if name in (one.name, one.distribution)]
    if not found:
        names = sorted({one.distribution for one in installed} | {one.name for one in installed})
        hint = did_you_mean(name, names) if names else "no plugin is installed"
        fail(f"no installed plugin is named {name!r}; {hint} In a plugin's folder: pip install --editable .")
    return found


def _hint(reason: str) -> str:
    """How to give the settings that a plugin must have, as TOML."""
    missing = list(dict.fromkeys(_MISSING.findall(reason)))
    if not missing:
        return ""
    lines = ["[settings]", *(f'{name} = "..."' for name in missing)]
    return "\ngive them with --samples FILE, in which stands what an operator would write:\n\n    " + "\n    ".join(
        lines
    )


def _admitted(candidate: Candidate, settings: Mapping[str, Any], samples: Path | None) -> PluginReport:
    plugin = PluginSettings(enabled=True, default=True, settings=dict(settings))
    source = Source(str(samples) if samples else "without --samples")
    # What would be logged of it stands in the report.
    with _unlogged():
        host = PluginHost.open(Settings(plugins={candidate.name: plugin}, source=source), candidates=[candidate])
        host.close()
    return host.plugins[0]


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep log lines of the plugin host from the terminal."""
    logger = logging.getLogger("scmhost.plugins")
    silent = logging.NullHandler()
    logger.addHandler(silent)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(silent)


def _samples(candidate: Candidate, given: Mapping[str, Any], provider: str) -> "Samples":
    from scmhost.sdk.testing import PushSample, Samples

    push = given.get("push")
    return Samples(
        plugin=EntryPoint(candidate.name, candidate.value, PROJECT_NAME).load(),
        provider=provider,
        settings=given.get("settings", {}),
        form=given.get("form", {}),
        installation=given.get("installation", {}),
        repository=given.get("repository", {}),
        hosts=tuple(given.get("hosts", ())),
        push=PushSample(**{**push, "body": push["body"].encode()}) if push else None,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSamples(f"{file}: {error}") from None
    for table, known in ((given, _KEYS), (given.get("push", {}), _PUSH_KEYS)):
        unknown = sorted(set(table) - set(known))
        if unknown:
            raise BadSamples(f"{file}: unknown key {unknown[0]!r}; {did_you_mean(unknown[0], known)}")
    missing = [key for key in ("body", "headers") if "push" in given and key not in given["push"]]
    if missing:
        raise BadSamples(f"{file}: push.{missing[0]} is missing; a delivery has body, headers and secret")
    return given
