"""Save the commits of a payload, and find those that are missing."""

from dataclasses import replace
from typing import Any

import pytest

import factories
from scmhost.commits.ingest import IngestedCommits, ingest_commits, missing_commits
from scmhost.infra.errors import InvalidInput
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.claim import create_repository
from scmhost.sdk import Repository
from scripted_host import ScriptedHost
from statement_count import recorded_statements


def entry(number: int, repository: str | None = "team/app", **fields: Any) -> dict[str, Any]:
    """A commit of a payload."""
    return {"id": factories.sha(number), "repository": repository, "message": f"Change {number}", **fields}


def ingest(scripted: ScriptedHost, *entries: dict[str, Any]) -> list[IngestedCommits]:
    return ingest_commits(scripted.services, scripted.organization, entries)[0]


def names(scripted: ScriptedHost) -> list[str]:
    """The names of all repositories."""
    with scripted.services.store.read() as tx:
        return [row.name for row in repository_queries.unclaimed(tx, scripted.organization.id, 100)]


def create(scripted: ScriptedHost, name: str, url: str | None = None) -> Repository:
    return create_repository(scripted.services, scripted.organization, name, url)[0]


def test_commits_create_their_repositories(scripted: ScriptedHost) -> None:
    """Unknown repositories are created, unclaimed; plugins are notified of new commits of each."""
    results = ingest(scripted, entry(1), entry(2), entry(3, "team/lib"))
    assert [(item.repository.name, len(item.saved.new), item.saved.known) for item in results] == [
        ("team/app", 2, 0),
        ("team/lib", 1, 0),
    ]
    assert names(scripted) == ["team/app", "team/lib"]
    assert scripted.script.saved == ["2 commits of acme/team/app", "1 commits of acme/team/lib"]


def test_same_commits_again_change_nothing(scripted: ScriptedHost) -> None:
    """Known commits are counted, nothing is written, and no plugin is notified."""
    ingest(scripted, entry(1), entry(2))
    before = factories.all_rows(scripted.services.store)
    scripted.script.saved.clear()
    (again,) = ingest(scripted, entry(1), entry(2))
    assert (again.saved.new, again.saved.known) == ((), 2)
    assert factories.all_rows(scripted.services.store) == before
    assert scripted.script.saved == []


def test_two_names_of_one_repository_are_one_result(scripted: ScriptedHost) -> None:
    """A name and the path of the URL may mean the same repository."""
    repository = create(scripted, "app", "https://git.example.com/Team/App")
    (result,) = ingest(scripted, entry(1, "app"), entry(2, "team/app"))
    assert result.repository == repository
    assert sorted(result.saved.new) == [factories.sha(1), factories.sha(2)]


def test_commits_without_a_repository_have_one_of_the_organization(scripted: ScriptedHost) -> None:
    """The name is that of Sentry."""
    (result,) = ingest(scripted, entry(1, None))
    assert result.repository.name == f"organization-{scripted.organization.id}"


def test_remote_name_means_the_only_repository(scripted: ScriptedHost) -> None:
    """``origin`` is the name of a git remote, not of a repository."""
    repository = create(scripted, "team/app")
    (result,) = ingest(scripted, entry(1, "origin"))
    assert (result.repository, result.is_placeholder) == (repository, False)
    assert names(scripted) == ["team/app"]


def test_remote_name_means_the_repository_that_has_a_commit(scripted: ScriptedHost) -> None:
    """Of several repositories it is the one that has one of the commits."""
    create(scripted, "team/app")
    lib = create(scripted, "team/lib")
    ingest(scripted, entry(1, "team/lib"))
    (result,) = ingest(scripted, entry(2, "origin"), entry(1, "origin"))
    assert (result.repository, result.is_placeholder) == (lib, False)


def test_remote_name_goes_into_a_placeholder_if_several_are_possible(scripted: ScriptedHost) -> None:
    """The commits are kept, and a note explains what to do."""
    create(scripted, "team/app")
    create(scripted, "team/lib")
    (result,), notes = ingest_commits(scripted.services, scripted.organization, [entry(1, "origin")])
    assert (result.repository.name, result.is_placeholder) == ("origin", True)
    (note,) = notes
    assert "SENTRY_VCS_REMOTE" in note
    assert f"repos/{result.repository.id}/" in note


