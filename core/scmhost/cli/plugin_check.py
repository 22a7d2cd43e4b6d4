"""``scmhost plugin check``: validate an installed plugin as the host does, then run the conformance checks."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, NoReturn

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scmhost.sdk import API_VERSION, PROJECT_NAME
from scmhost.sdk.testing import CHECKS, Check, ConformanceReport, ConformanceRun, FileSample, PushSample, Samples
from scmhost.sdk.testing.calls import compatibility_notes
from scmhost.sdk.testing.checks import Violation
from scmhost.sdk.testing.plugin_under_test import PluginUnderTest
from scmhost.sdk.validation import did_you_mean, stated_range

from .context import EXIT_FAILED, echo, echo_json, fail

_KEYS: Final = (
    "form",
    "installation",
    "settings",
    "repository",
    "provider",
    "hosts",
    "push",
    "old_configurations",
    "file",
)
_TABLES: Final = ("form", "installation", "settings", "repository", "push", "old_configurations", "file")
_PUSH_KEYS: Final = ("body", "headers", "secret")
_FILE_KEYS: Final = ("ref", "path", "large", "outside")
# The host does not load a plugin that violates one of these.
_REQUIRED: Final = ("imports", "hooks-fit", "hook-kinds", "provider-hooks", "models-fit")
_MISSING_FIELD: Final = re.compile(r"([\w-]+)[\w.-]*: Field required")
_NO_RANGE: Final = f"it states no API range; add the keyword 'scmhost-api>={API_VERSION}' to the distribution"


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The arguments of the command."""

    plugin: str
    samples: Path | None
    checks: tuple[str, ...]
    as_json: bool
    markdown: bool

    @property
    def is_quiet(self) -> bool:
        """Whether only a report is printed."""
        return self.as_json or self.markdown


def check_plugin(options: CheckOptions) -> None:
    """Check every plugin of a distribution; exit with 1 if one is invalid or violates a check."""
    checks = _selected_checks(options.checks)
    given = _read_samples(options.samples) if options.samples else {}
    reports = [report for point in _installed(options.plugin) for report in _reports(point, given, checks, options)]
    if options.as_json:
        echo_json([report.data() for report in reports])
    # Only after all reports are printed: a CI job shows every provider's problems at once.
    if not all(report.passed for report in reports):
        sys.exit(EXIT_FAILED)


def _reports(
    point: EntryPoint, given: Mapping[str, Any], checks: tuple[Check, ...], options: CheckOptions
) -> Iterator[ConformanceReport]:
    """Validate a plugin, then check and print each of its providers."""
    # Before the import, as in the host: an incompatible plugin may fail in confusing ways.
    notes = _api_notes(point)
    plugin = PluginUnderTest(_samples(point, given, ""))
    _require_loadable(plugin)
    if not options.is_quiet:
        echo(f"ready         {_described(point)}")
        for note in [*notes, *compatibility_notes(plugin.attributes)]:
            echo(f"note          {note}")
    # A plugin without a provider is checked too: its other hooks have rules of their own.
    keys = [given["provider"]] if "provider" in given else [provider.key for provider in plugin.providers]
    for key in keys or [""]:
        samples = _samples(point, given, key)
        _require_settings(PluginUnderTest(samples))
        report = _run(samples, checks, quiet=options.is_quiet)
        if options.markdown:
            echo(report.markdown())
        elif not options.as_json:
            echo(f"\n{report.summary() if options.checks else report.markdown()}")
        yield report


def _run(samples: Samples, checks: tuple[Check, ...], *, quiet: bool) -> ConformanceReport:
    run = ConformanceRun(samples)
    for check in checks:
        result = run.run(check)
        if not quiet:
            details = f"  ({result.text})" if result.text and not result.report else ""
            echo(f"{result.outcome:<14}{check.name}{details}")
    for text in () if quiet else _details(run.report):
        echo(f"\n{text.rstrip()}")
    return run.report


def _details(report: ConformanceReport) -> Iterator[str]:
    yield from (f"note          {note}." for note in report.notes)
    yield from (result.report for result in report.violations)
    yield from dict.fromkeys(result.cause for result in report.results if result.cause)


def _selected_checks(names: tuple[str, ...]) -> tuple[Check, ...]:
    known = [check.name for check in CHECKS]
    for name in names:
        if name not in known:
            fail(f"no check is named {name!r}; {did_you_mean(name, known)}")
    return tuple(check for check in CHECKS if not names or check.name in names)


