"""Repositories of hosts with an API: lists in pages, what a user wrote, decisions and changes."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from scmhost.sdk import (
    AddRequest,
    ApiRepository,
    Claim,
    Create,
    HostRepository,
    OfferPage,
    ProviderError,
    ProviderUnavailable,
    Refusal,
    Repository,
    add_repository,
    follow_repositories,
    offer_page,
    owner_and_name,
    requested_names,
)
from scmhost.sdk.execution import DEADLINE
from scripted_api import ScriptedApi

WEB = "https://git.example.com/scm"


def one(number: int, name: str = "", **fields: Any) -> dict[str, Any]:
    return {"id": number, "full_name": name or f"team/app{number}", **fields}


def stored(number: int = 7, name: str = "team/app", url: str | None = None, **fields: Any) -> Repository:
    values = {"id": 5, "organization_id": 1, "name": name, "url": url, "external_id": str(number)}
    return Repository.model_validate({**values, "created_at": datetime(2026, 1, 2, tzinfo=UTC), **fields})


def pages_of(size: int, number: int) -> ScriptedApi:
    """Return an API whose list has a number of repositories, in pages."""

    def answers(_: str, query: Mapping[str, str]) -> Any:
        page = int(query.get("page", "1"))
        listed = [one(index + 1) for index in range(number)][(page - 1) * size : page * size]
        return (listed, f"/repos?page={page + 1}&secret=x") if page * size < number else listed

    return ScriptedApi(answers)


def page(api: ScriptedApi, cursor: str = "", wanted: str = "", seconds: float = 30.0, enough: int = 1) -> OfferPage:
    def show(found: ApiRepository) -> HostRepository | None:
        return found.found(WEB) if wanted in found.full_name else None

    async def ask() -> OfferPage:
        DEADLINE.set(monotonic() + seconds)
        return await offer_page(api, ApiRepository, show, cursor=cursor, params={"size": 2}, enough=enough)

    return asyncio.run(ask())


def test_each_page_leads_to_the_next() -> None:
    """The cursor has the parameters of pages only."""
    api, cursor, names = pages_of(2, 5), "", []
    for expected in ("page=2", "page=3", None):
        found = page(api, cursor)
        names += [offer.name for offer in found.offers]
        assert found.next == expected
        cursor = found.next or ""
    assert names == [f"team/app{number}" for number in range(1, 6)]
    assert api.asked == ["GET  size=2", "GET  size=2 page=2", "GET  size=2 page=3"]


def test_pages_without_offers_are_passed_over_while_there_is_time() -> None:
    """A filter may leave nothing of a page, and a caller may want more than one page has."""
    found = page(pages_of(2, 9), wanted="app7")
    assert ([offer.name for offer in found.offers], found.next) == (["team/app7"], "page=5")
    assert (page(pages_of(2, 9), wanted="app7", seconds=1.0).offers, len(page(pages_of(2, 9), enough=5).offers)) == (
        (),
        6,
    )


def test_a_host_that_names_the_same_page_again_is_left() -> None:
    """It would never end."""
    api = ScriptedApi(lambda _place, _query: ([one(1)], "/repos?page=2&more=1"))
    assert page(api, enough=9).next is None
    assert len(api.asked) == 2
    assert page(api, "page=2").next is None


@pytest.mark.parametrize("cursor", ["2", "x", "page=", "page=0", "page=-1", "page=1&size=9", "size=9", "page=\u0661"])
def test_a_cursor_of_the_user_adds_nothing(cursor: str) -> None:
    """Nothing is asked."""
    api = pages_of(2, 5)
    with pytest.raises(ProviderError, match="is no cursor of this list"):
        page(api, cursor)
    assert api.asked == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("team/app", ["team/app"]),
        ("/team/app.git/", ["team/app"]),
        ("15", ["15"]),
        (f"{WEB}/team/app", ["team/app"]),
        (f"{WEB}/team/app/-/tree/main", ["team/app"]),
        ("https://x:token@git.example.com/scm/team/app.git", ["team/app"]),
        ("git@ssh.example.com:team/app.git", ["team/app"]),
        ("git@git.example.com:team/app.git", ["team/app"]),
        ("https://other.example/team/app", []),
        ("https://[", []),
        ("..", []),
        ("", []),
    ],
)
def test_what_a_user_wrote_names_a_repository(text: str, names: list[str]) -> None:
    """A name, a page or a clone URL of this host."""
    assert requested_names(AddRequest(identifier=text), None, WEB, ssh_host="ssh.example.com") == names


def test_a_field_or_the_candidate_names_it_better_than_its_id() -> None:
    """The identifier of a candidate is its id or its name; an id is no number of the code host."""
    candidate = stored(name="shop", url=f"{WEB}/team/app")
    request = AddRequest(identifier="5", fields={"path": "team/other"})
    assert requested_names(request, candidate, WEB) == ["team/app", "shop"]
    assert requested_names(request, candidate, WEB, fields=("path",)) == ["team/other"]
    assert requested_names(request, stored(name="17"), WEB) == []


def decided(identifier: str, candidate: Repository | None = None, **options: Any) -> Claim | Create | Refusal:
    async def find(name: str) -> HostRepository | None:
        return ApiRepository(id=7, full_name=name).found(WEB) if name == "team/app" else None

    request = AddRequest(identifier=identifier)
    return asyncio.run(add_repository(request, candidate, find, base_url=WEB, **options))


def test_a_repository_is_added_or_refused() -> None:
    """The refusal says how to write a name, and to what the installation is limited."""
    facts = {"external_id": "7", "url": f"{WEB}/team/app", "configuration": {"full_name": "team/app"}}
    assert decided("team/app") == Create(name="team/app", **facts)
    assert decided("5", stored()) == Claim(**facts)
    missing = decided("team/none", within="the group team")
    assert isinstance(missing, Refusal)
    assert missing.reason == "not_found"
    assert "'team/none' in the group team" in missing.message
    for text in ("..", "team/..", "https://other.example/team/app"):
        refused = decided(text)
        assert isinstance(refused, Refusal)
        assert (refused.reason, "owner/name" in refused.message) == ("invalid", True)
    assert decided("team", names="[a-z]+/[a-z]+") == decided("team", names="[a-z]+/[a-z]+", within="x")


def test_repositories_are_followed_by_their_number() -> None:
    """What cannot be read keeps what it has; another repository in the answer is an error."""
    known = {"GET 7": one(7, "new/app", archived=True), "GET 9": one(8)}
    api = ScriptedApi(lambda place, _query: known.get(place))
    own = stored(7, configuration={"full_name": "team/app"})
    [update] = asyncio.run(ApiRepository.follow(api, [own, stored(9, id=6), stored(name="mine", external_id="x")], WEB))
    assert (update.repository_id, update.name, update.url, update.state) == (5, "new/app", f"{WEB}/new/app", "archived")
    [gone] = asyncio.run(ApiRepository.follow(api, [stored(10)], WEB))
    assert gone.state == "deleted"
    with pytest.raises(ProviderUnavailable, match="another repository than 9"):
        asyncio.run(ApiRepository.follow(api, [stored(9)], WEB))
    assert asyncio.run(follow_repositories([], lambda _one: asyncio.sleep(0, None), name_field="path")) == []


def test_owner_and_name_are_those_of_the_configuration() -> None:
    """A user may change the name."""
    assert owner_and_name(stored(name="Shop", configuration={"full_name": "team/app"})) == ("team", "app")
    for configuration in ({}, {"full_name": "app"}, {"full_name": "a/b/c"}):
        with pytest.raises(ProviderError, match="was not added by this plugin"):
            owner_and_name(stored(configuration=configuration))
