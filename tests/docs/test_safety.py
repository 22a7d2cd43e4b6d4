"""The page on plugin isolation agrees with the code."""

import re
from typing import get_args

from pages import page
from scmhost.plugins.errors import FaultKind
from scmhost.plugins.isolation.worker_pool import WORKERS_PER_PLUGIN
from scmhost.plugins.loading import IMPORT_SECONDS

PAGE = page("docs/safety.md")


def test_every_kind_of_fault_is_explained() -> None:
    """The page explains every kind of fault."""
    table = PAGE.partition("| fault | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(get_args(FaultKind))


def test_the_numbers_are_those_of_the_code() -> None:
    """The size of the worker pool and the time for an import are those of the code."""
    numbers = {8: "eight", 10: "10"}
    assert f"A plugin has a pool of {numbers[WORKERS_PER_PLUGIN]} worker threads" in PAGE
    assert f"for at most {numbers[int(IMPORT_SECONDS)]} seconds" in PAGE
