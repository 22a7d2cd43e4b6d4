"""Refs, commits with their files, and the content of files, of a real repository behind a fake GitLab."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_hosts.base import Reply, rate_limit, slow, status
from fake_hosts.repository import EMPTY, BareRepository, history
from gitlab_calls import GitLabCalls
from scmhost.sdk import (
    MAX_FILE_BYTES,
    CommitDraft,
    CommitPage,
    Existence,
    Location,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    ResolvedRef,
)
from scmhost_gitlab.history import line_ranges


@pytest.fixture
def project(gitlab: GitLabCalls) -> BareRepository:
    """A project with three commits, two branches and two tags."""
    made = gitlab.project()
    first = made.commit({"src/cart.py": "one\n", "src/gone.py": "1\n"}, "First\n\nWith a body")
    made.tag("v1.0", first)
    made.commit({"src/cart.py": "one\ntwo\n", "src/gone.py": None}, "Second", author=("Bob", "bob@example.com"))
    made.commit({"a b/ü#?.py": "odd\n"}, "Third")
    made.tag("v2.0", message="Two")
    made.commit({"src/cart.py": "topic\n"}, "Topic", branch="feature/new")
    return made


def shas(project: BareRepository, ref: str = "main") -> list[str]:
    return [commit.sha for commit in project.log(ref)]


# Refs.


def resolve(gitlab: GitLabCalls, project: BareRepository, ref: str | None) -> ResolvedRef | None:
    found = gitlab.call("scm_resolve_ref", repository=gitlab.stored(project), ref=ref)
    assert found is None or isinstance(found, ResolvedRef)
    return found


@pytest.mark.parametrize(
    ("ref", "name", "kind", "at"),
    [
        (None, "main", "branch", "main"),
        ("HEAD", "main", "branch", "main"),
        ("main", "main", "branch", "main"),
        ("feature/new", "feature/new", "branch", "feature/new"),
        ("v1.0", "v1.0", "tag", "v1.0"),
        ("v2.0", "v2.0", "tag", "v2.0"),
    ],
)
def test_a_name_is_resolved(
    gitlab: GitLabCalls, project: BareRepository, ref: str | None, name: str, kind: str, at: str
) -> None:
    """A branch or a tag, annotated or not, has the commit that it refers to; without a ref the default branch."""
    found = resolve(gitlab, project, ref)
    assert found is not None
    assert (found.name, found.kind, found.sha) == (name, kind, shas(project, at)[0])


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_commit_is_resolved(gitlab: GitLabCalls, project: BareRepository, length: int) -> None:
    """By its id or the beginning of it, in any case of letters."""
    sha = shas(project)[1]
    for text in (sha[:length], sha[:length].upper()):
        assert resolve(gitlab, project, text) == ResolvedRef(name=sha, kind="commit", sha=sha)


def test_a_name_takes_precedence_over_the_beginning_of_a_commit(gitlab: GitLabCalls, project: BareRepository) -> None:
    """A branch may look like a short id; a full id is always that of a commit."""
    short = shas(project)[0][:8]
    project.git("branch", short, shas(project)[2])
    found = resolve(gitlab, project, short)
    assert found is not None
    assert (found.kind, found.sha) == ("branch", shas(project)[2])
    assert resolve(gitlab, project, "f" * 40) is None


@pytest.mark.parametrize("ref", ["v3.0", "feature", "abcdef0", "a..b", "-x", "x~1", "main^", "", "a b", ".."])
def test_an_unknown_ref_is_none(gitlab: GitLabCalls, project: BareRepository, ref: str) -> None:
    """Also one that git would calculate, or that no repository can have."""
    assert resolve(gitlab, project, ref) is None


def test_an_empty_or_hidden_project_has_no_refs(gitlab: GitLabCalls) -> None:
    """There is no default branch yet, or none to see."""
    empty = gitlab.project("acme/empty")
    hidden = gitlab.host.repository("globex/secret", private=True)
    history(hidden, 1)
    for one in (empty, hidden):
        assert resolve(gitlab, one, None) is None
        assert resolve(gitlab, one, "main") is None


# Commits.


def page(gitlab: GitLabCalls, project: BareRepository, base: str | None, head: str, seconds: float = 30) -> CommitPage:
    found: CommitPage = gitlab.call(
        "scm_compare_commits", repository=gitlab.stored(project), base=base, head=head, seconds=seconds
    )
    return found


def compare(
    gitlab: GitLabCalls, project: BareRepository, base: str | None, head: str, seconds: float = 30
) -> list[CommitDraft]:
    return list(page(gitlab, project, base, head, seconds).commits)


def changed(commit: CommitDraft) -> set[tuple[str, str]]:
    return {(change.type, change.path) for change in commit.changes}


def test_commits_between_two_refs_have_authors_and_files(gitlab: GitLabCalls, project: BareRepository) -> None:
    """Newest first, without the base."""
    third, second, first = shas(project)
    commits = compare(gitlab, project, first, "main")
    assert [commit.sha for commit in commits] == [third, second]
    assert (commits[1].message, commits[1].author_name, commits[1].author_email) == (
        "Second\n",
        "Bob",
        "bob@example.com",
    )
    assert commits[1].timestamp == datetime.fromisoformat("2026-01-02T03:05:05+00:00")
    assert changed(commits[1]) == {("M", "src/cart.py"), ("D", "src/gone.py")}
    assert changed(commits[0]) == {("A", "a b/ü#?.py")}
    assert compare(gitlab, project, "v1.0", "v2.0") == commits
    assert compare(gitlab, project, "main", "main") == []


def test_without_a_base_the_newest_commits_are_read(gitlab: GitLabCalls, project: BareRepository) -> None:
    """As many as the operator's settings say."""
    gitlab.settings = gitlab.settings.model_copy(update={"first_commits": 2})
    assert [commit.sha for commit in compare(gitlab, project, None, "main")] == shas(project)[:2]


