"""Run the checks, from Python (``ConformanceRun``) or pytest (``ProviderConformance``), and report the results."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import pytest

from scmhost.sdk import API_VERSION

from . import (
    checks_calls,
    checks_contract,
    checks_deliveries,
    checks_files,
    checks_install,
    checks_links,
    checks_repositories,
)
from .calls import hook_functions, load
from .checks import Check, CheckResult, Outcome, Violation
from .plugin_under_test import PluginUnderTest
from .samples import FileSample, PushSample, Samples, Waiver

CHECKS: Final[tuple[Check, ...]] = (
    *checks_contract.CHECKS,
    *checks_calls.CHECKS,
    *checks_install.CHECKS,
    *checks_repositories.CHECKS,
    *checks_links.CHECKS,
    *checks_files.CHECKS,
    *checks_deliveries.CHECKS,
)
"""All checks, in the order in which they run."""

CHECKS_BY_NAME: Final[Mapping[str, Check]] = {check.name: check for check in CHECKS}

CAPABILITIES: Final = (
    ("installation", ("scm_install",)),
    ("installation in steps", ("scm_begin_install", "scm_finish_install")),
    ("upgrades configuration", ("scm_upgrade_configuration",)),
    ("cleans up at removal", ("scm_uninstall",)),
    ("renews credentials", ("scm_refresh_credentials",)),
    ("offers repositories", ("scm_offer_repositories",)),
    ("adds repositories", ("scm_dispatch_repository",)),
    ("synchronizes repositories", ("scm_sync_repositories",)),
    ("serializes repositories", ("scm_serialize_repository",)),
    ("links to source", ("scm_source_url",)),
    ("links by templates", ("scm_url_templates",)),
    ("reads pasted links", ("scm_read_source_url",)),
    ("links to commits", ("scm_commit_url",)),
    ("links to comparisons", ("scm_compare_url",)),
    ("checks that files exist", ("scm_file_exists",)),
    ("resolves refs", ("scm_resolve_ref",)),
    ("fetches commits", ("scm_compare_commits",)),
    ("reads files", ("scm_read_file",)),
    ("blames lines", ("scm_blame_lines",)),
    ("push webhooks", ("scm_read_push",)),
    ("registers webhooks", ("scm_register_webhook", "scm_unregister_webhook")),
    ("one address for deliveries", ("scm_route_delivery",)),
    ("listens to changes", ("scm_installation_saved", "scm_repository_saved", "scm_commits_saved")),
    ("starts and stops", ("scm_startup", "scm_shutdown")),
    ("commands", ("scm_register_commands",)),
)
"""What a plugin can do, each with the hooks that it needs for that."""

_NOT_KEPT: Final[tuple[Outcome, ...]] = ("violated", "waived", "not run")


@dataclass(slots=True)
class ConformanceReport:
    """The results for one provider of a plugin, in the order of the checks. ``total`` is the number of all checks."""

    plugin: str
    provider: str
    declared: frozenset[str]
    total: int
    results: list[CheckResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Default values that the suite used, and why."""

    @property
    def violations(self) -> list[CheckResult]:
        """The results of violated checks."""
        return [one for one in self.results if one.outcome == "violated"]

    @property
    def passed(self) -> bool:
        """Whether no check is violated, and none was prevented from running by the violation of another one."""
        return not any(one.outcome == "violated" or one.blocked_by for one in self.results)

    def markdown(self) -> str:
        """Return the table of capabilities, for the plugin's README."""
        rows = ["| capability | hooks | checks |", "| --- | --- | --- |"]
        for name, hooks in CAPABILITIES:
            rows.append(f"| {name} | {', '.join(f'`{hook}`' for hook in hooks)} | {self._cell(hooks)} |")
        return "\n".join([*rows, "", f"{self.summary()} API {API_VERSION}."])

    def summary(self) -> str:
        """Return one sentence with the number of checks by outcome."""
        applicable = [one for one in self.results if one.outcome != "not declared"]
        counts = {outcome: len(_names(applicable, outcome)) for outcome in ("kept", *_NOT_KEPT)}
        counted = [f"{count} {outcome}" for outcome, count in counts.items() if count or outcome == "kept"]
        return f"{len(applicable)} of {self.total} checks: {', '.join(counted)}."

    def data(self) -> dict[str, Any]:
        """Return the results as JSON values."""
        checks = [
            {
                "check": one.check.name,
                "outcome": one.outcome,
                "text": one.text,
                **({"cause": one.cause} if one.cause else {}),
            }
            for one in self.results
        ]
        notes = {"notes": self.notes} if self.notes else {}
        return {"plugin": self.plugin, "provider": self.provider, "api": API_VERSION, "checks": checks, **notes}

    def _cell(self, hooks: tuple[str, ...]) -> str:
        if not self.declared & set(hooks):
            return "not declared"
        own = [one for one in self.results if set(one.check.hooks) & set(hooks) and one.outcome != "not declared"]
        names = {outcome: _names(own, outcome) for outcome in _NOT_KEPT}
        kept = [f"{count} kept" for count in [len(_names(own, "kept"))] if count]
        others = [f"{outcome}: {', '.join(several)}" for outcome, several in names.items() if several]
        return "; ".join([*kept, *others]) or "general checks only"


