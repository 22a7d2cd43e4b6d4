"""Refs, commits, files and the last change of lines."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_hosts import base, openapi
from fake_hosts.base import Call, FakeHost, Reply
from fake_hosts.repository import EMPTY, BareRepository, history
from github_calls import GitHubCalls
from scmhost.sdk import (
    ApiCommit,
    ApiFile,
    BlamedLine,
    CommitDraft,
    CommitPage,
    Existence,
    FileTooLarge,
    Location,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    RateLimited,
    ResolvedRef,
)
from scmhost_github.commits import _RefComparison


@pytest.fixture
def app(github: GitHubCalls) -> BareRepository:
    """A repository with two commits, a branch with a slash, a tag and an annotated tag."""
    made = github.repository("team/app")
    first = made.commit({"src/a b.py": "one\ntwo\n", "gone.py": "x\n"}, "First")
    made.commit({"src/a b.py": "one\n2\nthree\n", "gone.py": None}, "Second\n\nBody", author=("Bob", "bob@example.com"))
    made.tag("v1", first)
    made.tag("v1-annotated", first, "Version 1")
    made.commit({"side.py": "1\n"}, "Side", branch="feature/x")
    return made


def resolve(github: GitHubCalls, app: BareRepository, ref: str | None) -> ResolvedRef | None:
    found: ResolvedRef | None = github.call("scm_resolve_ref", repository=github.stored(app), ref=ref)
    return found


def exists(
    github: GitHubCalls, app: BareRepository, path: str, ref: str | None = "main", kind: str | None = "branch"
) -> Existence:
    location = Location.model_validate({"ref": ref, "ref_kind": kind, "path": path})
    found: Existence = github.call("scm_file_exists", repository=github.stored(app), location=location, seconds=3.0)
    return found


def page(github: GitHubCalls, app: BareRepository, base: str | None, head: str, seconds: float = 30.0) -> CommitPage:
    stored = github.stored(app)
    found: CommitPage = github.call("scm_compare_commits", repository=stored, base=base, head=head, seconds=seconds)
    return found


def compare(
    github: GitHubCalls, app: BareRepository, base: str | None, head: str, seconds: float = 30.0
) -> list[CommitDraft]:
    return list(page(github, app, base, head, seconds).commits)


def test_refs_are_resolved(github: GitHubCalls, app: BareRepository) -> None:
    """A branch, a tag, an annotated tag, a full and a short id; the default branch without a ref."""
    main, first, side = app.head(), app.resolve("v1") or "", app.resolve("feature/x") or ""
    assert resolve(github, app, None) == ResolvedRef(name="main", kind="branch", sha=main)
    assert resolve(github, app, "HEAD") == ResolvedRef(name="main", kind="branch", sha=main)
    assert resolve(github, app, "feature/x") == ResolvedRef(name="feature/x", kind="branch", sha=side)
    assert resolve(github, app, "v1") == ResolvedRef(name="v1", kind="tag", sha=first)
    assert resolve(github, app, "v1-annotated") == ResolvedRef(name="v1-annotated", kind="tag", sha=first)
    assert resolve(github, app, first) == ResolvedRef(name=first, kind="commit", sha=first)
    assert resolve(github, app, first[:9]) == ResolvedRef(name=first, kind="commit", sha=first)


def test_a_branch_named_like_a_commit_comes_first(github: GitHubCalls, app: BareRepository) -> None:
    """A full id is always a commit; fewer digits may be a date."""
    sha = app.commit({"b.py": "1\n"}, branch="20260102")
    assert resolve(github, app, "20260102") == ResolvedRef(name="20260102", kind="branch", sha=sha)


@pytest.mark.parametrize("ref", ["nothing", "a" * 40, "abcdef1", "a..b", "../heads/main", "x y", "-x", "", "a\x00b"])
def test_a_missing_ref_is_none(github: GitHubCalls, app: BareRepository, ref: str) -> None:
    """Names that git forbids do not even reach GitHub."""
    assert resolve(github, app, ref) is None
    assert all(" " not in call.path and ".." not in call.path for call in github.host.calls)


def test_an_empty_repository_has_no_refs(github: GitHubCalls) -> None:
    """It has a default branch without a commit."""
    empty = github.repository("team/empty")
    assert empty.head() == EMPTY
    assert resolve(github, empty, None) is None


def test_a_ref_is_asked_for_again_only_if_it_moved(github: GitHubCalls, app: BareRepository) -> None:
    """The second answer is empty and not counted by GitHub; a push is seen at once."""
    first = resolve(github, app, "main")
    github.host.calls.clear()
    assert resolve(github, app, "main") == first
    assert github.host.calls[0].headers["if-none-match"].startswith('W/"')
    moved = app.commit({"c.py": "1\n"})
    assert resolve(github, app, "main") == ResolvedRef(name="main", kind="branch", sha=moved)


@pytest.mark.parametrize(
    ("path", "ref", "kind", "found"),
    [
        ("src/a b.py", "main", "branch", "yes"),
        ("src/a b.py", "v1", "tag", "yes"),
        ("gone.py", "v1-annotated", "tag", "yes"),
        ("gone.py", "main", "branch", "no"),
        ("side.py", "feature/x", "branch", "yes"),
        ("src", "main", "branch", "no"),
        ("", "main", "branch", "no"),
        ("src/../gone.py", "v1", "tag", "no"),
        ("src//a b.py", "main", "branch", "no"),
        ("a.py", "not-pushed", "branch", "unknown"),
        ("a.py", "b" * 40, "commit", "unknown"),
        ("a.py", "v1", "branch", "unknown"),
        ("a.py", "a..b", "branch", "unknown"),
    ],
)
def test_files_exist_at_a_ref(
    github: GitHubCalls, app: BareRepository, path: str, ref: str | None, kind: str | None, found: str
) -> None:
    """A folder is no file. A ref that GitHub does not have says nothing about a file."""
    assert exists(github, app, path, ref, kind) == Existence(found)


def test_files_exist_at_a_commit(github: GitHubCalls, app: BareRepository) -> None:
    """The path keeps its characters, and slashes are a part of one segment, as GitHub's own clients send it."""
    assert exists(github, app, "src/a b.py", app.head(), "commit") is Existence.YES
    assert [call.path for call in github.host.calls] == ["/api/v3/repos/team/app/contents/src%2Fa%20b.py"]


