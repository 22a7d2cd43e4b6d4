"""Fixtures of the tests of releases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins import historian
from release_host import ReleaseHost, open_release_host


@pytest.fixture
def host(database_url: str, tmp_path: Path) -> Iterator[ReleaseHost]:
    """A host with a plugin that lists commits, once for each kind of database."""
    historian.requests.clear()
    with open_release_host(tmp_path, database_url, {"historian": "plugins.historian"}) as opened:
        yield opened
