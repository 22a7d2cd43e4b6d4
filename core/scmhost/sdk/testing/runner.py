"""Run the checks: from Python with ``ConformanceRun``, or in pytest with ``ProviderConformance``."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import pytest

from . import checks_calls, checks_contract, checks_deliveries, checks_links, checks_repositories
from .checks import Check, CheckResult, Violation
from .plugin_under_test import PluginUnderTest
from .report import ConformanceReport
from .samples import PushSample, Samples, Waiver

CHECKS: Final[tuple[Check, ...]] = (
    *checks_contract.CHECKS,
    *checks_calls.CHECKS,
    *checks_repositories.CHECKS,
    *checks_links.CHECKS,
    *checks_deliveries.CHECKS,
)
"""All checks, in the order in which they run."""

CHECKS_BY_NAME: Final[Mapping[str, Check]] = {check.name: check for check in CHECKS}

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
        repository: fields of the sample repository, such as its name and url.
        hosts: base URLs that links may lead to, besides those in the form, the settings and the repository.
        push: a ``PushSample``: a valid delivery of a push webhook.
        examples: the number of generated inputs for each check.
        waived: checks that are not kept yet: ``{"links-read-back": Waiver("why", until=date(2027, 3, 1))}``. A check
            that is kept after all, or whose day has passed, fails.
    """

    plugin: ClassVar[object] = None
    provider: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    form: ClassVar[Mapping[str, Any]] = {}
    installation: ClassVar[Mapping[str, Any]] = {}
    repository: ClassVar[Mapping[str, Any]] = {}
    hosts: ClassVar[tuple[str, ...]] = ()
    push: ClassVar[PushSample | None] = None
    examples: ClassVar[int] = 50
    waived: ClassVar[Mapping[str, Waiver]] = {}

    _run: ClassVar[ConformanceRun | None] = None

    def __init_subclass__(cls) -> None:
        """Refuse a class that replaces the checks or waives an unknown one."""
        super().__init_subclass__()
        if "test_check" in vars(cls):
            raise TypeError(f"{cls.__name__}.test_check would replace the checks; use waived = {{...}} to skip one")
        unknown = sorted(set(cls.waived) - CHECKS_BY_NAME.keys())
        if unknown:
            names = ", ".join(CHECKS_BY_NAME)
            raise TypeError(f"{cls.__name__}.waived: no check is named {unknown[0]!r}; the checks are {names}")

    @pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
    def test_check(self, check: Check) -> None:
        """The plugin keeps the check."""
        run = self._class_run()
        result = _apply_waiver(run.run(check), self.waived.get(check.name))
        run.report.results[-1] = result
        if result.outcome == "violated":
            pytest.fail(result.report, pytrace=False)
        if result.outcome == "waived":
            pytest.xfail(result.text)
        if result.outcome != "kept":
            pytest.skip("\n\n".join(filter(None, [f"{result.outcome}: {result.text}", result.cause])))

    @classmethod
    def _class_run(cls) -> ConformanceRun:
        """Return the run of this class, which all its tests share."""
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
            examples=cls.examples,
        )


def _apply_waiver(result: CheckResult, waiver: Waiver | None) -> CheckResult:
    """Return the result under a waiver. A waiver that is no longer needed is a violation itself."""
    if waiver is None or result.outcome == "not declared":
        return result
    until = f"waived until {waiver.until}: {waiver.reason}"
    if result.outcome == "kept":
        return CheckResult(result.check, "violated", f"  problem  the check is kept, but {until}; remove the waiver")
    if waiver.until < datetime.now(UTC).date():
        return CheckResult(result.check, "violated", f"{result.text}\n  note     it was {until}")
    return CheckResult(result.check, "waived", until)
