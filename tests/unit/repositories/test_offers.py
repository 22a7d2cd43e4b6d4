"""Offer repositories in pages: those of the plugin, without those that the installation has."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

import factories
from scmhost.infra.errors import InvalidInput, NotFound, ProviderRefused
from scmhost.infra.settings import Limits
from scmhost.plugins import PluginFault
from scmhost.repositories.claim import add_repository, create_repository
from scmhost.repositories.manage import delete_repository
from scmhost.repositories.offers import MAX_CURSOR, OfferedPage, offer_repositories
from scmhost.sdk import AddRequest, Offer, OfferPage, ProviderError, Repository
from scripted_host import ScriptedHost


def offer(scripted: ScriptedHost, cursor: str = "", search: str = "", most: int = 1_000) -> OfferedPage:
    services = replace(scripted.services, limits=Limits(offers=most))
    return offer_repositories(services, scripted.organization, scripted.installation.id, search, cursor)


def all_pages(scripted: ScriptedHost, most: int = 1_000) -> list[list[str]]:
    """Return the names on each page. There are at most ten."""
    pages = [offer(scripted, most=most)]
    while pages[-1].next and len(pages) < 10:
        pages.append(offer(scripted, pages[-1].next, most=most))
    return [[item.name for item in page.offers] for page in pages]


def add(scripted: ScriptedHost, identifier: str) -> Repository:
    request = AddRequest(identifier=identifier, fields={})
    return add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request).saved


def unclaimed(scripted: ScriptedHost, name: str) -> Repository:
    return create_repository(scripted.services, scripted.organization, name)[0]


def named(*names: str) -> tuple[Offer, ...]:
    return tuple(Offer(identifier=name, name=name) for name in names)


def test_pages_of_the_plugin_follow_each_other(scripted: ScriptedHost) -> None:
    """The plugin gets its own cursor back, and the last page has no next one."""
    pages = {"": (("a", "b"), "é 😀"), "é 😀": (("c",), "3"), "3": ((), None)}
    cursors: list[str] = []

    def page(cursor: str) -> OfferPage:
        cursors.append(cursor)
        names, following = pages[cursor]
        return OfferPage(offers=named(*names), next=following)

    scripted.script.offer_page = page
    assert all_pages(scripted) == [["a", "b"], ["c"], []]
    assert cursors == ["", "é 😀", "3"]


def test_empty_page_is_not_the_end(scripted: ScriptedHost) -> None:
    """A page of which the installation has everything is empty, and leads to the next one."""
    add(scripted, "a")
    pages = {"": OfferPage(offers=named("a"), next="2"), "2": OfferPage(offers=named("b"))}
    scripted.script.offer_page = pages.__getitem__
    assert all_pages(scripted) == [[], ["b"]]


@pytest.mark.parametrize("as_page", [False, True])
def test_more_offers_than_the_limit_are_pages(scripted: ScriptedHost, as_page: bool) -> None:
    """Nothing is cut off, whether the plugin returns a plain sequence or a large page of its own."""
    offers = named("a", "b", "c", "d", "e")
    if as_page:
        pages = {"": OfferPage(offers=offers, next="2"), "2": OfferPage(offers=named("f"))}
        scripted.script.offer_page = pages.__getitem__
    else:
        scripted.script.offer = lambda _repositories, _search: offers
    rest = [["f"]] if as_page else []
    assert all_pages(scripted, most=2) == [["a", "b"], ["c", "d"], ["e"], *rest]


@pytest.mark.parametrize(
    "cursor", ["x", "%", "W10", "WyIiLC0xXQ", "WyIiLDFd=garbage", "\x00", "é", "a" * (MAX_CURSOR + 1)]
)
def test_malformed_cursor_is_refused(scripted: ScriptedHost, cursor: str) -> None:
    """The error says how to begin again, and the plugin is not called."""
    calls: list[str] = []

    def record(_repositories: Sequence[Repository], search: str) -> Sequence[Offer]:
        calls.append(search)
        return ()

    scripted.script.offer = record
    with pytest.raises(InvalidInput, match="begin without a cursor"):
        offer(scripted, cursor)
    assert calls == []


def test_cursor_that_the_plugin_refuses(scripted: ScriptedHost) -> None:
    """The error of the plugin is the answer."""

    def page(cursor: str) -> OfferPage:
        if cursor:
            raise ProviderError("the cursor is too old")
        return OfferPage(offers=(), next="old")

    scripted.script.offer_page = page
    old = offer(scripted).next
    with pytest.raises(ProviderRefused, match="the cursor is too old") as refused:
        offer(scripted, old or "")
    assert refused.value.reason == "invalid"


def test_page_that_leads_to_itself_is_a_fault(scripted: ScriptedHost) -> None:
    """Otherwise a client would read it for ever."""
    scripted.script.offer_page = lambda _cursor: OfferPage(offers=named("a"), next="again")
    second = offer(scripted).next
    with pytest.raises(PluginFault, match="next cursor is its own"):
        offer(scripted, second or "")


def test_note_about_repositories_that_the_plugin_did_not_get(scripted: ScriptedHost) -> None:
    """With too many unclaimed repositories the answer says so, and a search finds the others."""
    for name in ("a", "b", "other"):
        unclaimed(scripted, name)

    def matching(repositories: Sequence[Repository], search: str) -> Sequence[Offer]:
        return named(*(item.name for item in repositories if search in item.name))

    scripted.script.offer = matching
    first = offer(scripted, most=2)
    assert [item.name for item in first.offers] == ["a", "b"]
    assert ["limits.offers" in note for note in first.notes] == [True]
    found = offer(scripted, search="other", most=2)
    assert ([item.name for item in found.offers], found.notes) == (["other"], ())


def test_offers_leave_out_what_the_installation_has(scripted: ScriptedHost) -> None:
    """Offers of repositories that the installation has, by name or external id, are left out."""
    claimed = add(scripted, "team/app")
    identifiers = ["team/app", str(claimed.external_id), "team/lib"]
    scripted.script.offer = lambda _repositories, search: [
        Offer(identifier=identifier, name=f"{search} {identifier}") for identifier in identifiers
    ]
    offers = offer(scripted, search="found").offers
    assert [(offer.identifier, offer.name) for offer in offers] == [("team/lib", "found team/lib")]


def test_plugin_gets_the_unclaimed_repositories(scripted: ScriptedHost) -> None:
    """Claimed repositories and those whose deletion is scheduled are not offered to the plugin."""
    names = ["b", "a", "claimed", "gone"]
    ids = {name: unclaimed(scripted, name).id for name in names}
    add(scripted, str(ids["claimed"]))
    delete_repository(scripted.services, scripted.organization, ids["gone"])
    scripted.script.offer = lambda repositories, _search: [
        Offer(identifier=str(item.id), name=item.name) for item in repositories
    ]
    offers = offer(scripted).offers
    assert [offer.name for offer in offers] == ["a", "b"]


def test_offers_of_an_unknown_installation_are_not_found(scripted: ScriptedHost) -> None:
    """The error names the id."""
    with pytest.raises(NotFound, match=str(factories.NOBODY)):
        offer_repositories(scripted.services, scripted.organization, factories.NOBODY, "")
