"""Create, list, change and delete repositories, and uninstall."""

from datetime import timedelta
from typing import Any

import pytest

import factories
from scmhost.audit import queries as audit_queries
from scmhost.commits.ingest import ingest_commits
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.alias_queries import address_of, path_of
from scmhost.repositories.claim import MAX_NAME, add_repository, create_repository
from scmhost.repositories.manage import (
    GRACE,
    change_repository,
    delete_repository,
    get_repository,
    list_repositories,
    uninstall,
)
from scmhost.sdk import AddRequest, Repository, RepositoryStatus
from scripted_host import ScriptedHost

URL = "https://git.example.com/team/app"


def create(scripted: ScriptedHost, name: str = "team/app", url: str | None = None) -> Repository:
    return create_repository(scripted.services, scripted.organization, name, url)[0]


def claimed(scripted: ScriptedHost, name: str = "team/app") -> Repository:
    request = AddRequest(identifier=str(create(scripted, name).id), fields={})
    return add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request).saved


def change(scripted: ScriptedHost, repository: Repository, **changes: Any) -> Repository:
    return change_repository(scripted.services, scripted.organization, repository.id, changes)


def delete(scripted: ScriptedHost, repository: Repository) -> Repository:
    return delete_repository(scripted.services, scripted.organization, repository.id)


def actions(scripted: ScriptedHost) -> list[str]:
    """The actions in the audit log, in their order."""
    with scripted.services.store.read() as tx:
        rows = audit_queries.page(tx, scripted.organization.id, PageQuery(), action=None, actor_id=None).items
    return [row.action for row in reversed(rows)]


def test_new_repository_is_unclaimed_and_active(scripted: ScriptedHost) -> None:
    """A new repository is unclaimed and active; plugins are notified once."""
    saved, created = create_repository(scripted.services, scripted.organization, "  team/app ", f" {URL} ")
    assert created
    assert saved == scripted.repository(saved.id)
    assert (saved.name, saved.url, saved.unclaimed, saved.status) == ("team/app", URL, True, "active")
    assert create_repository(scripted.services, scripted.organization, "TEAM/app", URL) == (saved, False)
    assert create_repository(scripted.services, scripted.organization, "team/app") == (saved, False)
    assert scripted.script.saved == ["repository team/app"]
    assert actions(scripted).count("repository.add") == 1


def test_same_name_with_another_url_conflicts(scripted: ScriptedHost) -> None:
    """The URL of an existing repository is not replaced silently."""
    create(scripted, url=URL)
    with pytest.raises(Conflict, match="another URL"):
        create(scripted, url="https://other.example/team/app")


@pytest.mark.parametrize(
    ("name", "url", "field"),
    [
        ("", None, "name"),
        (" ", None, "name"),
        ("a\x00b", None, "name"),
        ("a\nb", None, "name"),
        ("a" * (MAX_NAME + 1), None, "name"),
        ("app", "not a url", "url"),
        ("app", "javascript:alert(1)", "url"),
        ("app", "ssh://git@git.example.com/app", "url"),
        ("app", "https://user:secret@git.example.com/app", "url"),
    ],
)
def test_bad_name_or_url_is_refused(scripted: ScriptedHost, name: str, url: str | None, field: str) -> None:
    """The error names the field, for a new repository and for a change."""
    with pytest.raises(InvalidInput) as created:
        create(scripted, name, url)
    repository = create(scripted, "known")
    with pytest.raises(InvalidInput) as changed:
        change(scripted, repository, **({"name": name} if field == "name" else {"url": url}))
    assert (created.value.field, changed.value.field) == (field, field)
    assert scripted.repository(repository.id) == repository


def test_change_name_and_url(scripted: ScriptedHost) -> None:
    """Absent fields stay as they are; a blank URL removes it. A change is recorded, no change is not."""
    repository = create(scripted, url=URL)
    assert change(scripted, repository, name="team/web").url == URL
    assert change(scripted, repository, url=" ").url is None
    before = actions(scripted)
    saved = change(scripted, repository, name="team/web")
    assert (saved.name, saved.url) == ("team/web", None)
    assert actions(scripted) == before
    assert before[-2:] == ["repository.edit", "repository.edit"]


def test_taken_name_conflicts(scripted: ScriptedHost) -> None:
    """A name that another repository has, in any case, is refused."""
    repository = create(scripted, "one")
    create(scripted, "two")
    with pytest.raises(Conflict, match="has that name"):
        change(scripted, repository, name="TWO")
    assert scripted.repository(repository.id) == repository


def test_hide_and_show(scripted: ScriptedHost) -> None:
    """A hidden repository keeps its data and is restored unchanged."""
    repository = claimed(scripted)
    hidden = change(scripted, repository, status=RepositoryStatus.HIDDEN)
    assert hidden == repository.model_copy(update={"status": RepositoryStatus.HIDDEN})
    assert change(scripted, repository, status=RepositoryStatus.ACTIVE) == repository


def test_unclaim_and_claim_again(scripted: ScriptedHost) -> None:
    """A null installation is an unclaim; an id gives the repository to that installation."""
    repository = claimed(scripted)
    free = change(scripted, repository, integrationId=None)
    assert (free.unclaimed, free.provider, free.installation_id) == (True, None, None)
    again = change(scripted, repository, integrationId=scripted.installation.id)
    assert (again.provider, again.installation_id) == ("scripted", scripted.installation.id)
    assert actions(scripted)[-2:] == ["repository.unclaim", "repository.claim"]


