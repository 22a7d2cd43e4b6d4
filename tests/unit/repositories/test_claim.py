"""Offer and claim repositories: dispatch, save, serialize."""

from pathlib import Path

import pytest

import factories
from api import open_api
from scmhost.infra.errors import InvalidInput, NotFound, ProviderRefused
from scmhost.plugins import PluginFault, ProviderOff
from scmhost.repositories.claim import AddedRepository, add_repository, create_repository
from scmhost.repositories.manage import delete_repository
from scmhost.repositories.offers import offer_repositories
from scmhost.sdk import AddRequest, Claim, Create, ProviderUnavailable, Refusal, Repository
from scripted_host import CONFIG, SCRIPTED, ScriptedHost, open_scripted


def add(scripted: ScriptedHost, identifier: str, installation_id: int | None = None) -> AddedRepository:
    id_ = scripted.installation.id if installation_id is None else installation_id
    return add_repository(
        scripted.services, scripted.organization, "scripted", id_, AddRequest(identifier=identifier, fields={})
    )


def unclaimed(scripted: ScriptedHost, name: str = "team/app") -> Repository:
    return create_repository(scripted.services, scripted.organization, name)[0]


@pytest.mark.parametrize("by", ["id", "name", "name in capitals"])
def test_unclaimed_repository_is_claimed(scripted: ScriptedHost, by: str) -> None:
    """The identifier is the id or the name of the repository; the plugin's decision is saved and serialized."""
    repository = unclaimed(scripted)
    scripted.script.serialize = lambda saved: {"shaped": saved.name}
    identifier = {"id": str(repository.id), "name": "team/app", "name in capitals": "TEAM/APP"}[by]
    added = add(scripted, identifier)
    assert isinstance(added.decision, Claim)
    assert added.saved == scripted.repository(repository.id)
    assert (added.saved.provider, added.saved.installation_id) == ("scripted", scripted.installation.id)
    assert (added.saved.external_id, added.saved.url) == ("id of team/app", "https://forge.example/team/app")
    assert (added.payload.id, added.payload.model_extra) == (str(repository.id), {"shaped": "team/app"})
    assert scripted.script.saved == ["repository team/app", "repository team/app"]


def test_unknown_repository_is_created(scripted: ScriptedHost) -> None:
    """The plugin may create a repository instead of claiming one."""
    added = add(scripted, "team/new")
    assert isinstance(added.decision, Create)
    assert added.saved == scripted.repository(added.saved.id)
    assert (added.saved.name, added.saved.external_id) == ("team/new", "id of team/new")
    assert added.saved.installation_id == scripted.installation.id


def test_one_of_two_claims_at_once_succeeds(scripted: ScriptedHost) -> None:
    """The other one is refused as not found, as if the repository had been claimed before."""
    repository = unclaimed(scripted)

    def claim(_number: int) -> AddedRepository | ProviderRefused:
        try:
            return add(scripted, str(repository.id))
        except ProviderRefused as error:
            return error

    # Both see the same candidate, whichever is saved first.
    scripted.script.dispatch = lambda _request, _candidate: Claim(external_id="1")
    results = factories.at_once(2, claim)
    (won,) = [result for result in results if isinstance(result, AddedRepository)]
    (lost,) = [result for result in results if isinstance(result, ProviderRefused)]
    assert won.saved == scripted.repository(repository.id)
    assert lost.reason == "not_found"


def test_repository_claimed_during_dispatch_is_refused(scripted: ScriptedHost) -> None:
    """A claim that is saved while the plugin decides wins."""
    repository = unclaimed(scripted)

    def dispatch(_request: AddRequest, candidate: Repository | None) -> Claim:
        assert candidate is not None
        scripted.script.dispatch = lambda _request, _candidate: Claim(external_id="first")
        add(scripted, str(repository.id))
        return Claim(external_id="second")

    scripted.script.dispatch = dispatch
    with pytest.raises(ProviderRefused, match="not unclaimed any more") as refused:
        add(scripted, str(repository.id))
    assert refused.value.reason == "not_found"
    saved = scripted.repository(repository.id)
    assert saved is not None
    assert saved.external_id == "first"


def test_claim_without_candidate_is_refused(scripted: ScriptedHost) -> None:
    """A plugin that claims a repository which does not exist gets nothing saved."""
    scripted.script.dispatch = lambda _request, _candidate: Claim()
    before = factories.all_rows(scripted.services.store)
    with pytest.raises(ProviderRefused, match="does not exist"):
        add(scripted, "team/app")
    assert factories.all_rows(scripted.services.store) == before


