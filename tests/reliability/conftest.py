"""The two forms of these tests, and the figures of the long one.

``make reliability`` sets ``SCMHOST_RELIABILITY=long``: more kills, longer pauses, a service of several processes. As a
part of ``make test`` the same tests run in a short form.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.figures import FIGURES, LONG, TABLE_VARIABLE
from reliability.own_postgres import OwnPostgres, own_postgres


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnPostgres]:
    """A PostgreSQL server of this module's own."""
    with own_postgres("-c", "max_connections=60") as server:
        yield server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that only the long form has."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, and write them into the page of which ``SCMHOST_RELIABILITY_TABLE`` is the path."""
    if not (LONG and FIGURES.rows):
        return
    terminalreporter.section("figures")
    terminalreporter.write_line(FIGURES.table())
    page = os.environ.get(TABLE_VARIABLE)
    if page:
        FIGURES.write(Path(page))
