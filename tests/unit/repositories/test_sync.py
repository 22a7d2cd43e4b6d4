"""Compare repositories with their code host: what a plugin reports is saved, or becomes a note."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import factories
from hosting import SettableClock
from plugins.scripted import script
from scmhost.admin.background import run_due_jobs
from scmhost.commits.find_repository import find_named
from scmhost.infra.errors import NotFound
from scmhost.installations.install import install_provider
from scmhost.repositories import alias_queries, queries
from scmhost.repositories.alias_queries import find_by_remote
from scmhost.repositories.claim import add_repository, create_repository, serialize_repository
from scmhost.repositories.manage import change_repository
from scmhost.repositories.sync import BATCH, MAX_NOTES, request_sync, schedule_syncs, sync_status
from scmhost.sdk import (
    AddRequest,
    Create,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    Repository,
    RepositoryStatus,
    RepositoryUpdate,
)
from scmhost.services import Services
from scripted_host import ScriptedHost
from use_cases import recorded

URL = "https://forge.example"


def claimed(scripted: ScriptedHost, name: str) -> Repository:
    """Create a claimed repository whose URL ends with its name."""
    scripted.script.dispatch = lambda request, _candidate: Create(
        name=request.identifier, external_id=f"id of {request.identifier}"[:64], url=f"{URL}/{request.identifier}"
    )
    request = AddRequest(identifier=name, fields={})
    return add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request).saved


def reports(*updates: RepositoryUpdate) -> None:
    script.sync = lambda _repositories: updates


def report(repository: Repository, **changes: Any) -> RepositoryUpdate:
    return RepositoryUpdate(repository_id=repository.id, **changes)


def sync(scripted: ScriptedHost) -> Sequence[str]:
    """Synchronize now, and return the notes."""
    request_sync(scripted.services, scripted.organization, scripted.installation.id)
    run_due_jobs(scripted.services)
    status = sync_status(scripted.services, scripted.organization, scripted.installation.id)
    assert (status.state, status.last is not None) == ("idle", True), status
    assert status.last is not None
    return status.last.notes


def found(scripted: ScriptedHost, name: str) -> int | None:
    with scripted.services.store.read() as tx:
        repository = find_named(tx, scripted.organization, name)
    return repository.id if repository else None


def stored(scripted: ScriptedHost, repository: Repository) -> Repository:
    saved = scripted.repository(repository.id)
    assert saved is not None
    return saved


def test_renamed_and_moved_repository(scripted: ScriptedHost) -> None:
    """The new name and URL are saved, with an audit entry, and a listener gets the repository."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="group/shop", url=f"{URL}/group/shop", configuration={"id": 7}))
    scripted.script.saved.clear()
    assert sync(scripted) == []
    saved = stored(scripted, repository)
    assert (saved.name, saved.url, saved.configuration) == ("group/shop", f"{URL}/group/shop", {"id": 7})
    assert recorded(scripted.services, scripted.organization)[-1] == ("repository.sync", "team/app")
    assert scripted.script.saved == ["repository group/shop"]
    status = sync_status(scripted.services, scripted.organization, scripted.installation.id).last
    assert status is not None
    assert (status.checked, status.changed, status.fault) == (1, 1, None)