def test_a_rename_is_a_deletion_and_an_addition(gitlab: GitLabCalls, project: BareRepository) -> None:
    """The contract has no renames."""
    text = "".join(f"line {number}\n" for number in range(20))
    before = project.commit({"old.py": text})
    project.commit({"old.py": None, "new.py": text})
    (commit,) = compare(gitlab, project, before, "main")
    assert changed(commit) == {("D", "old.py"), ("A", "new.py")}


def test_a_merge_has_no_files(gitlab: GitLabCalls, project: BareRepository) -> None:
    """GitLab would show those of the whole branch, which are those of the commits beside it."""
    base, topic = shas(project)[0], shas(project, "feature/new")[0]
    tree = project.git("rev-parse", f"{topic}^{{tree}}").decode().strip()
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    merge = project.git(*identity, "commit-tree", tree, "-p", base, "-p", topic, "-m", "Merge").decode().strip()
    project.git("update-ref", "refs/heads/main", merge)
    commits = compare(gitlab, project, base, "main")
    assert [(commit.sha, changed(commit)) for commit in commits] == [
        (merge, set()),
        (topic, {("M", "src/cart.py")}),
    ]


def test_many_commits_and_files_come_in_pages(gitlab: GitLabCalls) -> None:
    """Pages of commits, and pages of the files of one commit."""
    project = gitlab.project()
    gitlab.host.largest_page = 10
    first, *others = history(project, 24)
    wide = project.commit({f"wide/{number}.py": "" for number in range(35)})
    commits = compare(gitlab, project, first, "main")
    assert [commit.sha for commit in commits] == [wide, *reversed(others)]
    assert len(commits[0].changes) == 35
    assert all(len(commit.changes) == 1 for commit in commits[1:])


def test_the_operator_limits_commits_and_files(gitlab: GitLabCalls) -> None:
    """The newest commits are kept, and the newest of them have files; what is left out is reported."""
    project = gitlab.project()
    first, *others = history(project, 10)
    gitlab.settings = gitlab.settings.model_copy(update={"most_commits": 6, "commits_with_files": 2})
    found = page(gitlab, project, first, "main")
    assert [commit.sha for commit in found.commits] == others[::-1][:6]
    assert [len(commit.changes) for commit in found.commits] == [1, 1, 0, 0, 0, 0]
    assert (found.unlisted, found.without_changes) == (1, 4)
    assert page(gitlab, project, others[-7], "main").unlisted == 0


@pytest.mark.parametrize(
    ("base", "head", "named"),
    [("v0.9", "main", "v0.9"), (None, "gone", "gone"), ("main", "f" * 40, "f" * 40), ("a..b", "main", "a..b")],
)
def test_a_missing_end_is_named(
    gitlab: GitLabCalls, project: BareRepository, base: str | None, head: str, named: str
) -> None:
    """The job reports it and tries again later: the commit may not be pushed yet."""
    with pytest.raises(ProviderError, match=named) as caught:
        compare(gitlab, project, base, head)
    assert not isinstance(caught.value, ProviderUnavailable)


