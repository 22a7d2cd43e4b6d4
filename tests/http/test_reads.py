"""Requests that read change nothing: none of them begins a write transaction."""

from collections.abc import Iterator
from threading import current_thread
from typing import Any

import pytest

from browsing import Browser, signed_in
from endpoints import ENDPOINTS, Endpoint, PopulatedHost, open_populated
from scmhost.infra.db.engine import Store
from scmhost.links.sharing import share_trace
from scmhost.links.traces import LinksIn
from scmhost.web.routes import VIEWS

# They have a body, and so another method.
READING_POSTS = ("/trace-links/", "/explain/", "/suspects/", "/commits/missing/")
READING = [each for each in ENDPOINTS if each.method == "GET" or each.template.endswith(READING_POSTS)]
# The result of an installation with consent belongs to the browser that began it; a sign-in elsewhere is off here.
OTHERS = ("/organizations/{organization}/installations/pending/{pending}", "/sign-in/openid")
PAGES = [view.path for view in VIEWS if view.method == "GET" and not view.path.startswith(OTHERS)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """One API for all of these tests."""
    with open_populated(tmp_path_factory.mktemp("reads")) as opened:
        yield opened


@pytest.fixture(scope="module")
def operator(shared: PopulatedHost) -> Browser:
    """The browser of an administrator of the host."""
    return signed_in(shared.api, "Olga", host_admin=True)


@pytest.fixture(scope="module")
def places(shared: PopulatedHost) -> dict[str, str]:
    """The values of the names in the paths of pages."""
    there, values = shared.api.there, shared.values
    trace = share_trace(shared.api.services, there.organization, there.project, LinksIn(text="a trace"))
    names = {name: values[f"{name}_id"] for name in ("installation", "repository", "mapping")}
    return {**values, **names, "provider": "custom_scm", "trace": str(trace.id)}


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that begin a write transaction, without the loops of the background."""
    found: list[str] = []
    original = Store.write

    def write(store: Store) -> Any:
        if not current_thread().name.startswith("scmhost "):
            found.append(current_thread().name)
        return original(store)

    monkeypatch.setattr(Store, "write", write)
    return found


@pytest.mark.parametrize("endpoint", READING, ids=lambda endpoint: endpoint.id)
def test_reading_request_never_writes(shared: PopulatedHost, endpoint: Endpoint, writers: list[str]) -> None:
    """Its answer comes from reads alone, so that no other writer delays it, and a replica can give it."""
    assert shared.send(endpoint).status_code == 200
    assert writers == []


@pytest.mark.parametrize("path", PAGES)
def test_shown_page_never_writes(operator: Browser, places: dict[str, str], path: str, writers: list[str]) -> None:
    """A page is shown without a change, however often somebody opens its address."""
    operator.open(path.format_map(places))
    assert operator.status == 200
    assert writers == []
