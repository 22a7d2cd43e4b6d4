"""A plugin that hangs costs its own requests and no others."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from httpx2 import Response

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import budget, candidate
from plugins import hanger

HANGING = 100
HEALTHY = 50
THREADS = 40
"""The number of threads that answer requests."""


@contextmanager
def open_with_hanger(folder: Path) -> Iterator[ApiClient]:
    """An API whose plugin ``hanger`` hangs during the block, with a budget that does not end before."""
    hanger.released.clear()
    configuration = PLUGINS_TOML + "[plugins.hanger]\nenabled = true\n"
    more = [candidate("hanger", "plugins.hanger")]
    with open_api(folder, configuration, more=more, specs=budget(600.0)) as api:
        try:
            yield api
        finally:
            hanger.released.set()


def offers(api: ApiClient) -> Callable[[], Response]:
    """A request that hangs in an I/O hook."""
    installation = api.post("integrations/", {"provider": "hanger"}).json()
    return lambda: api.get(f"integrations/{installation['id']}/repos/")


def link(api: ApiClient) -> Callable[[], Response]:
    """A request that hangs in a pure hook."""
    installation = api.post("integrations/", {"provider": "hanger"}).json()
    add = {"provider": "integrations:hanger", "installation": installation["id"], "identifier": "hung/app"}
    repository = api.post("repos/", add).json()
    roots = {"stackRoot": "/hung/", "sourceRoot": "", "defaultBranch": "main"}
    assert api.mapping(repository, installation, **roots).status_code == 201
    path = "/api/0/projects/acme/web/stacktrace-link/"
    return lambda: api.get(path, params={"file": "/hung/a.py"})


@pytest.mark.parametrize("request_that_hangs", [offers, link])
def test_a_healthy_provider_answers_while_another_hangs(
    tmp_path: Path, request_that_hangs: Callable[[ApiClient], Callable[[], Response]]
) -> None:
    """With a hundred requests to a plugin that hangs, requests to a healthy one are answered before any of them ends.

    Few requests are pending: those that found no free thread of the plugin were refused.
    """
    with open_with_hanger(tmp_path) as api, ThreadPoolExecutor(HANGING + HEALTHY) as clients:
        repository, installation = api.claimed()
        api.mapping(repository, installation)
        ask = request_that_hangs(api)
        hanging = [clients.submit(ask) for _ in range(HANGING)]
        assert hanger.entered.acquire(timeout=60)
        answers = [clients.submit(api.link) for _ in range(HEALTHY)]
        links = [answer.result() for answer in answers]
        # Most requests that hang are refused; a busy machine may not have come to each of them yet.
        for _ in islice(as_completed(hanging, timeout=60), HANGING - THREADS // 2):
            pass
        pending = [request for request in hanging if not request.done()]
        refused = [request.result() for request in hanging if request.done()]
        hanger.released.set()
    assert {str(item["sourceUrl"]) for item in links} == {"https://git.example.com/team/app/blob/main/src/a.py"}
    assert 0 < len(pending) <= THREADS / 2
    assert {outcome(answer) for answer in refused} == {"busy"}


@pytest.mark.parametrize(("limits", "threads"), [("", THREADS), ("[limits]\nrequest_threads = 3\n", 3)])
def test_number_of_request_threads_is_set(tmp_path: Path, limits: str, threads: int) -> None:
    """The pool that answers requests has as many threads as ``request_threads`` allows, not what a library assumes."""
    with open_api(tmp_path, PLUGINS_TOML + limits) as api:
        portal = api.client.portal
        assert portal is not None
        assert portal.call(to_thread.current_default_thread_limiter).total_tokens == threads


def outcome(answer: Response) -> str:
    """The outcome of a request to the plugin that hangs."""
    body: dict[str, Any] = answer.json()
    busy = "have not come back" in body["detail"]
    return "busy" if busy and (answer.status_code == 503 or body.get("error") == "provider_failed") else answer.text