def test_unknown_installation_is_refused(scripted: ScriptedHost) -> None:
    """The text is that of Sentry's API."""
    with pytest.raises(InvalidInput, match="Invalid integration id"):
        change(scripted, create(scripted), integrationId=factories.NOBODY)


def test_repository_without_commits_is_due_now(scripted: ScriptedHost) -> None:
    """There is nothing to lose, so no time of grace. A second deletion changes nothing."""
    repository = create(scripted)
    waiting = delete(scripted, repository)
    assert waiting.status is RepositoryStatus.PENDING_DELETION
    assert delete(scripted, repository) == waiting
    now = scripted.services.clock.now()
    with scripted.services.store.read() as tx:
        assert repository_queries.is_due(tx, scripted.organization.id, repository.id, now)
    assert actions(scripted).count("repository.delete") == 1


def test_repository_with_commits_waits(scripted: ScriptedHost) -> None:
    """It is due after the time of grace."""
    repository = create(scripted)
    ingest_commits(scripted.services, scripted.organization, [{"id": "a" * 40, "repository": "team/app"}])
    delete(scripted, repository)
    now = scripted.services.clock.now()
    with scripted.services.store.read() as tx:
        due = [
            repository_queries.is_due(tx, scripted.organization.id, repository.id, now + wait)
            for wait in (timedelta(), GRACE - timedelta(minutes=1), GRACE)
        ]
    assert due == [False, False, True]


def test_active_status_cancels_the_deletion(scripted: ScriptedHost) -> None:
    """Other statuses do not; the repository is restored unchanged."""
    repository = claimed(scripted)
    delete(scripted, repository)
    assert change(scripted, repository, status=RepositoryStatus.HIDDEN).status is RepositoryStatus.PENDING_DELETION
    assert change(scripted, repository, status=RepositoryStatus.ACTIVE) == repository


def test_deletion_cannot_be_cancelled_when_the_name_is_taken(scripted: ScriptedHost) -> None:
    """A repository whose deletion is scheduled leaves its name to others."""
    repository = create(scripted)
    delete(scripted, repository)
    create(scripted)
    with pytest.raises(Conflict, match="has that name"):
        change(scripted, repository, status=RepositoryStatus.ACTIVE)


def test_repository_in_deletion_cannot_be_changed(scripted: ScriptedHost) -> None:
    """Once the deletion has begun, it is too late."""
    repository = create(scripted)
    with scripted.services.store.write() as tx:
        fields = {"status": RepositoryStatus.DELETION_IN_PROGRESS.value}
        repository_queries.update_repository(tx, scripted.organization.id, repository.id, fields)
    with pytest.raises(Conflict, match="being deleted"):
        change(scripted, repository, name="other")


def test_uninstall_unclaims(scripted: ScriptedHost) -> None:
    """The repositories of a removed installation stay, with their commits, and become unclaimed."""
    repository = claimed(scripted)
    uninstall(scripted.services, scripted.organization, scripted.installation.id)
    saved = get_repository(scripted.services, scripted.organization, repository.id)
    assert (saved.unclaimed, saved.name, saved.url) == (True, repository.name, repository.url)
    with pytest.raises(NotFound, match=str(scripted.installation.id)):
        uninstall(scripted.services, scripted.organization, scripted.installation.id)
    assert actions(scripted)[-1] == "integration.remove"


def test_list_by_part_of_the_name_and_status(scripted: ScriptedHost) -> None:
    """The filters are combined; the list is in the order of names."""
    for name in ("b-app", "A-app", "lib"):
        create(scripted, name)
    hidden = change(scripted, create(scripted, "c-app"), status=RepositoryStatus.HIDDEN)
    held = claimed(scripted, "d-app")

    def names(**filters: Any) -> list[str]:
        page = list_repositories(scripted.services, scripted.organization, PageQuery(), **filters)
        return [repository.name for repository in page.items]

    assert names(query="APP") == ["A-app", "b-app", "c-app", "d-app"]
    assert names(statuses={RepositoryStatus.HIDDEN}) == [hidden.name]
    assert names(installation_id=scripted.installation.id) == [held.name]
    assert names(query="%") == []


@pytest.mark.parametrize("id_", [0, -1, factories.NOBODY, 2**60])
def test_unknown_repository_is_not_found(scripted: ScriptedHost, id_: int) -> None:
    """Reading, changing and deleting name the id that is unknown."""
    services, organization = scripted.services, scripted.organization
    with pytest.raises(NotFound, match=str(id_)):
        get_repository(services, organization, id_)
    with pytest.raises(NotFound, match=str(id_)):
        change_repository(services, organization, id_, {"name": "app"})
    with pytest.raises(NotFound, match=str(id_)):
        delete_repository(services, organization, id_)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Git.Example.com/Team/App.git", "git.example.com/team/app"),
        ("https://git.example.com:8443/team/app/", "git.example.com/team/app"),
        ("https://git.example.com", "git.example.com/"),
        ("team/app", ""),
        ("", ""),
        ("https://[broken/team/app", ""),
    ],
)
def test_addresses_are_compared_without_case_and_suffix(url: str, address: str) -> None:
    """Text that is not a URL has an empty address and no path."""
    assert address_of(url) == address
    assert path_of(url) == address.partition("/")[2]