def test_a_repository_without_access_is_unknown(github: GitHubCalls) -> None:
    """GitHub gives the same answer for a private repository and for a missing file."""
    secret = github.repository("team/secret", seen=False)
    secret.commit({"a.py": "1\n"})
    assert exists(github, secret, "a.py") is Existence.UNKNOWN


def test_files_are_read(github: GitHubCalls, app: BareRepository) -> None:
    """Bytes as they are; None for a folder, a missing file and a path that is none."""
    app.commit({"bin": b"\x00\xff{", "empty": b""})
    for path, content in (("bin", b"\x00\xff{"), ("empty", b""), ("src", None), ("gone.py", None), ("../x", None)):
        arguments: dict[str, Any] = {"repository": github.stored(app), "ref": "main", "path": path}
        assert github.call("scm_read_file", **arguments, seconds=3.0) == content


def test_a_long_file_is_refused(github: GitHubCalls, app: BareRepository) -> None:
    """One of exactly the contract's limit is read."""
    arguments: dict[str, Any] = {"repository": github.stored(app), "ref": "main", "path": "long"}
    app.commit({"long": b"x" * 2_000_000})
    assert len(github.call("scm_read_file", **arguments)) == 2_000_000
    app.commit({"long": b"x" * 2_000_001})
    with pytest.raises(FileTooLarge, match="more than 2,000,000 bytes"):
        github.call("scm_read_file", **arguments)