def test_one_commit_that_cannot_be_read_costs_its_files_only(gitlab: GitLabCalls, project: BareRepository) -> None:
    """Such as one whose changes are too long for the answer."""
    third, second, first = shas(project)
    gitlab.host.fault(status(500), on=f"{second}/diff")
    commits = compare(gitlab, project, first, third)
    assert [len(commit.changes) for commit in commits] == [1, 0]


def test_an_outage_in_the_middle_is_no_result(gitlab: GitLabCalls, project: BareRepository) -> None:
    """The job tries again, and no commit loses its files."""
    gitlab.host.fault(status(502), on="/diff")
    with pytest.raises(ProviderUnavailable):
        compare(gitlab, project, "v1.0", "main")


def test_a_rate_limit_in_the_middle_is_no_result(gitlab: GitLabCalls, project: BareRepository) -> None:
    """The job waits as long as GitLab asks for."""
    gitlab.host.fault(rate_limit(17), on=f"{shas(project)[0]}/diff")
    with pytest.raises(RateLimited) as caught:
        compare(gitlab, project, "v1.0", "main")
    assert caught.value.retry_after == 17


def test_what_can_be_read_in_time_is_returned(gitlab: GitLabCalls, project: BareRepository) -> None:
    """A slow diff does not cost the commits."""
    third, second, first = shas(project)
    gitlab.host.fault(slow(), on=f"{second}/diff")
    commits = compare(gitlab, project, first, third, seconds=4)
    assert [(commit.sha, len(commit.changes)) for commit in commits] == [(third, 1), (second, 0)]


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00.000+00:00", "9999-12-31T23:59:59Z", "2026-01-02T03:04:05", "yesterday", "", None]
)
def test_an_odd_commit_keeps_the_others(gitlab: GitLabCalls, project: BareRepository, moment: str | None) -> None:
    """A time that nobody means, NUL, and empty names are left out; the commit stays."""
    odd = {"id": "a" * 40, "message": "x\0y", "author_name": "", "author_email": None, "committed_date": moment}
    fine = {"id": "b" * 40, "message": "Fine", "committed_date": "2026-01-02T03:04:05Z", "parent_ids": ["a" * 40]}
    gitlab.host.fault(lambda *_: Reply([fine, odd]), on="/commits$")
    gitlab.host.fault(lambda *_: Reply([]), on="/diff$")
    newer, older = compare(gitlab, project, None, "main")
    assert newer.timestamp is not None
    assert (older.sha, older.timestamp, older.message, older.author_name) == ("a" * 40, None, "x�y", None)


# Files.


def exists(gitlab: GitLabCalls, project: BareRepository, ref: str, path: str) -> Existence:
    location = Location(ref=ref, ref_kind="branch", path=path)
    found = gitlab.call("scm_file_exists", repository=gitlab.stored(project), location=location, seconds=3)
    assert isinstance(found, Existence)
    return found


@pytest.mark.parametrize(
    ("ref", "path", "expected"),
    [
        ("main", "src/cart.py", Existence.YES),
        ("v1.0", "src/gone.py", Existence.YES),
        ("feature/new", "a b/ü#?.py", Existence.YES),
        ("main", "src/gone.py", Existence.NO),
        ("main", "src", Existence.NO),
        ("main", "SRC/cart.py", Existence.NO),
        ("v9", "src/cart.py", Existence.UNKNOWN),
        ("f" * 40, "src/cart.py", Existence.UNKNOWN),
        ("a..b", "src/cart.py", Existence.UNKNOWN),
        ("main", "src/../src/cart.py", Existence.UNKNOWN),
        ("main", "src//cart.py", Existence.UNKNOWN),
    ],
)
def test_a_file_exists_or_not(
    gitlab: GitLabCalls, project: BareRepository, ref: str, path: str, expected: Existence
) -> None:
    """A commit that was not pushed yet, and a path that no file has, are unknown."""
    assert exists(gitlab, project, ref, path) == expected


def test_a_hidden_project_has_unknown_files(gitlab: GitLabCalls) -> None:
    """GitLab answers as if it did not exist; the link stays, unverified."""
    hidden = gitlab.host.repository("globex/secret", private=True)
    hidden.commit({"a.py": ""})
    assert exists(gitlab, hidden, "main", "a.py") == Existence.UNKNOWN


