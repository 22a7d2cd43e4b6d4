"""The last page of a long list against the first one, over HTTP: both are found by their key.

Each round asks for pages of another size: a page that was answered a moment before comes from a cache.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from payloads import names
from service import ORGANIZATION, Service, service

from scmhost.infra.db.engine import Store
from scmhost.infra.paging import PageQuery
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries

REPOSITORIES = 100_000
PAGE = 100
ROUNDS = 40


def main() -> None:
    """Print the ratio."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.2f}")


def ratios() -> dict[str, float]:
    """How much dearer the last full page of an organization's repositories is than the first."""
    with TemporaryDirectory() as name:
        url = f"sqlite:///{name}/served.db"
        with service(Path(name), url) as served:
            offset = REPOSITORIES - 2 * PAGE
            last = _fill(url, offset)
            start, end = _page(served, ""), _page(served, f"&cursor={last}:{offset}:0")
            rounds = [(_seconds(start, size), _seconds(end, size)) for size in range(PAGE, PAGE - ROUNDS, -1)]
    return {"listing/end_to_start": median(late for _, late in rounds) / median(early for early, _ in rounds)}


def _fill(url: str, offset: int) -> int:
    """Create the repositories and return the id of the one at an offset."""
    store = Store.open(url)
    try:
        with store.write() as tx:
            organization = organization_queries.find_organization(tx, ORGANIZATION)
            assert organization
            repository_queries.ensure(tx, organization.id, names(REPOSITORIES), datetime.now(UTC))
            return repository_queries.page(tx, organization.id, PageQuery(offset - 1, 1)).items[0].id
    finally:
        store.close()


def _page(served: Service, cursor: str) -> Callable[[int], None]:
    def call(size: int) -> None:
        assert len(json.loads(served.call("GET", f"repos/?per_page={size}{cursor}"))) == size

    return call


def _seconds(call: Callable[[int], None], size: int) -> float:
    begun = perf_counter()
    call(size)
    return perf_counter() - begun


if __name__ == "__main__":
    main()
