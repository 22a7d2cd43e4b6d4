"""Show commits with their pages."""

import sqlite3

import pytest

import factories
from scmhost.commits.ingest import ingest_commits
from scmhost.commits.schemas import shown_commits
from scmhost.commits.show import ShownCommit, commits_of_repository
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
from scmhost.repositories.claim import add_repository
from scmhost.repositories.manage import change_repository
from scmhost.sdk import AddRequest, NoUrl, ProviderUnavailable, Repository, RepositoryStatus
from scripted_host import ScriptedHost


@pytest.fixture
def repository(scripted: ScriptedHost) -> Repository:
    """A claimed repository with two commits."""
    request = AddRequest(identifier="team/app", fields={})
    saved = add_repository(
        scripted.services, scripted.organization, "scripted", scripted.installation.id, request
    ).saved
    entries = [{"id": factories.sha(number), "repository": "team/app"} for number in (2, 1)]
    ingest_commits(scripted.services, scripted.organization, entries)
    return saved


def commits(scripted: ScriptedHost, repository: Repository) -> list[ShownCommit]:
    return list(commits_of_repository(scripted.services, scripted.organization, repository.id, PageQuery()).items)


def urls(scripted: ScriptedHost, repository: Repository) -> list[str | None]:
    return [commit.url for commit in commits(scripted, repository)]


def test_commits_have_pages(scripted: ScriptedHost, repository: Repository) -> None:
    """The newest is first, with the URL that the plugin builds."""
    assert urls(scripted, repository) == [f"https://forge.example/{factories.sha(number)}" for number in (2, 1)]


def test_commits_of_a_hidden_repository_stay_readable(scripted: ScriptedHost, repository: Repository) -> None:
    """A hidden repository shows the same commits."""
    before = len(commits(scripted, repository))
    change_repository(scripted.services, scripted.organization, repository.id, {"status": RepositoryStatus.HIDDEN})
    assert len(commits(scripted, repository)) == before == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://forge.example/\ud800",
        "javascript:alert(1)",
        "https://user:secret@forge.example/",
        "/relative",
        "",
        NoUrl(message="none"),
        None,
        7,
        RuntimeError("broken"),
        ProviderUnavailable("later"),
    ],
)
def test_bad_page_affects_its_commit_only(scripted: ScriptedHost, repository: Repository, url: object) -> None:
    """A commit whose page cannot be built or shown has none; the others keep theirs."""

    def build(_repository: Repository, sha: str) -> str:
        if sha != factories.sha(2):
            return "https://forge.example/good"
        if isinstance(url, Exception):
            raise url
        return url  # type: ignore[return-value]

    scripted.script.commit_url = build
    assert urls(scripted, repository) == [None, "https://forge.example/good"]


def test_stored_half_of_a_surrogate_pair_affects_no_answer(scripted: ScriptedHost, repository: Repository) -> None:
    """Configuration that another version or an editor of the database stored may hold it."""
    connection = sqlite3.connect(scripted.folder / "test.db")
    connection.execute("UPDATE repositories SET configuration = ?", ('{"key": "\\ud800"}',))
    connection.commit()
    connection.close()
    shown = commits(scripted, repository)
    assert [commit.url is not None for commit in shown] == [True, True]
    for answer in shown_commits(scripted.services, scripted.organization, shown):
        assert answer.model_dump_json()


def test_unknown_repository_is_not_found(scripted: ScriptedHost) -> None:
    """The error names the id."""
    with pytest.raises(NotFound, match=str(factories.NOBODY)):
        commits_of_repository(scripted.services, scripted.organization, factories.NOBODY, PageQuery())
