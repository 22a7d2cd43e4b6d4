"""Fetch the commits of a ref from the provider."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from api import commit
from factories import sha
from plugins import historian
from release_host import ReleaseHost
from scmhost.infra.db import jobs
from scmhost.infra.db.jobs import QueuedJob
from scmhost.releases.fetch import FetchBlocked, fetch_commits
from scmhost.releases.manage import RefDraft, delete_release
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitDraft, CommitPage, ProviderUnavailable, Repository, ResolvedRef

A, B, C = "a" * 40, "b" * 40, "c" * 40
"""``C`` is the commit that the provider lists before every head."""


@pytest.fixture
def repository(host: ReleaseHost) -> Repository:
    """A repository of a provider that lists commits."""
    return host.add_repository("team/app", "historian", host.install("historian"))


def lease(host: ReleaseHost) -> QueuedJob:
    """Return the fetch that is due."""
    now = host.services.clock.now()
    with host.services.store.write() as tx:
        job = jobs.lease(tx, now, now + timedelta(minutes=1))
    assert job is not None
    return job


def fetch(host: ReleaseHost, ref: RefDraft | None = None, version: str = "1.0") -> None:
    """Set a ref, and run its fetch."""
    host.create(version, refs=[ref or RefDraft("team/app", A)])
    fetch_commits(host.services, lease(host))


@pytest.mark.usefixtures("repository")
def test_fetched_commits_are_those_of_the_release(host: ReleaseHost) -> None:
    """They are listed newest first, and the job is gone."""
    fetch(host)
    view = host.get()
    assert host.shas() == [A, C]
    assert view.last_commit is not None
    assert (view.last_commit.commit.sha, view.last_commit.commit.issue_ids) == (A, ("SHOP-12",))
    assert (view.notes, host.fetches()) == ((), [])


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("ref", "base"),
    [(RefDraft("team/app", A), None), (RefDraft("team/app", A, B), B), (RefDraft("team/app", f"{B}..{A}"), B)],
)
def test_base_comes_from_the_ref(host: ReleaseHost, ref: RefDraft, base: str | None) -> None:
    """A range or a previous commit is the base; without one the provider gets none."""
    fetch(host, ref)
    assert historian.requests == [(base, A)]


@pytest.mark.usefixtures("repository")
def test_base_comes_from_the_release_before(host: ReleaseHost) -> None:
    """A ref without a base continues the last release of the project."""
    fetch(host, RefDraft("team/app", B), "1.0")
    fetch(host, RefDraft("team/app", A), "2.0")
    assert historian.requests == [(None, B), (B, A)]


@pytest.mark.usefixtures("repository")
def test_fetched_commits_join_those_of_several_projects(host: ReleaseHost) -> None:
    """A release of one project has its list replaced, one of several projects keeps it."""
    host.create("1.0", commits=[commit(B)])
    fetch(host, version="1.0")
    assert set(host.shas("1.0")) == {A, C}
    host.add_project("api")
    host.create("2.0", projects=["api", "web"], commits=[commit(B)])
    fetch(host, version="2.0")
    assert set(host.shas("2.0")) == {A, B, C}


@pytest.mark.usefixtures("repository")
def test_failure_of_the_provider_is_raised(host: ReleaseHost) -> None:
    """The job stays, so that it can be tried again, and the release keeps its ref."""
    with pytest.raises(ProviderUnavailable, match="the archive is closed"):
        fetch(host, RefDraft("team/app", historian.UNREACHABLE))
    assert len(host.fetches()) == 1
    assert host.shas() == []
    assert host.refs() == [("team/app", historian.UNREACHABLE, None)]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("failed", [False, True])
def test_failure_is_a_note_of_the_release(host: ReleaseHost, *, failed: bool) -> None:
    """The note has the next attempt, or that there is none; setting the ref again schedules a new fetch."""
    host.create(refs=[RefDraft("team/app", A)])
    with host.services.store.write() as tx:
        (job,) = host.fetches()
        if failed:
            jobs.fail(tx, job, "it broke.")
        else:
            jobs.retry(tx, job, host.services.clock.now(), "it broke.")
    (note,) = host.get().notes
    assert note.count(".") == (2 if failed else 1)
    assert ("could not be fetched: it broke. Set the ref again" in note) == failed
    assert ("will be tried again: it broke." in note) == (not failed)
    host.change(refs=[RefDraft("team/app", A)])
    assert "are fetched" in host.get().notes[0]


def test_job_without_its_rows_is_finished(host: ReleaseHost, repository: Repository) -> None:
    """A release or a repository that was deleted meanwhile needs no commits, and the provider is not called."""
    host.create(refs=[RefDraft("team/app", A)])
    delete_release(host.services, host.organization, "1.0")
    fetch_commits(host.services, lease(host))
    host.create("2.0", refs=[RefDraft("team/app", A)])
    job = lease(host)
    with host.services.store.write() as tx:
        repository_queries.update_repository(
            tx, host.organization.id, repository.id, {"provider": None, "installation_id": None, "external_id": None}
        )
    fetch_commits(host.services, job)
    assert (historian.requests, host.fetches()) == ([], [])


@pytest.mark.usefixtures("repository")
def test_ref_that_was_set_again_is_fetched_by_its_own_job(host: ReleaseHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of the older job is dropped."""
    calls = host.services.plugins.calls("historian")
    assert calls is not None
    compare = type(calls).compare_commits

    def set_again(self: object, *args: object) -> CommitPage:
        monkeypatch.undo()
        host.change(refs=[RefDraft("team/app", B)])
        return compare(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(calls), "compare_commits", set_again)
    fetch(host)
    assert (host.shas(), host.refs()) == ([], [("team/app", B, None)])
    fetch_commits(host.services, lease(host))
    assert host.shas() == [B, C]


