"""A project whose frames are linked without HTTP."""

from collections.abc import Iterator

import pytest

from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store


@pytest.fixture
def web(sqlite_store: Store) -> Iterator[LinkProject]:
    """A project with a claimed repository and without code mappings."""
    with open_project(sqlite_store) as project:
        yield project