def _names(results: Iterable[CheckResult], outcome: Outcome) -> list[str]:
    return [one.check.name for one in results if one.outcome == outcome]


REPORTS: Final[dict[str, ConformanceReport]] = {}
"""The reports of this test run, by test class."""


class ConformanceRun:
    """Checks one provider of a plugin and collects the results in ``report``."""

    def __init__(self, samples: Samples) -> None:
        self.plugin = PluginUnderTest(samples)
        name = self.plugin.module or str(samples.plugin)
        provider = samples.provider or self._first_provider()
        self.report = ConformanceReport(name, provider, self.plugin.declared, len(CHECKS))

    def run(self, check: Check) -> CheckResult:
        """Run one check and add its result to the report."""
        result = check.run(self.plugin)
        if result.blocked_by:
            result = self._resolve_blocked(result)
        self.report.notes[:] = self.plugin.notes
        if result.outcome == "violated" and self.plugin.notes:
            notes = [f"  note     {note}" for note in self.plugin.notes]
            result = replace(result, text="\n".join([result.text, *notes]))
        self.report.results.append(result)
        return result

    def run_all(self) -> Iterator[CheckResult]:
        """Run all checks, one after another."""
        for check in CHECKS:
            yield self.run(check)

    def _resolve_blocked(self, result: CheckResult) -> CheckResult:
        """Return the result of a check that met a violation of another check.

        When the other check is kept, its own inputs did not show the violation, and it counts for this check.
        """
        earlier = {one.check.name: one for one in self.report.results}
        blocking = earlier.get(result.blocked_by) or CHECKS_BY_NAME[result.blocked_by].run(self.plugin)
        if blocking.outcome == "kept":
            return CheckResult(result.check, "violated", result.text)
        cause = "" if blocking.check.name in earlier else blocking.report or blocking.text
        return CheckResult(result.check, "not run", f"{result.blocked_by} is violated", result.blocked_by, cause)

    def _first_provider(self) -> str:
        try:
            return next((provider.key for provider in self.plugin.providers), "")
        except Violation:
            # A plugin whose providers cannot be registered still gets a report.
            return ""


