"""Fixtures of the tests of pages: an API, and browsers of people."""

from collections.abc import Iterator

import pytest

from api import ApiClient, open_api
from browsing import Browser, signed_in


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """An organization ``acme`` with a project ``web``."""
    with open_api(tmp_path_factory.mktemp("web"), background=False) as opened:
        yield opened


@pytest.fixture
def admin(api: ApiClient) -> Browser:
    """The browser of an administrator of ``acme``."""
    return signed_in(api)


@pytest.fixture
def member(api: ApiClient) -> Browser:
    """The browser of a member of ``acme``."""
    return signed_in(api, "Eve", "member")
