"""Offer, add and follow repositories of a fake Forgejo."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fake_hosts import base
from forgejo_team import Team, added, run
from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Offer,
    OfferPage,
    ProviderError,
    ProviderUnavailable,
    Refusal,
    Repository,
)
from scmhost_forgejo import plugin


def names(page: OfferPage) -> list[str]:
    return [item.name for item in page.offers]


def unclaimed(name: str, url: str | None = None, number: int = 12) -> Repository:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Repository(id=number, organization_id=1, name=name, url=url, created_at=created)


def decided(team: Team, identifier: str, candidate: Repository | None = None) -> Claim | Create | Refusal:
    return run(plugin.scm_dispatch_repository, team.installation, AddRequest(identifier=identifier), candidate)


def test_own_repositories_are_offered(team: Team) -> None:
    """With their default branch; those of others are not."""
    team.host.repository("other/public")
    team.host.repository("ada/tools", default_branch="trunk")
    assert run(plugin.scm_offer_repositories, team.installation, "", "") == OfferPage(
        offers=(
            Offer(identifier="team/app", name="team/app", default_branch="main"),
            Offer(identifier="ada/tools", name="ada/tools", default_branch="trunk"),
        )
    )


def test_offers_have_pages(team: Team) -> None:
    """Each cursor leads to the next page; the last one has none."""
    team.host.largest_page = 2
    for index in range(4):
        team.host.repository(f"ada/tool{index}")
    first = run(plugin.scm_offer_repositories, team.installation, "", "")
    second = run(plugin.scm_offer_repositories, team.installation, "", first.next or "")
    third = run(plugin.scm_offer_repositories, team.installation, "", second.next or "")
    assert [names(page) for page in (first, second, third)] == [
        ["team/app", "ada/tool0"],
        ["ada/tool1", "ada/tool2"],
        ["ada/tool3"],
    ]
    assert third.next is None


def test_a_search_asks_the_server(team: Team) -> None:
    """Among what the user of the token owns or contributes to."""
    for name in ("ada/shop", "ada/tool", "stranger/shop"):
        team.host.repository(name)
    assert names(run(plugin.scm_offer_repositories, team.installation, "SHO", "")) == ["ada/shop"]
    assert team.host.calls[-1].query["q"] == "SHO"


@pytest.mark.parametrize(
    "cursor",
    ["x", "1", "page=0", "page=01", "page=-1", "page=1.5", "page=\u0661", "page=2&uid=7", "https://evil.example/"],
)
def test_a_foreign_cursor_is_refused(team: Team, cursor: str) -> None:
    """Nothing is asked for."""
    with pytest.raises(ProviderError, match="no cursor"):
        run(plugin.scm_offer_repositories, team.installation, "", cursor)
    assert team.host.calls == []


def test_a_repository_is_created(team: Team) -> None:
    """The web address is that of the installation's server, whatever the answer says."""
    facts = {"full_name": "team/app"}
    url = f"{team.host.url}/team/app"
    created = Create(name="team/app", external_id=str(team.app.id), url=url, configuration=facts)
    assert decided(team, "team/app") == created
    assert decided(team, "TEAM/App") == created


@pytest.mark.parametrize(
    ("identifier", "name", "path"),
    [("team/app", "team/app", None), ("12", "Team/App", None), ("12", "app", "team/app")],
)
def test_a_repository_is_claimed(team: Team, identifier: str, name: str, path: str | None) -> None:
    """By its name, or by its id and the name or the web address that it has."""
    candidate = unclaimed(name, f"{team.host.url}/{path}" if path else None)
    decision = decided(team, identifier, candidate)
    assert isinstance(decision, Claim)
    assert decision.external_id == str(team.app.id)


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("team/none", "not_found"),
        ("other/secret", "not_found"),
        *((text, "invalid") for text in ("app", "a/b/c", "../user", "team/..", "")),
    ],
)
def test_what_the_token_does_not_show_is_refused(team: Team, identifier: str, reason: str) -> None:
    """The text says how to write a name. Repositories of others are not there."""
    team.host.repository("other/secret", private=True)
    decision = decided(team, identifier)
    assert isinstance(decision, Refusal)
    assert decision.reason == reason
    assert "owner/name" in decision.message


def test_an_address_at_another_server_is_no_name(team: Team) -> None:
    """The same path there is another repository."""
    assert isinstance(decided(team, "12", unclaimed("app", "https://other.example/team/app")), Refusal)


@pytest.mark.parametrize("name", ["nothing", "a/b/c", "a b/c", "/"])
def test_answers_with_other_names_are_refused(team: Team, name: str) -> None:
    """A name without an owner would lead to other calls."""
    team.host.fault(base.wrong_types({"id": 1, "full_name": name}))
    with pytest.raises(ProviderUnavailable, match="full_name"):
        decided(team, "team/app")


def test_nothing_changed_is_no_update(team: Team) -> None:
    """The usual case."""
    assert run(plugin.scm_sync_repositories, team.installation, [team.repository]) == []


def test_archived_deleted_and_restored_repositories(team: Team) -> None:
    """Each state is reported once, and back."""
    team.app.archived = True
    [archived] = run(plugin.scm_sync_repositories, team.installation, [team.repository])
    assert (archived.state, archived.name) == ("archived", None)
    stored = team.repository.model_copy(update={"state": archived.state})
    assert run(plugin.scm_sync_repositories, team.installation, [stored]) == []
    team.app.archived = False
    assert run(plugin.scm_sync_repositories, team.installation, [stored])[0].state == "active"
    team.host.repositories.clear()
    [deleted] = run(plugin.scm_sync_repositories, team.installation, [stored])
    assert deleted.state == "deleted"
    stored = team.repository.model_copy(update={"state": deleted.state})
    team.host.repositories.append(team.app)
    assert run(plugin.scm_sync_repositories, team.installation, [stored])[0].state == "active"


def test_a_name_of_a_person_stays(team: Team) -> None:
    """Only a name that was the server's follows it."""
    team.host.tokens["good-token"].repositories.add("group/shop")
    team.app.rename("group", "shop")
    mine = team.repository.model_copy(update={"name": "our shop"})
    [update] = run(plugin.scm_sync_repositories, team.installation, [mine])
    assert (update.name, update.url) == (None, f"{team.host.url}/group/shop")


def test_many_repositories_are_asked_for_together(team: Team) -> None:
    """Those without an id of this server are left out."""
    made = [team.host.repository(f"ada/r{index}", archived=True) for index in range(20)]
    stored: list[Any] = [
        added(team.host, repository).model_copy(update={"id": index}) for index, repository in enumerate(made)
    ]
    odd = team.repository.model_copy(update={"external_id": "../user"})
    updates = run(plugin.scm_sync_repositories, team.installation, [*stored, odd])
    assert [update.repository_id for update in updates] == list(range(20))
