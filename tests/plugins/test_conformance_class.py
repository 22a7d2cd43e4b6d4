"""``ProviderConformance`` in a pytest run of its own, as an author uses it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scmhost.sdk.testing import CHECKS, ProviderConformance, Waiver

TESTS = Path(__file__).parents[1]
SUITE = """\
from datetime import date
from plugins.listener import Listener
from plugins.wrong.calls import CountsCalls
from plugins.wrong.links import LinksDottedPaths
from plugins.wrong.remote import CallsHost
from plugins.wrong.correct import plugin
from scmhost.sdk.testing import ProviderConformance, Waiver

class TestCorrect(ProviderConformance):
    plugin = plugin

class TestWithoutHost(ProviderConformance):
    plugin = CallsHost()

class TestWrongSamples(ProviderConformance):
    plugin = plugin
    form = {"team": 3}

class TestWaived(ProviderConformance):
    plugin = LinksDottedPaths()
    waived = {
        "links-stay-inside": Waiver("mappings have no dotted paths", until=date(2999, 1, 1)),
        "links-safe": Waiver("not needed", until=date(2999, 1, 1)),
    }

class TestOverdue(ProviderConformance):
    plugin = LinksDottedPaths()
    waived = {"links-stay-inside": Waiver("soon", until=date(2020, 1, 1))}

class TestListener(ProviderConformance):
    plugin = Listener()

class TestNothingToCheck(ProviderConformance):
    plugin = plugin
    nothing_to_check = {"links-safe", "file-sample-exists"}
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of pytest for these classes and three checks."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    checks = "links-stay-inside or links-safe or commits-once or (TestListener and hooks-fit)"
    checks += " or (TestNothingToCheck and file-sample-exists)"
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-k", checks]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    return done.stdout


@pytest.mark.parametrize(
    ("outcome", "test"),
    [
        ("PASSED", "TestCorrect::test_check[links-safe]"),
        ("PASSED", "TestCorrect::test_check[links-stay-inside]"),
        ("XFAIL", "TestWaived::test_check[links-stay-inside]"),
        ("FAILED", "TestWaived::test_check[links-safe]"),
        ("FAILED", "TestOverdue::test_check[links-stay-inside]"),
        ("PASSED", "TestNothingToCheck::test_check[file-sample-exists]"),
        ("FAILED", "TestNothingToCheck::test_check[links-safe]"),
    ],
)
def test_each_check_is_a_test(output: str, outcome: str, test: str) -> None:
    """A kept check passes, a violated one fails; a waived violation is an expected failure until its day."""
    assert re.search(rf"^{outcome} test_suite\.py::{re.escape(test)}", output, re.MULTILINE), output


def test_only_checks_that_apply_are_tests(output: str) -> None:
    """A check of hooks that the plugin does not have makes no test, so that nothing is skipped for it."""
    assert re.findall(r"^(\w+) test_suite\.py::TestListener::(\S+)", output, re.MULTILINE) == [
        ("PASSED", "test_check[hooks-fit]")
    ]
    assert "not declared:" not in output


def test_failing_waiver_has_a_reason(output: str) -> None:
    """A waiver that is not needed, or whose day has passed, is reported."""
    assert "the check is kept, but waived until 2999-01-01: not needed; remove the waiver" in output
    assert "it was waived until 2020-01-01: soon" in output


def test_run_ends_with_the_table_of_capabilities(output: str) -> None:
    """The last section has the table of capabilities and the number of checks."""
    assert "test_suite.TestCorrect: capabilities, for your README" in output
    assert "| links to source | `scm_source_url` | waived: links-stay-inside" not in output.partition("TestWaived:")[0]
    assert f"3 of {len(CHECKS)} checks: 3 kept." in output


def test_run_ends_with_notes_about_defaults(output: str) -> None:
    """A default installation is noted below the table."""
    assert "note: scm_install cannot reach its host: Quarry does not answer" in output


def test_blocked_check_has_a_cause(output: str) -> None:
    """A check that does not run names the violation that blocks it."""
    assert "not run: samples-fit is violated" in output
    assert "Form refuses the sample (team: Input should be a valid string)" in output


def test_no_check_is_skipped_silently() -> None:
    """A class that replaces the checks, or waives an unknown one, is refused at its definition."""
    with pytest.raises(TypeError, match="would replace the checks"):
        type("TestMine", (ProviderConformance,), {"test_check": None})
    with pytest.raises(TypeError, match="no check is named 'links-save'"):
        type("TestMine", (ProviderConformance,), {"waived": {"links-save": Waiver("", until=None)}})  # type: ignore[arg-type]


def test_sdk_does_not_import_the_suite() -> None:
    """Neither the SDK nor the pytest plugin imports the suite."""
    program = "import sys, scmhost.pytest_plugin; print([name for name in sys.modules if name.startswith('scmhost.')]);"
    program += "import scmhost.sdk; print({'pytest', 'hypothesis', 'scmhost.sdk.testing'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['scmhost.pytest_plugin']\nset()\n"