@pytest.mark.parametrize("ref", ["c" * 40, "nothing", "a..b"])
def test_a_missing_ref_has_no_files(github: GitHubCalls, app: BareRepository, ref: str) -> None:
    """As the contract asks for."""
    arguments: dict[str, Any] = {"repository": github.stored(app), "ref": ref, "path": "src/a b.py"}
    assert github.call("scm_read_file", **arguments) is None
    assert github.call("scm_blame_lines", **arguments, lines=(1,)) == []


def test_commits_between_two_refs(github: GitHubCalls, app: BareRepository) -> None:
    """Newest first, with message, author, time and files; the base is not among them."""
    [commit] = compare(github, app, "v1", "main")
    assert (commit.sha, commit.message) == (app.head(), "Second\n\nBody")
    assert (commit.author_name, commit.author_email) == ("Bob", "bob@example.com")
    assert commit.timestamp == datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC)
    assert {(one.type, one.path) for one in commit.changes} == {("M", "src/a b.py"), ("D", "gone.py")}
    assert compare(github, app, "main", "main") == []


def test_long_comparisons_are_read_in_pages(github: GitHubCalls, app: BareRepository) -> None:
    """All commits, newest first, although GitHub begins with the oldest."""
    start = app.head()
    shas = history(app, 7)
    github.host.largest_page = 3
    from scmhost_github import commits  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, "PAGE", 3)
        assert [one.sha for one in compare(github, app, start, "main")] == shas[::-1]
        github.settings = github.configured(most_commits=4)
        found = page(github, app, start, "main")
        assert ([one.sha for one in found.commits], found.unlisted) == (shas[:-5:-1], 3)


def test_without_a_base_the_newest_commits_are_read(github: GitHubCalls, app: BareRepository) -> None:
    """As many as the operator's settings say."""
    shas = history(app, 5)
    github.settings = github.configured(first_commits=3)
    commits = compare(github, app, None, "main")
    assert [one.sha for one in commits] == shas[:1:-1]
    assert [[change.path for change in one.changes] for one in commits] == [
        ["src/file4.py"],
        ["src/file3.py"],
        ["src/file2.py"],
    ]


def test_without_time_commits_have_no_files(github: GitHubCalls, app: BareRepository) -> None:
    """The commits are more important than their files, which are then not known."""
    history(app, 3)
    commits = compare(github, app, None, "main", seconds=2.5)
    assert [one.changes for one in commits] == [()] * 5
    github.settings = github.configured(commits_with_files=1)
    assert [bool(one.changes) for one in compare(github, app, None, "main")] == [True, False, False, False, False]


def test_one_commit_without_an_answer_does_not_cost_the_others(github: GitHubCalls, app: BareRepository) -> None:
    """GitHub fails for some commits with very many files, each time."""
    sha = app.head()
    history(app, 2)
    github.host.fault(base.status(500), on=f"/commits/{sha}$")
    assert [bool(one.changes) for one in compare(github, app, None, "main")] == [True, True, False, True]


def test_a_rate_limit_ends_a_comparison(github: GitHubCalls, app: BareRepository) -> None:
    """The host asks again later; files are not left out for it."""
    github.host.fault(base.rate_limit(20), on=r"/commits/[0-9a-f]+$")
    with pytest.raises(RateLimited):
        compare(github, app, "v1", "main")


@pytest.mark.parametrize(("first", "head"), [("nothing", "main"), ("v1", "nothing"), (None, "nothing"), ("v1", "a..b")])
def test_a_comparison_with_a_missing_ref_is_an_error(
    github: GitHubCalls, app: BareRepository, first: str | None, head: str
) -> None:
    """It is reported with the release."""
    with pytest.raises(ProviderError):
        compare(github, app, first, head)