class ProviderConformance:
    """Runs every check of the contract on a plugin, as one test each.

    Derive a class whose name begins with ``Test``, and set:

    Attributes:
        plugin: the plugin's module or object, or the name of its entry point.
        provider: the key of the provider to check; empty for the first.
        settings: the operator's settings, as under ``settings`` in plugins.toml.
        form: the fields of the install form; required fields that are left out get defaults.
        installation: fields of the installation, such as external_id and configuration, used when scm_install cannot
            reach its host; fields that are left out come from the form.
        repository: fields of the sample repository, such as its name and url. What ``scm_dispatch_repository`` decides
            about it adds the others; give external_id and configuration only if your host is not there to decide.
        hosts: base URLs that links may lead to, besides those in the form, the settings and the repository.
        push: a ``PushSample``: a valid delivery of a push webhook.
        old_configurations: configurations of installations that earlier versions of the plugin stored, by version.
        file: a ``FileSample``: a file of the sample repository.
        examples: the number of generated inputs for each check.
        waived: checks that are not kept yet: ``{"links-read-back": Waiver("why", until=date(2027, 3, 1))}``. A check
            that is kept after all, or whose day has passed, fails.
        nothing_to_check: the names of checks for which these samples have no case, such as a secret; the report says
            ``not run``. Their tests pass instead of being skipped, and fail once there is a case.
    """

    plugin: ClassVar[object] = None
    provider: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    form: ClassVar[Mapping[str, Any]] = {}
    installation: ClassVar[Mapping[str, Any]] = {}
    repository: ClassVar[Mapping[str, Any]] = {}
    hosts: ClassVar[tuple[str, ...]] = ()
    push: ClassVar[PushSample | None] = None
    old_configurations: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    file: ClassVar[FileSample | None] = None
    examples: ClassVar[int] = 50
    waived: ClassVar[Mapping[str, Waiver]] = {}
    nothing_to_check: ClassVar[Collection[str]] = ()

    _run: ClassVar[ConformanceRun | None] = None

    def __init_subclass__(cls) -> None:
        """Refuse a class that replaces the checks or waives an unknown one."""
        super().__init_subclass__()
        if "test_check" in vars(cls):
            raise TypeError(f"{cls.__name__}.test_check would replace the checks; use waived = {{...}} to skip one")
        for attribute, named in (("waived", cls.waived), ("nothing_to_check", cls.nothing_to_check)):
            unknown = sorted(set(named) - CHECKS_BY_NAME.keys())
            if unknown:
                names = ", ".join(CHECKS_BY_NAME)
                raise TypeError(f"{cls.__name__}.{attribute}: no check is named {unknown[0]!r}; the checks are {names}")

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Make one test of each check that applies to the hooks of the plugin. pytest calls this when it collects."""
        if metafunc.function.__name__ == "test_check":
            declared = frozenset(hook_functions(load(cls.plugin).attributes))
            checks = [check for check in CHECKS if check.applies_to(declared)]
            metafunc.parametrize("check", checks, ids=[check.name for check in checks])

    def test_check(self, check: Check) -> None:
        """The plugin keeps the check."""
        run = self._class_run()
        result = _apply_waiver(run.run(check), self.waived.get(check.name))
        # The table for the README must show the waiver, too.
        run.report.results[-1] = result
        if result.outcome == "violated":
            # A traceback would show the lines of the suite, not those of the plugin.
            pytest.fail(result.report, pytrace=False)
        if result.outcome == "waived":
            pytest.xfail(result.text)
        if check.name in self.nothing_to_check and not result.blocked_by:
            if result.outcome == "kept":
                pytest.fail(f"{check.name} has a case now; remove it from nothing_to_check", pytrace=False)
        elif result.outcome != "kept":
            pytest.skip("\n\n".join(filter(None, [f"{result.outcome}: {result.text}", result.cause])))

    @classmethod
    def conformance_report(cls) -> ConformanceReport:
        """Return the report of all checks. Checks that this process has not run as tests yet are run now."""
        run = cls._class_run()
        done = {result.check for result in run.report.results}
        for check in CHECKS:
            if check not in done:
                run.run(check)
        return run.report

    @classmethod
    def _class_run(cls) -> ConformanceRun:
        """Return the run of this class, which all its tests share."""
        # Not an inherited attribute: a derived class would share the run of its base.
        run: ConformanceRun | None = vars(cls).get("_run")
        if run is None:
            run = cls._run = ConformanceRun(cls._samples())
            REPORTS[f"{cls.__module__}.{cls.__qualname__}"] = run.report
        return run

    @classmethod
    def _samples(cls) -> Samples:
        if cls.plugin is None:
            raise TypeError(f"{cls.__name__}.plugin is not set; name the plugin's module, or its entry point")
        return Samples(
            plugin=cls.plugin,
            provider=cls.provider,
            settings=cls.settings,
            form=cls.form,
            installation=cls.installation,
            repository=cls.repository,
            hosts=cls.hosts,
            push=cls.push,
            old_configurations=cls.old_configurations,
            file=cls.file,
            examples=cls.examples,
        )


def _apply_waiver(result: CheckResult, waiver: Waiver | None) -> CheckResult:
    """Return the result under a waiver. A waiver that is no longer needed is a violation itself."""
    if waiver is None or result.outcome == "not declared":
        return result
    until = f"waived until {waiver.until}: {waiver.reason}"
    if result.outcome == "kept":
        return CheckResult(result.check, "violated", f"  problem  the check is kept, but {until}; remove the waiver")
    # In UTC, so that a waiver ends at the same time on all machines.
    if waiver.until < datetime.now(UTC).date():
        return CheckResult(result.check, "violated", f"{result.text}\n  note     it was {until}")
    return CheckResult(result.check, "waived", until)
