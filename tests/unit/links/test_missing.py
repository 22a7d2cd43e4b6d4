"""Counters of frames without a link: what is counted, how many counters there are, and when they are saved."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting import SettableClock
from linking import LinkProject
from scmhost.admin import removal_queries
from scmhost.infra.db.base import checked_text
from scmhost.infra.errors import Unavailable
from scmhost.links import queries as link_queries
from scmhost.links.missing import MOST_ROOTS, OTHER_ROOTS, MissingCounters, missing_frames, root_of, save_missing
from scmhost.links.queries import MissingKey
from scmhost.links.values import FrameQuery, LinkOptions
from scmhost.mapping import FrameInfo
from scmhost.organizations.create import create_organization, create_project

SECONDS_A_DAY = 86_400


def shown(web: LinkProject) -> list[tuple[str, str, int]]:
    """Return the saved counters: reason, root and number."""
    listed = missing_frames(web.services, web.organization, 1_000)
    return [(each.reason.value, each.root, each.count) for each in listed]


@pytest.mark.parametrize(
    ("info", "root"),
    [
        (FrameInfo("/srv/shop/shop/cart.py"), "/srv/shop/"),
        (FrameInfo("/app/cart.py"), "/app/"),
        (FrameInfo("src/a/b/c.ts"), "src/a/"),
        (FrameInfo("cart.py"), ""),
        (FrameInfo("/cart.py"), ""),
        (FrameInfo("C:\\app\\src\\x\\cart.cs"), "C:/app/"),
        (FrameInfo("webpack:///./src/cart.js"), "webpack:///./"),
        (FrameInfo("Cart.java", "com.acme.shop.Cart", "Cart.java", platform="java"), "com/acme/"),
        (FrameInfo("/srv/a\x00b/cart.py"), ""),
        (FrameInfo(f"/{'x' * 300}/cart.py"), ""),
        (FrameInfo(None), ""),
    ],
)
def test_root_is_the_beginning_of_the_path(info: FrameInfo, root: str) -> None:
    """At most two folders are kept, in the form of a stack root; what no mapping could have is left out."""
    assert root_of(FrameQuery(info)) == root


@given(st.text(max_size=400))
def test_root_of_any_text_can_be_stored(path: str) -> None:
    """A root is short, printable text that ends in a slash, for any path of a frame."""
    root = root_of(FrameQuery(FrameInfo(path)))
    assert len(root) <= 202
    assert root == "" or root.endswith("/")
    assert checked_text(root) == root


def test_only_frames_without_a_link_are_counted(web: LinkProject) -> None:
    """Linked frames are not counted, and neither are attempts whose outcome nobody gets; saving adds up."""
    web.add_mapping()
    for _ in range(2):
        web.resolve("/srv/a.py", "/opt/x/y/b.py", "/opt/x/c.py")
        assert save_missing(web.services) == 1
    web.resolve("/opt/x/c.py", options=LinkOptions(counted=False))
    assert save_missing(web.services) == 0
    assert shown(web) == [("stack_root_mismatch", "/opt/x/", 4)]
    (only,) = missing_frames(web.services, web.organization, 10)
    assert only.needs_mapping


def test_linking_writes_nothing(web: LinkProject) -> None:
    """Until the housekeeping saves the counters, the database has none."""
    web.resolve("/opt/x/c.py")
    assert shown(web) == []


def test_roots_of_a_day_are_limited(web: LinkProject) -> None:
    """Further roots are counted together, in memory and in the database, so that no client fills a table."""
    for start in (0, MOST_ROOTS):
        web.resolve(*(f"/r{number}/a.py" for number in range(start, start + MOST_ROOTS + 5)))
        save_missing(web.services)
    listed = shown(web)
    assert len(listed) == MOST_ROOTS + 1
    assert listed[0] == ("no_code_mappings_for_project", OTHER_ROOTS, 5 + MOST_ROOTS + 5)


def test_old_counters_disappear(web: LinkProject) -> None:
    """The list has the last seven days; after two weeks the counters are deleted."""
    clock = SettableClock()
    web = replace(web, services=replace(web.services, clock=clock))
    web.resolve("/opt/x/c.py")
    save_missing(web.services)
    clock.turn(6 * SECONDS_A_DAY)
    assert len(shown(web)) == 1
    clock.turn(SECONDS_A_DAY)
    assert shown(web) == []
    clock.turn(10 * SECONDS_A_DAY)
    web.resolve("/opt/y/c.py")
    save_missing(web.services)
    clock.time -= timedelta(days=12)
    assert [root for _, root, _ in shown(web)] == ["/opt/y/"]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that cannot save counters."""

    def fail(*_: object) -> None:
        raise Unavailable("the database is down")

    with monkeypatch.context() as patch:
        patch.setattr(link_queries, "add_missing", fail)
        yield


def test_counters_survive_a_database_that_is_down(web: LinkProject, broken: None) -> None:
    """Counters that could not be saved are kept for the next attempt."""
    web.resolve("/opt/x/c.py")
    with pytest.raises(Unavailable):
        save_missing(web.services)
    assert sum(web.services.shared(MissingCounters).take().values()) == 1


def test_counters_of_a_project_that_is_gone_are_dropped(web: LinkProject) -> None:
    """Neither a project nor an organization that was deleted meanwhile keeps the others' counters from being saved."""
    gone = create_organization(web.services, "gone")
    doomed, _ = create_project(web.services, web.organization, "doomed")
    today = web.services.clock.now().date()
    web.services.shared(MissingCounters).add(
        MissingKey(organization_id, today, project_id, "no_code_mappings_for_project", "/x/")
        for organization_id, project_id in ((web.organization.id, doomed.id), (gone.id, doomed.id))
    )
    web.resolve("/opt/x/c.py")
    with web.services.store.write() as tx:
        removal_queries.delete_project(tx, web.organization.id, doomed.id)
        removal_queries.delete_organization(tx, gone.id)
    assert save_missing(web.services) == 1
    assert [root for _, root, _ in shown(web)] == ["/opt/x/"]
    assert save_missing(web.services) == 0
