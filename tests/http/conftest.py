"""Fixtures of the HTTP tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from house import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A whole scmhost with Custom SCM on for ``acme``."""
    with open_house(tmp_path) as opened:
        yield opened
