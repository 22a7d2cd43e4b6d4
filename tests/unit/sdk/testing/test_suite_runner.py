"""Runs of the conformance suite: order, blocked checks, waivers and reports."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugins import good_forge
from plugins.wrong.correct import Correct
from scmhost.sdk import API_VERSION, HOOK_SPECS, Location, NoUrl, hookimpl
from scmhost.sdk.testing import (
    CHECKS,
    CheckResult,
    ConformanceReport,
    ConformanceRun,
    ProviderConformance,
    Samples,
    Waiver,
)
from scmhost.sdk.testing.checks import Outcome
from scmhost.sdk.testing.runner import CAPABILITIES, CHECKS_BY_NAME, _apply_waiver

TODAY = datetime.now(UTC).date()
CHECK = CHECKS_BY_NAME["commits-once"]


class Linker:
    """A plugin whose links leave the host."""

    @hookimpl
    def scm_source_url(self, location: Location) -> str | NoUrl:
        return f"https://git.example/{location.path}"


def report(*outcomes: Outcome, hooks: tuple[str, ...] = ("scm_compare_commits",)) -> ConformanceReport:
    """Return a report with one result for each outcome."""
    results = [CheckResult(CHECKS[number], outcome, "why") for number, outcome in enumerate(outcomes)]
    return ConformanceReport("forge", "mine", frozenset(hooks), len(CHECKS), results)


def test_imports_are_checked_first() -> None:
    """A plugin that cannot be imported has no other result, so that the import comes first."""
    assert CHECKS[0].name == "imports"
    assert list(CHECKS_BY_NAME.values()) == list(CHECKS)


def test_every_hook_is_a_capability() -> None:
    """The table for a README has every hook but the one that registers providers."""
    named = [hook for _, hooks in CAPABILITIES for hook in hooks]
    assert len(named) == len(set(named))
    assert set(HOOK_SPECS) - set(named) == {"scm_register_providers"}


@pytest.mark.parametrize(
    ("outcomes", "passed", "summary"),
    [
        ((), True, "0 of N checks: 0 kept."),
        (("kept", "kept"), True, "2 of N checks: 2 kept."),
        (("kept", "not declared"), True, "1 of N checks: 1 kept."),
        (("kept", "waived"), True, "2 of N checks: 1 kept, 1 waived."),
        (("violated",), False, "1 of N checks: 0 kept, 1 violated."),
        (("kept", "violated", "not run"), False, "3 of N checks: 1 kept, 1 violated, 1 not run."),
        (("kept", "not run"), True, "2 of N checks: 1 kept, 1 not run."),
    ],
)
def test_a_report_counts_outcomes(outcomes: tuple[Outcome, ...], passed: bool, summary: str) -> None:
    """A run passes if no check is violated; waivers are allowed, and checks that had nothing to check."""
    made = report(*outcomes)
    assert made.passed is passed
    assert made.summary() == summary.replace("N", str(len(CHECKS)))
    assert len(made.violations) == outcomes.count("violated")


def test_a_report_is_json() -> None:
    """The data of a report has no values but those of JSON."""
    made = report("kept", "violated")
    made.results.append(CheckResult(CHECK, "not run", "imports is violated", "imports", "the import failed"))
    data = json.loads(json.dumps(made.data()))
    assert data == made.data()
    assert (data["plugin"], data["provider"], data["api"]) == ("forge", "mine", API_VERSION)
    assert data["checks"][1] == {"check": CHECKS[1].name, "outcome": "violated", "text": "why"}
    assert data["checks"][2]["cause"] == "the import failed"
    assert "notes" not in data
    made.notes.append("a default was used")
    assert made.data()["notes"] == ["a default was used"]


def test_the_table_shows_each_capability() -> None:
    """Capabilities without a hook are not declared; others name their faults, or count the checks."""
    made = report(hooks=("scm_compare_commits", "scm_resolve_ref", "scm_startup"))
    made.results.append(CheckResult(CHECK, "violated", "why"))
    rows = made.markdown().splitlines()
    assert rows[0] == "| capability | hooks | checks |"
    assert len(rows) == len(CAPABILITIES) + 4
    assert "| fetches commits | `scm_compare_commits` | violated: commits-once |" in rows
    assert "| starts and stops | `scm_startup`, `scm_shutdown` | general checks only |" in rows
    assert "| commands | `scm_register_commands` | not declared |" in rows
    assert rows[-1].endswith(f" API {API_VERSION}.")
    made.results[0] = replace(made.results[0], outcome="kept")
    assert "| fetches commits | `scm_compare_commits` | 1 kept |" in made.markdown()
    made.results.append(CheckResult(CHECK, "not run", "there was nothing"))
    assert "| fetches commits | `scm_compare_commits` | 1 kept; not run: commits-once |" in made.markdown()


def test_a_run_that_a_violation_prevents_does_not_pass() -> None:
    """The check named in ``blocked_by`` may have been run alone, or not at all."""
    made = report("kept")
    made.results.append(CheckResult(CHECK, "not run", "imports is violated", "imports"))
    assert not made.passed


@pytest.mark.parametrize(
    ("outcome", "days", "expected"),
    [
        ("violated", 0, "waived"),
        ("violated", 9, "waived"),
        ("violated", -1, "violated"),
        ("not run", 9, "waived"),
        ("kept", 9, "violated"),
        ("not declared", 9, "not declared"),
    ],
)
def test_a_waiver_holds_until_its_day(outcome: Outcome, days: int, expected: Outcome) -> None:
    """A waiver that is overdue or no longer needed is a violation, so that it does not stay for ever."""
    waiver = Waiver("the host is old", TODAY + timedelta(days=days))
    result = _apply_waiver(CheckResult(CHECK, outcome, "why"), waiver)
    assert result.outcome == expected
    assert ("the host is old" in result.text) is (outcome != "not declared")


def test_without_a_waiver_nothing_changes() -> None:
    """The result is the same."""
    result = CheckResult(CHECK, "violated", "why")
    assert _apply_waiver(result, None) is result


def test_an_overdue_waiver_keeps_the_violation() -> None:
    """The text has the violation and the reason of the waiver."""
    result = _apply_waiver(CheckResult(CHECK, "violated", "why"), Waiver("old", TODAY - timedelta(days=1)))
    assert result.text.splitlines()[0] == "why"
    assert "waived until" in result.text


def test_a_run_adds_each_result_to_its_report() -> None:
    """The report has the results in the order in which the checks were run."""
    run = ConformanceRun(Samples(plugin=Correct(), examples=2))
    checks = [CHECKS_BY_NAME[name] for name in ("links-safe", "hooks-fit")]
    outcomes = [run.run(one).outcome for one in checks]
    assert outcomes == ["kept", "kept"]
    assert [one.check for one in run.report.results] == checks
    assert (run.report.plugin, run.report.provider) == (run.plugin.module, run.plugin.provider.key)
    assert run.report.declared == run.plugin.declared


def test_a_plugin_without_providers_has_a_report() -> None:
    """The provider of the report is empty, and the checks of links use a sample provider."""
    run = ConformanceRun(Samples(plugin=Linker(), examples=2))
    assert run.report.provider == ""
    assert run.run(CHECKS_BY_NAME["hooks-fit"]).outcome == "kept"
    assert run.plugin.provider.key == "sample"


def test_an_unknown_plugin_violates_the_first_check() -> None:
    """The message names the installed plugins; all other checks wait for the import."""
    run = ConformanceRun(Samples(plugin="no_such_plugin"))
    results = [run.run(one) for one in CHECKS]
    assert results[0].outcome == "violated"
    assert "no installed plugin is named 'no_such_plugin'" in results[0].text
    assert {one.outcome for one in results[1:]} == {"not run"}
    assert {one.cause for one in results[1:]} == {""}


def test_a_check_alone_names_the_cause() -> None:
    """A check that is run without the one that blocks it has that one's report."""
    result = ConformanceRun(Samples(plugin="no_such_plugin")).run(CHECKS_BY_NAME["hooks-fit"])
    assert (result.outcome, result.blocked_by) == ("not run", "imports")
    assert result.cause.startswith("imports: ")


