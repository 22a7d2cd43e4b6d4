"""Traces that people share: stored for some days, for the organization alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.settings import WebSettings
from scmhost.links import sharing
from scmhost.links.sharing import LONGEST_SHARED, delete_expired_traces, list_shared, read_shared, share_trace
from scmhost.links.traces import LinksIn
from scmhost.organizations.create import create_organization, create_project
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Actor, Services
from use_cases import open_services, recorded

ADA, EVE = Actor("person", "Ada", 1), Actor("person", "Eve", 2)
TRACE = LinksIn(text='File "/srv/app.py", line 3', release="1.4.2")


@pytest.fixture
def services(store: Store) -> Iterator[Services]:
    """The services as Ada uses them; traces are kept for two days."""
    with open_services(store, web=WebSettings(share_days=2), actor=ADA) as opened:
        yield opened


@pytest.fixture
def place(services: Services) -> tuple[Organization, Project]:
    """An organization with a project."""
    organization = create_organization(services, "acme")
    return organization, create_project(services, organization, "web")[0]


def test_shared_trace_is_read_until_it_expires(services: Services, place: tuple[Organization, Project]) -> None:
    """Then nobody reads it, and the housekeeping deletes its text."""
    shared = share_trace(services, *place, TRACE)
    found = read_shared(services, *place, shared.id)
    assert (found.text, found.release, found.commit) == (TRACE.text, "1.4.2", None)
    assert (shared.actor, shared.expires_at - shared.created_at) == (ADA, timedelta(days=2))
    assert delete_expired_traces(services) == 0
    services.clock.turn(2 * 86_400)  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        read_shared(services, *place, shared.id)
    assert list_shared(services, *place) == []
    assert (delete_expired_traces(services), delete_expired_traces(services)) == (1, 0)


def test_same_trace_again_changes_nothing(services: Services, place: tuple[Organization, Project]) -> None:
    """Another text, release or person makes another one."""
    shared = share_trace(services, *place, TRACE)
    assert share_trace(services, *place, TRACE) == shared
    others = [
        share_trace(services, *place, TRACE.model_copy(update={"text": "other"})),
        share_trace(services, *place, TRACE.model_copy(update={"release": None})),
        share_trace(services.for_actor(EVE), *place, TRACE),
    ]
    assert [each.id for each in list_shared(services, *place)] == [each.id for each in [*reversed(others), shared]]


def test_audit_log_has_no_text(services: Services, place: tuple[Organization, Project]) -> None:
    """Its entries are kept for longer than the trace."""
    shared = share_trace(services, *place, TRACE)
    sharing.delete_shared(services, *place, shared.id)
    assert recorded(services, place[0])[-2:] == [("trace.share", str(shared.id)), ("trace.delete", str(shared.id))]
    with pytest.raises(NotFound):
        sharing.delete_shared(services, *place, shared.id)


@pytest.mark.parametrize("text", ["", " \n", "x" * (LONGEST_SHARED + 1)])
def test_text_has_a_limit(services: Services, place: tuple[Organization, Project], text: str) -> None:
    """A blank or too long text is refused."""
    with pytest.raises(InvalidInput, match="200,000"):
        share_trace(services, *place, LinksIn(text=text))


def test_traces_are_not_shared_where_that_is_off(services: Services, place: tuple[Organization, Project]) -> None:
    """With `share_days = 0` no text is ever stored."""
    off = replace(services, web=WebSettings(share_days=0))
    with pytest.raises(Conflict, match="share_days"):
        share_trace(off, *place, TRACE)


def test_number_of_shared_traces_is_limited(
    services: Services, place: tuple[Organization, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is refused until another is deleted."""
    monkeypatch.setattr(sharing, "MOST_SHARED", 1)
    shared = share_trace(services, *place, TRACE)
    with pytest.raises(Conflict, match="at most 1"):
        share_trace(services, *place, LinksIn(text="other"))
    sharing.delete_shared(services, *place, shared.id)
    share_trace(services, *place, LinksIn(text="other"))


def test_trace_belongs_to_its_project(services: Services, place: tuple[Organization, Project]) -> None:
    """Another project, or another organization, has no such trace."""
    organization, project = place
    shared = share_trace(services, organization, project, TRACE)
    other = create_organization(services, "other")
    there = [(organization, create_project(services, organization, "api")[0]), (other, project)]
    for each in there:
        with pytest.raises(NotFound):
            read_shared(services, *each, shared.id)