def test_the_same_report_again_changes_nothing(scripted: ScriptedHost) -> None:
    """Neither rows nor the audit log grow, and no listener is called."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="team/shop", url=f"{URL}/team/shop", state="archived", configuration={"a": [1]}))
    sync(scripted)
    entries, saved = recorded(scripted.services, scripted.organization), stored(scripted, repository)
    scripted.script.saved.clear()
    assert sync(scripted) == []
    assert recorded(scripted.services, scripted.organization) == entries
    assert (stored(scripted, repository), scripted.script.saved) == (saved, [])


def test_old_name_and_path_still_find_the_repository(scripted: ScriptedHost) -> None:
    """After two renames all names lead to it; a repository that has an old name now comes first."""
    repository = claimed(scripted, "Team/App")
    for name in ("team/shop", "group/shop"):
        reports(report(repository, name=name, url=f"{URL}/{name}"))
        sync(scripted)
    assert {found(scripted, name) for name in ("team/app", "TEAM/SHOP", "group/shop")} == {repository.id}
    other = create_repository(scripted.services, scripted.organization, "team/app", f"{URL}/team/app2")[0]
    assert other.id != repository.id
    assert found(scripted, "team/app") == other.id
    assert found(scripted, "team/shop") == repository.id


def test_old_url_alone_finds_the_repository(scripted: ScriptedHost) -> None:
    """A repository that only moved is found by the path of its old URL, unless two had it."""
    first = claimed(scripted, "first")
    reports(report(first, url="https://new.example/group/first"))
    change_repository(scripted.services, scripted.organization, first.id, {"url": f"{URL}/old/path"})
    sync(scripted)
    assert found(scripted, "old/path") == first.id
    second = claimed(scripted, "second")
    change_repository(scripted.services, scripted.organization, second.id, {"url": "https://mirror.example/old/path"})
    reports(report(second, url="https://new.example/group/second"))
    sync(scripted)
    assert found(scripted, "old/path") is None


def test_old_url_of_any_spelling_finds_the_repository(scripted: ScriptedHost) -> None:
    """A link with the remote of an old checkout is followed; a repository that is there now comes first."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="team/shop", url=f"{URL}/team/shop"))
    sync(scripted)
    spellings = (f"{URL}/Team/App.git", "git@forge.example:team/app.git", f"{URL}/team/shop")
    with scripted.services.store.read() as tx:
        found_at = [find_by_remote(tx, scripted.organization.id, text) for text in spellings]
    assert {item.id if item else None for item in found_at} == {repository.id}
    now_there = create_repository(scripted.services, scripted.organization, "new", f"{URL}/team/app")[0]
    with scripted.services.store.read() as tx:
        assert find_by_remote(tx, scripted.organization.id, f"{URL}/team/app") == now_there


def test_earlier_name_with_its_url_is_the_same_repository(scripted: ScriptedHost) -> None:
    """A script that creates its repository before each build goes on after a rename."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="team/shop", url=f"{URL}/team/shop"))
    sync(scripted)
    for url in (None, f"{URL}/team/app", f"{URL}/team/shop"):
        again, created = create_repository(scripted.services, scripted.organization, "team/app", url)
        assert (again.id, created) == (repository.id, False)
    assert create_repository(scripted.services, scripted.organization, "team/shop", f"{URL}/team/app")[1] is False


def test_earlier_name_is_a_candidate_for_a_claim(scripted: ScriptedHost) -> None:
    """A renamed repository that became unclaimed can be claimed by its old name; its state is not known any more."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="team/shop", state="archived"))
    sync(scripted)
    change_repository(scripted.services, scripted.organization, repository.id, {"integrationId": None})
    assert stored(scripted, repository).state == "active"
    scripted.script.reset()
    request = AddRequest(identifier="team/app", fields={})
    added = add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request)
    assert added.saved.id == repository.id


def test_repository_that_gets_its_old_name_back(scripted: ScriptedHost) -> None:
    """The name is no earlier one any more; the name in between is."""
    repository = claimed(scripted, "team/app")
    for name in ("team/shop", "team/app"):
        reports(report(repository, name=name))
        sync(scripted)
    with scripted.services.store.read() as tx:
        keys = alias_queries.keys_of(tx, scripted.organization.id, [repository.id])
    assert keys == {repository.id: {"team/shop"}}


def test_taken_name_is_reported_and_the_rest_is_saved(scripted: ScriptedHost) -> None:
    """Names are unique without regard to case. After the other one is gone the new name is saved."""
    repository, second = claimed(scripted, "team/app"), claimed(scripted, "team/lib")
    taken = create_repository(scripted.services, scripted.organization, "Team/Shop")[0]
    reports(
        report(repository, name="team/shop", url=f"{URL}/team/shop"),
        report(second, name="team/library"),
    )
    (note,) = sync(scripted)
    assert "'team/app'" in note
    assert "'team/shop'" in note
    assert (stored(scripted, repository).name, stored(scripted, repository).url) == ("team/app", f"{URL}/team/shop")
    assert stored(scripted, second).name == "team/library"
    change_repository(scripted.services, scripted.organization, taken.id, {"name": "other"})
    assert sync(scripted) == []
    assert stored(scripted, repository).name == "team/shop"


def test_repositories_exchange_their_names(scripted: ScriptedHost) -> None:
    """Names may move around in one report; one that waits for a name that stays taken keeps its own."""
    first, second, third, fourth = (claimed(scripted, name) for name in ("a", "b", "c", "d"))
    create_repository(scripted.services, scripted.organization, "taken")
    reports(report(first, name="b"), report(second, name="A"), report(third, name="d"), report(fourth, name="taken"))
    notes = sync(scripted)
    assert [stored(scripted, item).name for item in (first, second, third, fourth)] == ["b", "A", "c", "d"]
    assert len(notes) == 2
    assert (found(scripted, "a"), found(scripted, "B")) == (second.id, first.id)


