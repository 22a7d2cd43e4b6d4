"""``ProviderConformance`` in a pytest run of its own, as an author has it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scmhost.sdk.testing import LAWS, ProviderConformance, Waiver

TESTS = Path(__file__).parents[1]
SUITE = """\
from datetime import date
from plugins.wrong.calls import Counts
from plugins.wrong.links import WalksUp
from plugins.wrong.remote import Asks
from plugins.wrong.right import plugin
from scmhost.sdk.testing import ProviderConformance, Waiver

class TestRight(ProviderConformance):
    plugin = plugin

class TestWithoutItsHost(ProviderConformance):
    plugin = Asks()

class TestMisfit(ProviderConformance):
    plugin = plugin
    form = {"team": 3}

class TestWaived(ProviderConformance):
    plugin = WalksUp()
    waived = {
        "links-stay-inside": Waiver("the mapping cannot lead out", until=date(2999, 1, 1)),
        "links-safe": Waiver("not needed", until=date(2999, 1, 1)),
    }

class TestOverdue(ProviderConformance):
    plugin = WalksUp()
    waived = {"links-stay-inside": Waiver("soon", until=date(2020, 1, 1))}
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints about these classes and three laws."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    laws = "links-stay-inside or links-safe or commits-once"
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-k", laws]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    return done.stdout


@pytest.mark.parametrize(
    ("outcome", "test"),
    [
        ("PASSED", "TestRight::test_law[links-safe]"),
        ("PASSED", "TestRight::test_law[links-stay-inside]"),
        ("XFAIL", "TestWaived::test_law[links-stay-inside]"),
        ("FAILED", "TestWaived::test_law[links-safe]"),
        ("FAILED", "TestOverdue::test_law[links-stay-inside]"),
    ],
)
def test_each_law_is_a_test(told: str, outcome: str, test: str) -> None:
    """What is kept passes; what is waived is seen, as long as it has to be and no longer."""
    assert re.search(rf"^{outcome} test_suite\.py::{re.escape(test)}", told, re.MULTILINE), told


def test_a_waiver_says_why_it_fails(told: str) -> None:
    """A waiver that is not needed, or whose day is over, is told as such."""
    assert "it is kept, and still waived until 2999-01-01: not needed; take the waiver away" in told
    assert "it was waived until 2020-01-01: soon" in told


def test_the_run_ends_with_the_table(told: str) -> None:
    """The table of capabilities stands at the end, and says how many laws were asked."""
    assert "test_suite.TestRight: capabilities, for your README" in told
    assert "| links to source | `scm_source_url` | waived: links-stay-inside" not in told.partition("TestWaived:")[0]
    assert f"3 of {len(LAWS)} laws asked, 3 kept." in told


def test_the_run_ends_with_what_was_made_up(told: str) -> None:
    """An installation that nobody could ask the host for is told below the table, and what to do about it."""
    assert "note: scm_install cannot ask its host: Quarry does not answer" in told


def test_what_a_law_waits_for_is_told(told: str) -> None:
    """Laws that are asked alone say why they could not be asked about."""
    assert "unreached: samples-fit is broken first" in told
    assert "Form refuses the sample (team: Input should be a valid string)" in told


def test_no_law_goes_missing_unseen() -> None:
    """A class that replaces the laws, or waives one that there is not, is refused when it is written."""
    with pytest.raises(TypeError, match="stands in for the laws"):
        type("TestMine", (ProviderConformance,), {"test_law": None})
    with pytest.raises(TypeError, match="no law is named 'links-save'"):
        type("TestMine", (ProviderConformance,), {"waived": {"links-save": Waiver("", until=None)}})  # type: ignore[arg-type]


def test_the_sdk_alone_is_light() -> None:
    """Whoever imports the SDK, or runs other tests, pays nothing for the suite."""
    program = "import sys, scmhost.pytest_plugin; print([name for name in sys.modules if name.startswith('scmhost.')]);"
    program += "import scmhost.sdk; print({'pytest', 'hypothesis', 'scmhost.sdk.testing'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['scmhost.pytest_plugin']\nset()\n"