def test_merges_have_no_files_of_their_own(github: GitHubCalls, app: BareRepository) -> None:
    """GitHub gives those of the merged branch, whose commits have them already."""
    tree = app.git("rev-parse", "main^{tree}").decode().strip()
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    merge = app.git(*identity, "commit-tree", tree, "-p", "main", "-p", "feature/x", "-m", "Merge").decode().strip()
    app.git("update-ref", "refs/heads/main", merge)
    commits = compare(github, app, "v1", "main")
    assert (commits[0].sha, commits[0].changes) == (merge, ())
    assert {one.message for one in commits} == {"Merge", "Side", "Second\n\nBody"}


def test_renames_are_a_deletion_and_an_addition(github: GitHubCalls, app: BareRepository) -> None:
    """Files of all kinds and of all pages, each path once."""
    first = [
        {"filename": "new.py", "previous_filename": "old.py", "status": "renamed"},
        {"filename": "old.py", "previous_filename": "older.py", "status": "renamed"},
        {"filename": "copy.py", "previous_filename": "a.py", "status": "copied"},
        {"filename": "mode.sh", "status": "changed"},
    ]
    second = [
        {"filename": "same.py", "status": "unchanged"},
        {"filename": "x" * 5000, "status": "added"},
        {"filename": "future.py", "status": "something new"},
    ]

    def files(host: FakeHost, call: Call) -> Reply:
        page = call.query.get("page")
        link = f'<{host.url}{call.path}?page=2>; rel="next"'
        body = {"sha": app.head(), "commit": {}, "files": first if page == "1" else second}
        return Reply(body, headers={"Link": link} if page == "1" else {})

    github.host.fault(files, on=r"/commits/[0-9a-f]{40}$")
    [commit] = compare(github, app, "v1", "main")
    assert {one.path: one.type for one in commit.changes} == {
        "new.py": "A",
        "old.py": "A",
        "older.py": "D",
        "copy.py": "A",
        "mode.sh": "M",
        "future.py": "M",
    }


def test_odd_commits_are_read(github: GitHubCalls, app: BareRepository) -> None:
    """A commit without an author, with a wrong time or with a NUL does not cost the others."""
    odd = [
        {"sha": "1" * 40, "commit": {"message": None, "author": None}, "author": None},
        {
            "sha": "2" * 40,
            "commit": {"message": "a\x00b", "author": {"name": "", "date": "0000-00-00T00:00:00Z"}},
        },
        {
            "sha": "3" * 40,
            "commit": {"message": "x", "author": {"name": "A", "email": "", "date": "2026-01-02T03:04:05Z"}},
        },
    ]
    github.host.fault(base.wrong_types(odd), on="/commits$")
    github.settings = github.configured(commits_with_files=0)
    commits = compare(github, app, None, "main")
    assert [one.sha[0] for one in commits] == ["1", "2", "3"]
    assert [(one.message, one.timestamp) for one in commits[:2]] == [(None, None), ("a\ufffdb", None)]
    assert commits[2].timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("content", ["a", "\u00e9\u00e9\u00e9", 7, None])
def test_content_that_is_not_base64_is_no_answer(github: GitHubCalls, app: BareRepository, content: Any) -> None:
    """The same request may work later."""
    github.host.fault(base.wrong_types({"type": "file", "encoding": "base64", "content": content}))
    with pytest.raises(ProviderUnavailable):
        github.call("scm_read_file", repository=github.stored(app), ref="main", path="src/a b.py")


def test_a_submodule_has_no_content(github: GitHubCalls, app: BareRepository) -> None:
    """It is a commit of another repository."""
    github.host.fault(base.wrong_types({"type": "submodule", "size": 0}))
    assert github.call("scm_read_file", repository=github.stored(app), ref="main", path="vendor/lib") is None


def blame(github: GitHubCalls, app: BareRepository, path: str, *lines: int, ref: str = "main") -> list[BlamedLine]:
    found: list[BlamedLine] = github.call(
        "scm_blame_lines", repository=github.stored(app), ref=ref, path=path, lines=lines
    )
    return found


