"""The last page of a long list against the first one, over HTTP: both are found by their key."""

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
            rounds = [(_seconds(start), _seconds(end)) for _ in range(ROUNDS)]
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


def _page(served: Service, cursor: str) -> Callable[[], None]:
    def call() -> None:
        assert len(json.loads(served.call("GET", f"repos/?per_page={PAGE}{cursor}"))) == PAGE

    return call


def _seconds(call: Callable[[], None]) -> float:
    begun = perf_counter()
    call()
    return perf_counter() - begun


if __name__ == "__main__":
    main()