@pytest.mark.parametrize("identifier", ["0", "9" * 16, "9" * 400, "-1", "1.0", "٣", "", " ", "é" * 500])
def test_odd_identifiers_name_no_candidate(scripted: ScriptedHost, identifier: str) -> None:
    """An identifier that is neither an id nor a name leaves the decision to the plugin."""
    candidates: list[Repository | None] = []

    def dispatch(_request: AddRequest, candidate: Repository | None) -> Refusal:
        candidates.append(candidate)
        return Refusal(reason="not_found", message="No.")

    scripted.script.dispatch = dispatch
    with pytest.raises(ProviderRefused, match=r"No\."):
        add(scripted, identifier)
    assert candidates == [None]


@pytest.mark.parametrize("state", ["claimed", "deleted"])
def test_only_unclaimed_active_repositories_are_candidates(scripted: ScriptedHost, state: str) -> None:
    """A claimed repository, and one whose deletion is scheduled, cannot be claimed by id."""
    repository = unclaimed(scripted)
    if state == "claimed":
        add(scripted, str(repository.id))
    else:
        delete_repository(scripted.services, scripted.organization, repository.id)
    scripted.script.dispatch = lambda _request, candidate: Refusal(reason="invalid", message=f"Got {candidate}.")
    with pytest.raises(ProviderRefused, match=r"Got None\."):
        add(scripted, str(repository.id))


def test_second_repository_with_the_external_id_conflicts(scripted: ScriptedHost) -> None:
    """Two repositories of an installation cannot have one external id."""
    scripted.script.dispatch = lambda request, _candidate: Create(name=request.identifier, external_id="7")
    add(scripted, "one")
    with pytest.raises(ProviderRefused, match="already exists") as refused:
        add(scripted, "two")
    assert refused.value.reason == "conflict"


@pytest.mark.parametrize(
    ("decision", "error"),
    [
        (Refusal(reason="conflict", message="Not yours."), ProviderRefused),
        (Create(name=" ", external_id="1"), InvalidInput),
        (Create(name="a\nb", external_id="1"), InvalidInput),
        (Create(name="a", external_id="1", url="javascript:alert(1)"), InvalidInput),
    ],
)
def test_refusals_and_bad_decisions_save_nothing(
    scripted: ScriptedHost, decision: Create | Refusal, error: type[Exception]
) -> None:
    """What the plugin decides is checked before it is saved."""
    scripted.script.dispatch = lambda _request, _candidate: decision
    before = factories.all_rows(scripted.services.store)
    with pytest.raises(error):
        add(scripted, "team/app")
    assert factories.all_rows(scripted.services.store) == before
    assert scripted.script.saved == []


def test_failing_plugin_saves_nothing(scripted: ScriptedHost) -> None:
    """An exception of the plugin is a fault of it; an error that it declares is a refusal."""
    errors: dict[Exception, type[Exception]] = {
        RuntimeError("broken"): PluginFault,
        ProviderUnavailable("later"): ProviderRefused,
    }
    for raised, expected in errors.items():

        def dispatch(_request: AddRequest, _candidate: Repository | None, raised: Exception = raised) -> Claim:
            raise raised

        scripted.script.dispatch = dispatch
        with pytest.raises(expected):
            add(scripted, "team/app")
    assert scripted.script.saved == []


def test_installation_must_exist_and_be_of_the_provider(scripted: ScriptedHost) -> None:
    """The text is that of Sentry's API."""
    with pytest.raises(NotFound, match="Integration matching query does not exist"):
        add(scripted, "team/app", factories.NOBODY)
    request = AddRequest(identifier="team/app", fields={})
    with pytest.raises(NotFound, match="Integration matching query does not exist"):
        add_repository(scripted.services, scripted.organization, "custom_scm", scripted.installation.id, request)


def test_provider_must_be_on(tmp_path: Path) -> None:
    """A provider that is off for the organization neither offers nor claims."""
    with open_scripted(tmp_path) as on:
        installation = on.installation
    switch_off = f"{CONFIG}deny = {{ organizations = ['acme'] }}\n"
    with open_api(tmp_path, switch_off, f"sqlite:///{tmp_path}/test.db", more=[SCRIPTED], background=False) as api:
        organization = api.there.organization
        with pytest.raises(ProviderOff):
            offer_repositories(api.services, organization, installation.id, "")
        request = AddRequest(identifier="team/app", fields={})
        with pytest.raises(ProviderOff):
            add_repository(api.services, organization, "scripted", installation.id, request)
