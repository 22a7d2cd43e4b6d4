"""Fixtures of the HTTP tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import ApiClient, open_api
from endpoints import PopulatedHost, open_populated


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A complete scmhost with Custom SCM on for ``acme``."""
    with open_api(tmp_path) as opened:
        yield opened


@pytest.fixture
def populated(tmp_path: Path) -> Iterator[PopulatedHost]:
    """A scmhost in which every endpoint has an object."""
    with open_populated(tmp_path) as opened:
        yield opened