def _installed(name: str) -> list[EntryPoint]:
    """Return the entry points with this name, or of the distribution with this name."""
    points = sorted(entry_points(group=PROJECT_NAME), key=lambda point: (point.name, _distribution(point)))
    matching = [point for point in points if name in (point.name, _distribution(point))]
    if not matching:
        names = {point.name for point in points} | {_distribution(point) for point in points}
        hint = did_you_mean(name, names) if names else "no plugin is installed."
        fail(f"no installed plugin is named {name!r}; {hint} In a plugin's folder: pip install --editable .")
    return matching


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


def _described(point: EntryPoint) -> str:
    version = f" {point.dist.version}" if point.dist else ""
    return f"{_distribution(point)}{version}, entry point {point.name} = {point.value}"


def _api_notes(point: EntryPoint) -> list[str]:
    """Check the stated range of API versions, before the plugin is imported."""
    stated = stated_range(",".join(point.dist.metadata.get_all("Keywords") or []) if point.dist else "")
    if not stated:
        return [_NO_RANGE]
    try:
        supported = SpecifierSet(stated).contains(API_VERSION, prereleases=True)
    except InvalidSpecifier:
        _refuse(f"its API range {stated!r} is invalid; write it like '>=1.0,<2'")
    if not supported:
        _refuse(f"it supports API {stated}, this scmhost offers {API_VERSION}")
    return []


def _require_loadable(plugin: PluginUnderTest) -> None:
    required = {check.name: check for check in CHECKS if check.name in _REQUIRED}
    for name in _REQUIRED:
        result = required[name].run(plugin)
        if result.outcome == "violated" or result.blocked_by:
            _refuse((result.report or result.text).rstrip())


def _require_settings(plugin: PluginUnderTest) -> None:
    """Settings without defaults must come from the file of samples."""
    try:
        _ = plugin.settings
    except Violation as violation:
        missing = list(dict.fromkeys(_MISSING_FIELD.findall(violation.problem)))
        lines = "".join(f"\n    {line}" for line in ["[settings]", *(f'{name} = "..."' for name in missing)])
        _refuse(f"{violation.problem}" + (f"\nPass them with --samples FILE:\n{lines}" if missing else ""))


def _refuse(reason: str) -> NoReturn:
    fail(f"the host would not load this plugin: {reason}")


def _samples(point: EntryPoint, given: Mapping[str, Any], provider: str) -> Samples:
    push, file = given.get("push"), given.get("file")
    return Samples(
        plugin=point,
        provider=provider,
        settings=given.get("settings", {}),
        form=given.get("form", {}),
        installation=given.get("installation", {}),
        repository=given.get("repository", {}),
        hosts=tuple(given.get("hosts", ())),
        old_configurations=given.get("old_configurations", {}),
        push=PushSample(**{**push, "body": push["body"].encode()}) if push else None,
        file=FileSample(**{**file, "outside": _outside(file)}) if file else None,
    )


def _outside(sample: Mapping[str, Any]) -> tuple[Any, ...]:
    paths = sample.get("outside", ())
    return tuple(paths) if isinstance(paths, list) else (paths,) if paths else ()


def _read_samples(file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fail(f"{file}: {error}")
    no_table = next((key for key in _TABLES if not isinstance(given.get(key, {}), dict)), None)
    if no_table:
        fail(f"{file}: {no_table} is not a table; begin it with [{no_table}]")
    for table, known in ((given, _KEYS), (given.get("push", {}), _PUSH_KEYS), (given.get("file", {}), _FILE_KEYS)):
        unknown = sorted(set(table) - set(known))
        if unknown:
            fail(f"{file}: unknown key {unknown[0]!r}; {did_you_mean(unknown[0], known)}")
    missing = [key for key in ("body", "headers") if "push" in given and key not in given["push"]]
    if missing:
        fail(f"{file}: push.{missing[0]} is missing; a delivery has body, headers and secret")
    missing = [key for key in ("ref", "path") if "file" in given and key not in given["file"]]
    if missing:
        fail(f"{file}: file.{missing[0]} is missing; a sample file has ref and path")
    sample = given.get("file", {})
    if not all(isinstance(text, str) for text in (*map(sample.get, sample.keys() - {"outside"}), *_outside(sample))):
        fail(f"{file}: [file] has text for ref, path and large, and a list of texts for outside")
    if "push" in given and not isinstance(given["push"]["body"], str):
        fail(f"{file}: push.body is not text; write the delivery's body as one string")
    return given