def test_too_many_commits_are_refused(scripted: ScriptedHost) -> None:
    """The error names the limit, and nothing is saved."""
    limits = scripted.services.limits.model_copy(update={"commits_per_request": 2})
    services = replace(scripted.services, limits=limits)
    ingest_commits(services, scripted.organization, [entry(1), entry(2)])
    with pytest.raises(InvalidInput, match=r"limits\.commits_per_request"):
        ingest_commits(services, scripted.organization, [entry(3), entry(4), entry(5)])


def test_too_many_repositories_are_refused(scripted: ScriptedHost) -> None:
    """Commits of more repositories than the limit allows are refused, and names in other letters are one."""
    limits = scripted.services.limits.model_copy(update={"repositories_per_request": 2})
    services = replace(scripted.services, limits=limits)
    ingest_commits(services, scripted.organization, [entry(1, "a"), entry(2, "A"), entry(3, "b")])
    with pytest.raises(InvalidInput, match=r"limits\.repositories_per_request") as caught:
        ingest_commits(services, scripted.organization, [entry(4, "a"), entry(5, "b"), entry(6, "c")])
    assert caught.value.field == "commits"
    assert names(scripted) == ["a", "b"]


def test_cost_of_new_repositories_is_linear(scripted: ScriptedHost) -> None:
    """Each further repository costs the same number of statements, however many there are."""
    # The first request of an organization counts its rows for the quota.
    ingest(scripted, entry(1, "first"))
    counts = []
    for size in (2, 12, 22):
        with recorded_statements(scripted.services.store) as statements:
            ingest(scripted, *[entry(number, f"of-{size}/{number}") for number in range(1, size + 1)])
        counts.append(len(statements))
    assert counts[2] - counts[1] == counts[1] - counts[0] <= 80


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"id": ""},
        {"id": "a\x00b"},
        {"id": 7},
        {"id": "a" * 65},
        {"id": "\ud800"},
        {"id": "a" * 40, "timestamp": "yesterday"},
        {"id": "a" * 40, "repository": "a" * 201},
        {"id": "a" * 40, "repository": "a\nb"},
        {"id": "a" * 40, "message": ["text"]},
    ],
)
def test_one_bad_entry_refuses_all(scripted: ScriptedHost, bad: dict[str, Any]) -> None:
    """Nothing of the request is saved, not even the repositories of the other commits."""
    before = factories.all_rows(scripted.services.store)
    with pytest.raises(InvalidInput):
        ingest(scripted, entry(1), bad)
    assert factories.all_rows(scripted.services.store) == before


@pytest.mark.parametrize("patch_set", [{}, "x", [1], [{"path": ""}], [{"path": "a\x00"}], [{"path": "a", "type": "Z"}]])
def test_odd_file_changes_are_noted(scripted: ScriptedHost, patch_set: Any) -> None:
    """The commit is saved, and a note names it."""
    (result,), notes = ingest_commits(scripted.services, scripted.organization, [entry(1, patch_set=patch_set)])
    assert result.saved.new == (factories.sha(1),)
    assert [factories.sha(1) in note for note in notes] == [True]


def test_nothing_is_saved_for_no_commits(scripted: ScriptedHost) -> None:
    """An empty list is accepted."""
    assert ingest_commits(scripted.services, scripted.organization, []) == ([], ())


def test_missing_commits(scripted: ScriptedHost) -> None:
    """Unknown shas are returned in their order; of an unknown repository all are unknown."""
    ingest(scripted, entry(1), entry(2))
    shas = [factories.sha(number) for number in (3, 2, 4, 1)]

    def missing(repository: str) -> list[str]:
        return missing_commits(scripted.services, scripted.organization, repository, shas)

    assert missing("TEAM/app") == [factories.sha(3), factories.sha(4)]
    shas *= 2
    assert missing("TEAM/app") == [factories.sha(3), factories.sha(4)]
    del shas[4:]
    assert missing("unknown") == shas
    assert names(scripted) == ["team/app"]
