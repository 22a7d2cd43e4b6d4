"""Requests that read change nothing: none of them begins a write transaction."""

from collections.abc import Iterator
from threading import current_thread
from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, PopulatedHost, open_populated

# They have a body, and so another method.
READING_POSTS = ("/trace-links/", "/explain/", "/suspects/", "/commits/missing/")
READING = [each for each in ENDPOINTS if each.method == "GET" or each.template.endswith(READING_POSTS)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """One API for all of these tests."""
    with open_populated(tmp_path_factory.mktemp("reads")) as opened:
        yield opened


@pytest.mark.parametrize("endpoint", READING, ids=lambda endpoint: endpoint.id)
def test_reading_request_never_writes(
    shared: PopulatedHost, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes from reads alone, so that no other writer delays it, and a replica can give it."""
    store = shared.api.services.store
    original = store.write
    writers: list[str] = []

    def write(*arguments: Any, **options: Any) -> Any:
        # The loops of the background have threads of their own.
        if not current_thread().name.startswith("scmhost "):
            writers.append(current_thread().name)
        return original(*arguments, **options)

    monkeypatch.setattr(store, "write", write, raising=False)
    assert shared.send(endpoint).status_code == 200
    assert writers == []
