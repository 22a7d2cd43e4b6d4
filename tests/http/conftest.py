"""Fixtures of the HTTP tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints import PopulatedHost, open_populated
from house import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A whole scmhost with Custom SCM on for ``acme``."""
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def populated(tmp_path: Path) -> Iterator[PopulatedHost]:
    """A scmhost in which every endpoint finds something."""
    with open_populated(tmp_path) as opened:
        yield opened
