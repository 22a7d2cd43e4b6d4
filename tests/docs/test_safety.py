"""The page on safety says what the code does."""

import re
from typing import get_args

from manual import ROOT, page
from scmhost.plugins.errors import FaultKind
from scmhost.plugins.isolation.worker_pool import WORKERS_PER_PLUGIN
from scmhost.plugins.loading import IMPORT_SECONDS

PAGE = page("docs/safety.md")


def test_every_kind_of_fault_is_explained() -> None:
    """Whoever reads a fault in the log finds on the page what it means."""
    table = PAGE.partition("| fault | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(get_args(FaultKind))


def test_the_numbers_are_those_of_the_code() -> None:
    """How many threads a plugin has, and how long its import may take."""
    numbers = {8: "eight", 10: "10"}
    assert f"A plugin has {numbers[WORKERS_PER_PLUGIN]} threads of its own" in PAGE
    assert f"for at most {numbers[int(IMPORT_SECONDS)]} seconds" in PAGE


def test_the_named_files_are_there() -> None:
    """Each part names where it is."""
    named = set(re.findall(r"`((?:host|sdk)/\w+\.py)`", PAGE))
    assert len(named) >= 4
    assert [name for name in named if not (ROOT / "core" / "scmhost" / name).exists()] == []