def test_two_repositories_with_one_new_name(scripted: ScriptedHost) -> None:
    """The first one gets it."""
    first, second = claimed(scripted, "a"), claimed(scripted, "b")
    reports(report(first, name="same"), report(second, name="SAME"))
    assert len(sync(scripted)) == 1
    assert [stored(scripted, item).name for item in (first, second)] == ["same", "b"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "a\nb"}, "control characters"),
        ({"name": "a\x00b"}, "control characters"),
        ({"name": "  "}, "1 to 200"),
        ({"url": "javascript:alert(1)"}, "valid URL"),
        ({"url": "https://user:secret@forge.example/a"}, "valid URL"),
        ({"url": ""}, "blank"),
        ({"configuration": {"a": float("nan")}}, "NaN"),
        ({"configuration": {"a": "half \ud800"}}, "surrogate"),
    ],
)
def test_value_that_cannot_be_saved_becomes_a_note(scripted: ScriptedHost, changes: dict[str, Any], text: str) -> None:
    """The other values of the same report are saved."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, state="archived", **changes))
    (note,) = sync(scripted)
    assert text in note
    assert "'team/app'" in note
    assert stored(scripted, repository) == repository.model_copy(update={"state": "archived"})


def test_reports_about_other_repositories_are_left_out(scripted: ScriptedHost) -> None:
    """Neither a repository of nobody, nor an unclaimed one, nor one a second time is changed."""
    repository = claimed(scripted, "team/app")
    unclaimed = create_repository(scripted.services, scripted.organization, "team/lib")[0]
    reports(
        report(unclaimed, name="stolen"),
        RepositoryUpdate(repository_id=factories.NOBODY, name="nobody"),
        report(repository, name="first"),
        report(repository, name="second"),
    )
    assert len(sync(scripted)) == 3
    assert (stored(scripted, repository).name, stored(scripted, unclaimed)) == ("first", unclaimed)


def test_repository_that_changed_hands_meanwhile_is_kept(scripted: ScriptedHost) -> None:
    """A report about a repository that was unclaimed during the call is dropped."""
    repository = claimed(scripted, "team/app")

    def unclaim(_repositories: Sequence[Repository]) -> list[RepositoryUpdate]:
        change_repository(scripted.services, scripted.organization, repository.id, {"integrationId": None})
        return [report(repository, name="late", state="deleted")]

    script.sync = unclaim
    sync(scripted)
    assert (stored(scripted, repository).name, stored(scripted, repository).state) == ("team/app", "active")


def test_name_of_a_user_is_kept_until_the_host_changes_its_own(scripted: ScriptedHost) -> None:
    """The plugin reports the host's name each time; only a new one replaces the name that a user gave."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, name="team/app"))
    change_repository(scripted.services, scripted.organization, repository.id, {"name": "Shop"})
    sync(scripted)
    assert stored(scripted, repository).name == "Shop"
    reports(report(repository, name="team/new"))
    sync(scripted)
    assert stored(scripted, repository).name == "team/new"
    assert found(scripted, "shop") == repository.id


def test_states_are_shown(scripted: ScriptedHost) -> None:
    """An archived repository works as before; one that the host deleted has a reason, and may come back."""
    repository = claimed(scripted, "team/app")
    shown = {}
    for state in ("archived", "deleted", "active"):
        reports(report(repository, state=state))
        sync(scripted)
        payload = serialize_repository(scripted.services, scripted.organization, stored(scripted, repository))
        shown[state] = payload.hostState, payload.idle is not None, payload.status
    assert shown == {
        "archived": ("archived", False, "active"),
        "deleted": ("deleted", True, "active"),
        "active": ("active", False, "active"),
    }


def test_hidden_repositories_are_compared_and_deleted_ones_are_not(scripted: ScriptedHost) -> None:
    """The plugin gets repositories that hold their name."""
    hidden, gone = claimed(scripted, "hidden"), claimed(scripted, "gone")
    with scripted.services.store.write() as tx:
        queries.update_repository(tx, scripted.organization.id, hidden.id, {"status": RepositoryStatus.HIDDEN.value})
        queries.schedule_deletion(tx, scripted.organization.id, gone.id, factories.NOW)
    got: list[str] = []

    def record(repositories: Sequence[Repository]) -> list[RepositoryUpdate]:
        got.extend(item.name for item in repositories)
        return []

    script.sync = record
    sync(scripted)
    assert got == ["hidden"]


