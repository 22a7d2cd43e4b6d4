"""Set the refs of a release."""

from datetime import timedelta

import pytest

from api import commit
from factories import all_rows, sha
from plugins import historian
from release_host import ReleaseHost
from scmhost.infra.db import jobs
from scmhost.infra.errors import InvalidInput
from scmhost.releases.manage import RefDraft
from statement_count import recorded_statements

A, B, C = "a" * 40, "b" * 40, "c" * 40
MOST_STATEMENTS = 30


def claimed(host: ReleaseHost, name: str = "team/app") -> None:
    host.add_repository(name, "historian", host.install("historian"))


@pytest.mark.parametrize(
    ("ref", "head"),
    [
        (RefDraft("team/app", A), (A, None)),
        (RefDraft("team/app", A, B), (A, B)),
        (RefDraft("team/app", A, ""), (A, None)),
        (RefDraft("team/app", f"{B}..{A}"), (A, B)),
        (RefDraft("team/app", f"{B}..{A}", C), (A, B)),
        (RefDraft("team/app", "v1.2"), ("v1.2", None)),
        (RefDraft("TEAM/App", A), (A, None)),
    ],
)
def test_ref_sets_the_head(host: ReleaseHost, ref: RefDraft, head: tuple[str, str | None]) -> None:
    """A ref is a commit, a tag or a range; the base of a range is preferred to the previous commit."""
    claimed(host)
    host.create(refs=[ref])
    assert host.refs() == [("team/app", *head)]


def test_last_ref_of_a_repository_counts(host: ReleaseHost) -> None:
    """Both requests of refs and refs in one request replace each other."""
    claimed(host)
    host.create(refs=[RefDraft("team/app", A), RefDraft("TEAM/APP", B, C)])
    assert host.refs() == [("team/app", B, C)]
    host.change(refs=[RefDraft("team/app", C)])
    assert host.refs() == [("team/app", C, None)]
    assert len(host.fetches()) == 1


def test_bare_commit_is_saved_for_a_sha_only(host: ReleaseHost) -> None:
    """A tag is not a commit."""
    claimed(host)
    host.create(refs=[RefDraft("team/app", "v1.2")])
    assert all_rows(host.services.store)["commits"] == []
    host.change(refs=[RefDraft("team/app", A)])
    assert len(all_rows(host.services.store)["commits"]) == 1


def test_all_unknown_repositories_are_named(host: ReleaseHost) -> None:
    """Each name is written as it was sent, in the order of the refs, and once."""
    claimed(host)
    refs = [RefDraft(name, A) for name in ("B", "team/app", "a", "B")]
    with pytest.raises(InvalidInput, match=r"^Invalid repository names: B,a$"):
        host.create(refs=refs)


def test_each_ref_has_a_note_about_its_commits(host: ReleaseHost) -> None:
    """There is a note for each ref, in the order of the refs."""
    claimed(host)
    host.add_repository("team/free")
    host.add_repository("team/own", "custom_scm", host.install("custom_scm"))
    names = ["team/own", "team/app", "team/free", "team/app"]
    own, fetched, free, again = host.create(refs=[RefDraft(name, A) for name in names]).notes
    assert "Of repository 'team/own' only the ref is kept: its provider CustomSCM cannot list" in own
    assert "The commits of repository 'team/app' are fetched from its provider" in fetched
    assert again == fetched
    assert "Of repository 'team/free' only the ref is kept: it is unclaimed" in free
    assert host.get().notes == (fetched,)


def test_fetches_run_in_the_order_of_the_refs(host: ReleaseHost) -> None:
    """Jobs of one request become due one after the other, in any order of the repositories."""
    installation = host.install("historian")
    ids = {name: host.add_repository(name, "historian", installation).id for name in ("a", "b", "c", "d")}
    order = ["c", "a", "d", "b"]
    host.create(refs=[RefDraft(name, A) for name in order])
    now = host.services.clock.now()
    with host.services.store.write() as tx:
        leased = [jobs.lease(tx, now, now + timedelta(minutes=1)) for _ in range(5)]
    assert [job and job.payload["repository"] for job in leased] == [*(ids[name] for name in order), None]


def test_sent_commits_are_not_fetched(host: ReleaseHost) -> None:
    """A ref wins over the commits of the same request, which make a fetch unnecessary."""
    claimed(host)
    saved = host.create(commits=[commit(A), commit(B)], refs=[RefDraft("team/app", B)])
    assert saved.notes == ()
    assert host.fetches() == []
    assert host.refs() == [("team/app", B, None)]
    assert set(host.shas()) == {A, B}


def test_provider_that_is_off_is_reported(host: ReleaseHost) -> None:
    """A repository of a provider that no plugin offers keeps its ref, and the note has the reason."""
    host.add_repository("team/gone", "gone", host.install("gone"))
    (note,) = host.create(refs=[RefDraft("team/gone", A)]).notes
    assert "its provider is off (no installed plugin offers 'gone')" in note


@pytest.mark.parametrize("exists", [False, True], ids=["new release", "known release"])
def test_hundred_repositories_take_few_statements(host: ReleaseHost, *, exists: bool) -> None:
    """A hundred refs over as many repositories of two providers take few statements, and all of them are saved."""
    ours, theirs = host.install("historian"), host.install("custom_scm")
    providers = [("historian", ours), ("custom_scm", theirs), (None, None)]
    for number in range(100):
        host.add_repository(f"team/{number}", *providers[number % 3])
    if exists:
        host.create()
    refs = [RefDraft(f"TEAM/{number}", sha(number), sha(1_000 + number)) for number in reversed(range(100))]
    with recorded_statements(host.services.store) as statements:
        notes = (host.change(refs=refs) if exists else host.create(refs=refs)).notes
    assert len(statements) <= MOST_STATEMENTS
    assert len(notes) == 100
    for number, note in zip(reversed(range(100)), notes, strict=True):
        assert f"'team/{number}'" in note
        assert ("are fetched" in note, "CustomSCM" in note, "unclaimed" in note) == tuple(
            number % 3 == kind for kind in range(3)
        )
    assert sorted(host.refs()) == sorted((f"team/{number}", sha(number), sha(1_000 + number)) for number in range(100))
    assert len(host.fetches()) == 34
    assert len(all_rows(host.services.store)["commits"]) == 100


def test_hundred_refs_of_one_repository_take_few_statements(host: ReleaseHost) -> None:
    """The last ref is the head; each commit is saved, and the last one is the newest."""
    claimed(host)
    refs = [RefDraft("team/app", sha(number)) for number in range(100)]
    with recorded_statements(host.services.store) as statements:
        notes = host.create(refs=refs).notes
    assert len(statements) <= MOST_STATEMENTS
    assert len(notes) == 100
    assert len(set(notes)) == 1
    assert host.refs() == [("team/app", sha(99), None)]
    assert len(host.fetches()) == 1
    assert len(all_rows(host.services.store)["commits"]) == 100
    assert historian.requests == []