def test_samples_of_another_provider_are_refused() -> None:
    """The message names the providers of the plugin."""
    run = ConformanceRun(Samples(plugin=good_forge, provider="other"))
    result = run.run(CHECKS_BY_NAME["samples-fit"])
    assert result.outcome == "violated"
    assert "it registers no provider 'other'; it has good_forge" in result.text


def test_a_class_cannot_replace_the_checks() -> None:
    """A class with its own ``test_check`` would pass without checking anything."""
    body: Mapping[str, object] = {"test_check": lambda _self: None}
    with pytest.raises(TypeError, match="would replace the checks"):
        type("Mine", (ProviderConformance,), dict(body))


def test_a_class_waives_known_checks_only() -> None:
    """A misspelled waiver would waive nothing; the message lists the checks."""
    waived = {"links-saef": Waiver("x", TODAY)}
    with pytest.raises(TypeError, match=r"no check is named 'links-saef'; the checks are imports, "):
        type("Mine", (ProviderConformance,), {"waived": waived})


def test_a_class_needs_a_plugin() -> None:
    """The message names the class."""

    class Mine(ProviderConformance):
        pass

    with pytest.raises(TypeError, match=r"Mine\.plugin is not set"):
        Mine._samples()


def test_a_class_passes_its_samples_on() -> None:
    """Every attribute of the class is a sample of the same name."""
    fields = {"plugin": good_forge, "provider": "good_forge", "form": {"a": 1}, "hosts": ("https://x",), "examples": 7}
    mine: Any = type("Mine", (ProviderConformance,), fields)
    samples = mine._samples()
    assert {name: getattr(samples, name) for name in fields} == fields