@pytest.fixture
def resolved(host: ReleaseHost, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Let the provider resolve every ref to ``B``, and record the refs."""
    calls = host.services.plugins.calls("historian")
    assert calls is not None
    refs: list[str | None] = []

    def resolve_ref(_self: object, _installation: object, _repository: object, ref: str | None) -> ResolvedRef:
        refs.append(ref)
        return ResolvedRef(name="v1.2", sha=B, kind="tag")

    monkeypatch.setattr(type(calls), "resolve_ref", resolve_ref)
    return refs


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("ref", "head"), [("v1.2", B), ("HEAD", "HEAD"), (A, A)])
def test_tag_is_resolved(host: ReleaseHost, resolved: list[str | None], ref: str, head: str) -> None:
    """The release keeps the commit of a tag. The sender's HEAD and a sha are not resolved."""
    fetch(host, RefDraft("team/app", ref, C))
    assert host.refs() == [("team/app", head, C)]
    assert historian.requests == [(C, head)]
    assert resolved == ([ref] if ref == "v1.2" else [])


def test_provider_that_is_off_blocks_the_fetch(host: ReleaseHost, repository: Repository) -> None:
    """The reason is in the error, and the job stays."""
    host.create(refs=[RefDraft("team/app", A)])
    job = lease(host)
    with host.services.store.write() as tx:
        changes = {"provider": "custom_scm", "installation_id": repository.installation_id}
        repository_queries.update_repository(tx, host.organization.id, repository.id, changes)
    with pytest.raises(FetchBlocked, match="its provider CustomSCM cannot list"):
        fetch_commits(host.services, job)
    assert (historian.requests, len(host.fetches())) == ([], 1)


@pytest.mark.usefixtures("repository")
def test_fetched_commits_are_limited(host: ReleaseHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that lists more commits than a request may have keeps the newest."""
    calls = host.services.plugins.calls("historian")
    assert calls is not None
    most = host.services.limits.commits_per_request
    page = CommitPage(commits=tuple(CommitDraft(sha=sha(number)) for number in range(most + 1)))
    monkeypatch.setattr(type(calls), "compare_commits", lambda *_: page)
    fetch(host)
    assert host.get().release.commit_count == most


@pytest.mark.usefixtures("repository")
def test_what_a_provider_leaves_out_is_a_note(host: ReleaseHost) -> None:
    """Of commits and of changed files; the log has the numbers. A later fetch without a cut removes the note."""
    with capture_logs() as logs:
        fetch(host, RefDraft("team/app", historian.CUT))
    (note,) = host.get().notes
    assert "left out at least 5 older ones" in note
    assert "The changed files of 1 commits of repository 'team/app' are not known" in note
    [log] = [log for log in logs if log["event"] == "fetched commits left out"]
    assert (log["fetched"], log["kept"], log["unlisted"], log["without_changes"]) == (1, 1, 5, 1)
    fetch(host)
    assert host.get().notes == ()