def test_lines_are_blamed(github: GitHubCalls, app: BareRepository) -> None:
    """Only the lines that were asked for; one that the file does not have is left out."""
    first, second = app.resolve("v1"), app.head()
    found = {one.line: one for one in blame(github, app, "src/a b.py", 1, 2, 9)}
    assert {line: one.sha for line, one in found.items()} == {1: first, 2: second}
    assert (found[2].author_name, found[2].author_email) == ("Bob", "bob@example.com")
    assert found[1].timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert blame(github, app, "gone.py", 1) == []
    assert blame(github, app, "src/a b.py", 1, ref="c" * 40) == []
    assert github.host.calls[-1].path == "/api/graphql"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"data": None, "errors": [{"type": "RATE_LIMITED", "message": "x"}]}, RateLimited),
        ({"data": None, "errors": [{"type": "FORBIDDEN", "message": "x"}]}, ProviderForbidden),
        ({"errors": [{"message": "Something went wrong while executing your query."}]}, ProviderUnavailable),
        ({"data": {"repository": {"object": {"blame": {"ranges": [{"startingLine": "x"}]}}}}}, ProviderUnavailable),
        ([], ProviderUnavailable),
    ],
)
def test_errors_of_graphql_have_the_status_200(
    github: GitHubCalls, app: BareRepository, answer: Any, error: type[ProviderError]
) -> None:
    """They are errors of the contract all the same."""
    github.host.fault(base.wrong_types(answer), on="graphql")
    with pytest.raises(error):
        blame(github, app, "src/a b.py", 1)


@pytest.mark.parametrize("answer", [{"data": {"repository": None}, "errors": [{"type": "NOT_FOUND"}]}, {"data": None}])
def test_a_missing_repository_has_no_blame(github: GitHubCalls, app: BareRepository, answer: Any) -> None:
    """As a missing file."""
    github.host.fault(base.wrong_types(answer), on="graphql")
    assert blame(github, app, "src/a b.py", 1) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sha", "commit", "commits", "author", "files", "total_commits", "message", "data", "date"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=JSON)
def test_any_json_gives_a_value_or_an_error_of_the_contract(
    github: GitHubCalls, app: BareRepository, answer: Any
) -> None:
    """Whatever a code host answers, the plugin is not to blame."""
    github.host.heal()
    github.host.fault(base.wrong_types(json.dumps(answer).encode()))
    for work in (
        lambda: resolve(github, app, None),
        lambda: resolve(github, app, "main"),
        lambda: exists(github, app, "a.py"),
        lambda: compare(github, app, None, "main"),
        lambda: compare(github, app, "v1", "main"),
        lambda: blame(github, app, "a.py", 1),
    ):
        try:
            work()
        except ProviderError as error:
            assert str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.skipif(openapi.IS_MISSING, reason=openapi.WHY_MISSING)
def test_recorded_answers_are_read() -> None:
    """GitHub's own examples have the fields that the plugin reads."""
    [commit] = openapi.answer_examples("get", "/repos/{owner}/{repo}/commits/{ref}", "200")
    read = ApiCommit.model_validate(commit)
    assert read.draft({}).author_name == commit["commit"]["author"]["name"]
    files = [ApiFile.model_validate(one) for one in commit["files"]]
    assert [one.filename for one in files] == [one["filename"] for one in commit["files"]]
    [comparison] = openapi.answer_examples("get", "/repos/{owner}/{repo}/compare/{basehead}", "200")
    assert len(_RefComparison.model_validate(comparison).commits) == len(comparison["commits"])
    listed = openapi.answer_examples("get", "/repos/{owner}/{repo}/commits", "200")[0]
    assert [ApiCommit.model_validate(one).sha for one in listed] == [one["sha"] for one in listed]
