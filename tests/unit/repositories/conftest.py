"""Fixtures of the tests of repositories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripted_host import ScriptedHost, open_scripted


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedHost]:
    """An organization with an installation of a scripted provider."""
    with open_scripted(tmp_path) as opened:
        yield opened