def test_a_page_of_a_proxy_is_no_file(gitlab: GitLabCalls, project: BareRepository) -> None:
    """Every file seems to exist there."""
    gitlab.host.fault(lambda *_: Reply("<html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(ProviderUnavailable, match="no file of GitLab"):
        exists(gitlab, project, "main", "src/cart.py")
    with pytest.raises(ProviderUnavailable, match="no file of GitLab"):
        read(gitlab, project, "main", "src/cart.py")


def read(gitlab: GitLabCalls, project: BareRepository, ref: str, path: str) -> Any:
    return gitlab.call("scm_read_file", repository=gitlab.stored(project), ref=ref, path=path, seconds=3)


def test_files_are_read_as_they_are(gitlab: GitLabCalls, project: BareRepository) -> None:
    """Any bytes, also those of a page; None for what is no file."""
    content = {"page.html": b"<!doctype html>\xff\x00", "empty.py": b"", "data.json": b"{}"}
    project.commit(content)
    for path, expected in content.items():
        assert read(gitlab, project, "main", path) == expected
    assert read(gitlab, project, "v1.0", "src/cart.py") == b"one\n"
    for ref, path in (
        ("main", "src/gone.py"),
        ("main", "src"),
        ("v9", "src/cart.py"),
        ("main", "../etc"),
        ("x~1", "a"),
    ):
        assert read(gitlab, project, ref, path) is None


def test_a_file_that_is_too_long_is_refused(gitlab: GitLabCalls, project: BareRepository) -> None:
    """The contract's limit itself is allowed."""
    project.commit({"most.bin": b"x" * MAX_FILE_BYTES, "more.bin": b"x" * (MAX_FILE_BYTES + 1)})
    assert len(read(gitlab, project, "main", "most.bin")) == MAX_FILE_BYTES
    with pytest.raises(ProviderError, match="more than 2,000,000 bytes"):
        read(gitlab, project, "main", "more.bin")


# Blame.


def blame(gitlab: GitLabCalls, project: BareRepository, ref: str, path: str, *lines: int) -> dict[int, str]:
    found = gitlab.call("scm_blame_lines", repository=gitlab.stored(project), ref=ref, path=path, lines=lines)
    assert all(line.author_email == "ada@example.com" for line in found)
    return {line.line: line.sha for line in found}


def test_lines_have_the_commits_that_changed_them(gitlab: GitLabCalls) -> None:
    """Far lines are asked for apart; a line that the file does not have is left out."""
    project = gitlab.project()
    lines = [f"line {number}\n" for number in range(1, 1001)]
    first = project.commit({"a.py": "".join(lines)})
    lines[1] = lines[899] = "changed\n"
    second = project.commit({"a.py": "".join(lines)})
    assert blame(gitlab, project, "main", "a.py", 1, 2, 3, 900, 1000, 1001, 5000) == {
        1: first,
        2: second,
        3: first,
        900: second,
        1000: first,
    }
    asked = [(call.query["range[start]"], call.query["range[end]"]) for call in gitlab.host.calls]
    assert sorted(asked) == [("1", "3"), ("5000", "5000"), ("900", "1001")]
    assert blame(gitlab, project, "main", "b.py", 1) == {}
    assert blame(gitlab, project, "gone", "a.py", 1) == {}
    assert blame(gitlab, project, "x^", "a.py", 1) == {}


@given(st.sets(st.integers(min_value=1, max_value=100_000), max_size=60))
def test_ranges_contain_all_lines_and_no_wide_gap(lines: set[int]) -> None:
    """Each line is in one range, ranges begin and end with lines, and are far from each other."""
    ranges = line_ranges(lines)
    assert all(sum(first <= line <= last for first, last in ranges) == 1 for line in lines)
    assert {end for ends in ranges for end in ends} <= lines
    assert all(first - last >= 200 for (_, last), (first, _) in pairwise(ranges))


def test_an_empty_project_is_no_error(gitlab: GitLabCalls) -> None:
    """Nothing was pushed yet."""
    empty = gitlab.project("acme/empty")
    assert empty.head() == EMPTY
    assert exists(gitlab, empty, "main", "a.py") == Existence.UNKNOWN
    assert read(gitlab, empty, "main", "a.py") is None