def test_many_repositories_take_several_calls(scripted: ScriptedHost) -> None:
    """The plugin gets at most a hundred at once; counts and notes are those of all calls."""
    repositories = [claimed(scripted, f"r{number}") for number in range(BATCH + 2)]
    sizes: list[int] = []

    def archive(batch: Sequence[Repository]) -> list[RepositoryUpdate]:
        sizes.append(len(batch))
        return [report(item, state="archived", url="ftp://x") for item in batch]

    script.sync = archive
    notes = sync(scripted)
    assert sizes == [BATCH, 2]
    assert {stored(scripted, item).state for item in repositories} == {"archived"}
    assert (len(notes), notes[-1]) == (MAX_NOTES + 1, f"and {BATCH + 2 - MAX_NOTES} more")
    last = sync_status(scripted.services, scripted.organization, scripted.installation.id).last
    assert last is not None
    assert (last.checked, last.changed) == (BATCH + 2, BATCH + 2)


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (ProviderUnavailable("down"), "idle"),
        (ProviderError("no"), "idle"),
        (RateLimited("later", retry_after=600), "retrying"),
    ],
)
def test_failed_synchronization_is_tried_again(scripted: ScriptedHost, error: ProviderError, after: str) -> None:
    """The status has the fault until a later attempt succeeds. A host that asked for a pause is left alone."""
    repository = claimed(scripted, "team/app")

    def fail(_repositories: Sequence[Repository]) -> list[RepositoryUpdate]:
        raise error

    script.sync = fail
    request_sync(scripted.services, scripted.organization, scripted.installation.id)
    run_due_jobs(scripted.services)
    status = sync_status(scripted.services, scripted.organization, scripted.installation.id)
    assert (status.state, str(error) in str(status.fault), status.last) == ("retrying", True, None)
    reports(report(repository, state="archived"))
    run_due_jobs(replace(scripted.services, clock=clock_at(scripted.services, timedelta(minutes=2))))
    assert sync_status(scripted.services, scripted.organization, scripted.installation.id).state == after


def clock_at(services: Services, after: timedelta) -> SettableClock:
    clock = SettableClock()
    clock.time = services.clock.now() + after
    return clock


def test_plugin_without_the_hook(scripted: ScriptedHost) -> None:
    """The answer has the reason, and nothing is scheduled."""
    form = {"name": "team", "url": "https://git.example.com/"}
    custom = install_provider(scripted.services, scripted.organization, "custom_scm", form).installation
    status = request_sync(scripted.services, scripted.organization, custom.id)
    assert (status.state, "does not report changes" in str(status.fault)) == ("idle", True)
    assert run_due_jobs(scripted.services) == 0
    with pytest.raises(NotFound):
        sync_status(scripted.services, scripted.organization, factories.NOBODY)


def test_installations_are_due_once_in_an_interval(scripted: ScriptedHost) -> None:
    """The first time is spread over the interval; then each interval has one job, however often it is scheduled."""
    repository = claimed(scripted, "team/app")
    reports(report(repository, state="archived"))
    services = replace(scripted.services, clock=clock_at(scripted.services, timedelta()), sync_hours=10)
    assert isinstance(services.clock, SettableClock)
    assert [schedule_syncs(services), run_due_jobs(services)] == [0, 0]
    services.clock.turn(10 * 3600)
    assert [schedule_syncs(services), schedule_syncs(services), run_due_jobs(services)] == [1, 0, 1]
    assert stored(scripted, repository).state == "archived"
    services.clock.turn(8 * 3600)
    assert schedule_syncs(services) == 0
    services.clock.turn(2 * 3600)
    assert schedule_syncs(services) == 1


def test_interval_can_be_changed_and_ended(scripted: ScriptedHost) -> None:
    """Zero ends the schedule; a shorter interval counts from now on."""
    services = replace(scripted.services, clock=clock_at(scripted.services, timedelta()), sync_hours=0)
    assert isinstance(services.clock, SettableClock)
    yearly, hourly = replace(services, sync_hours=8_760), replace(services, sync_hours=1)
    assert schedule_syncs(yearly) == 0
    services.clock.turn(2 * 3600)
    assert [schedule_syncs(services), schedule_syncs(yearly), schedule_syncs(hourly)] == [0, 0, 1]
