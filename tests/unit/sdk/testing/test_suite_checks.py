"""Checks, their results, and the text of reports."""

import re
from typing import Any

import pytest

from scmhost.sdk import FileChange, Location, NoUrl, Offer
from scmhost.sdk.testing import CHECKS, Check, CheckResult
from scmhost.sdk.testing.checks import (
    IMPORTS,
    CheckFunction,
    HookCall,
    NothingToCheck,
    Violation,
    check,
    describe,
    duplicates,
    relative_path,
    source_location,
)
from scmhost.sdk.testing.plugin_under_test import PluginUnderTest
from scmhost.sdk.testing.samples import Samples

LOCATION = Location(ref="main", ref_kind="branch", path="a.py")


def keeps(_plugin: PluginUnderTest) -> None:
    """Accept every plugin."""


def violates(_plugin: PluginUnderTest) -> None:
    """Refuse every plugin."""
    raise Violation("it is slow")


def stops_at_another(_plugin: PluginUnderTest) -> None:
    """Meet a violation of another check."""
    raise Violation("it is slow", check="other")


def has_nothing(_plugin: PluginUnderTest) -> None:
    """Find nothing that could be checked."""
    raise NothingToCheck("the form has no URL")


def made(function: CheckFunction = keeps, *hooks: str, together: bool = False) -> Check:
    """Return a check of a function."""
    return check("sample", "A sentence.", help="do it", hooks=hooks, together=together)(function)


def plugin(error: str = "") -> PluginUnderTest:
    """Return an empty plugin."""
    under_test = PluginUnderTest(Samples(plugin=object()))
    under_test.load_error = error
    return under_test


@pytest.mark.parametrize(
    ("hooks", "together", "declared", "applies"),
    [
        ((), False, (), True),
        (("a", "b"), False, (), False),
        (("a", "b"), False, ("b",), True),
        (("a", "b"), True, ("b",), False),
        (("a", "b"), True, ("a", "b", "c"), True),
    ],
)
def test_a_check_applies_to_plugins_with_its_hooks(
    hooks: tuple[str, ...], together: bool, declared: tuple[str, ...], applies: bool
) -> None:
    """A check without hooks applies to every plugin; some need one of their hooks, some all."""
    assert made(keeps, *hooks, together=together).applies_to(frozenset(declared)) is applies


@pytest.mark.parametrize(
    ("function", "outcome", "text", "blocked_by"),
    [
        (keeps, "kept", "", ""),
        (violates, "violated", "  problem  it is slow", ""),
        (stops_at_another, "not run", "  problem  it is slow", "other"),
        (has_nothing, "not run", "the form has no URL", ""),
    ],
)
def test_a_run_has_an_outcome(function: CheckFunction, outcome: str, text: str, blocked_by: str) -> None:
    """A violation of another check is not blamed on this one."""
    result = made(function).run(plugin())
    assert (result.outcome, result.text, result.blocked_by) == (outcome, text, blocked_by)


@pytest.mark.parametrize(
    ("together", "text"), [(False, "scm_install or scm_read_push"), (True, "scm_install and scm_read_push")]
)
def test_a_check_without_its_hooks_is_not_declared(together: bool, text: str) -> None:
    """The result names the hooks that are missing."""
    result = made(violates, "scm_install", "scm_read_push", together=together).run(plugin())
    assert (result.outcome, result.text) == ("not declared", text)


def test_a_plugin_that_cannot_be_imported_violates_one_check() -> None:
    """The other checks are not run, and name the import."""
    result = made(violates).run(plugin("no module"))
    assert (result.outcome, result.blocked_by) == ("not run", IMPORTS)
    own = Check(IMPORTS, "It is imported.", "fix it", (), together=False, function=violates)
    assert own.run(plugin("no module")).outcome == "violated"


def test_an_error_of_the_suite_is_no_violation() -> None:
    """A bug in a check is raised, so that it is not blamed on the plugin."""

    def wrong(_plugin: PluginUnderTest) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made(wrong).run(plugin())


def test_only_a_violation_has_a_report() -> None:
    """The report has the rule, the violation and the remedy."""
    assert CheckResult(made(), "kept").report == ""
    report = CheckResult(made(), "violated", "  problem  it is slow").report
    assert report == "sample: A sentence.\n\n  problem  it is slow\n  help     do it\n"


def test_the_checks_have_distinct_names_and_sentences() -> None:
    """A name is used in waivers, and is stable: words in lower case, joined by hyphens."""
    for texts in ([one.name for one in CHECKS], [one.sentence for one in CHECKS]):
        assert duplicates(texts) == {}
    for one in CHECKS:
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", one.name)
        assert one.sentence.endswith(".")
        assert one.help
        assert not one.help.endswith(".")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        ("a'b", '"a\'b"'),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, "a"), "(1, 'a')"),
        (LOCATION, "Location(ref='main', ref_kind='branch', path='a.py')"),
        (NoUrl(), "NoUrl()"),
        ((FileChange(path="a", type="M"),), "(FileChange(path='a', type='M'),)"),
        (Offer(identifier="1", name="a", default_branch=None), "Offer(identifier='1', name='a')"),
        ("x" * 300, f"'{'x' * 239}... (302 characters)"),
    ],
)
def test_values_are_described_shortly(value: object, text: str) -> None:
    """Only fields that were set are shown, and long texts are cut with their length."""
    assert describe(value) == text


@pytest.mark.parametrize(
    ("names", "expected"), [([], {}), (["a", "b"], {}), (["a", "b", "a", "a"], {"a": 3}), ("abca", {"a": 2})]
)
def test_duplicates_are_counted(names: list[str], expected: dict[str, int]) -> None:
    """Only names that occur more than once are returned."""
    assert duplicates(names) == expected


def call(arguments: dict[str, Any], **samples: object) -> str:
    """Return the text of a call."""
    return str(HookCall("scm_source_url", "forge.py:3", arguments, "None", samples))


def test_a_call_is_shown_with_its_arguments() -> None:
    """The hook, its position, each argument on a line, and the result."""
    assert call({"sha": "c0ffee", "ref": None}).splitlines() == [
        "  called   scm_source_url  forge.py:3",
        "  with     sha = 'c0ffee'",
        "           ref = None",
        "  result   None",
    ]
    assert "  with     no arguments" in call({})


def test_an_argument_is_shown_as_a_difference_from_a_sample() -> None:
    """A value that is like a sample is shown by the sample's name and the fields that differ."""
    other = LOCATION.model_copy(update={"path": "b.py"})
    assert "location = the sample location\n" in call({"location": LOCATION}, **{"the sample location": LOCATION})
    assert "the sample location, with path='b.py'" in call({"location": other}, **{"the sample location": LOCATION})
    assert "sha = 'b'" in call({"sha": "b"}, **{"the sample id": "a"})


def test_a_violation_has_the_call_and_the_problem() -> None:
    """The text of a violation has the call first."""
    violation = Violation("it returned nothing", HookCall("scm_install", "", {}, "None", {}))
    assert violation.text.splitlines()[0] == "  called   scm_install"
    assert violation.text.splitlines()[-1] == "  problem  it returned nothing"
    assert str(violation) == "it returned nothing"


def test_a_function_has_a_location() -> None:
    """The location is relative to the working directory; an object without code has none."""
    assert re.fullmatch(r".*test_suite_checks\.py:\d+", source_location(keeps))
    assert source_location(print) == ""
    assert source_location(object()) == ""


def test_paths_outside_of_the_working_directory_stay_absolute() -> None:
    """A path that would begin with ``..`` is harder to read."""
    assert relative_path("/nowhere/a.py") == "/nowhere/a.py"
