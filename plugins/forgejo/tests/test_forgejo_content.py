"""Refs, commits and files, asked of a fake Forgejo over a real repository."""

import pytest

from fake_hosts import base
from fake_hosts.repository import history
from forgejo_team import Team, run
from scmhost.sdk import (
    Existence,
    FileChange,
    FileTooLarge,
    Location,
    ProviderError,
    ProviderUnavailable,
    RefKind,
    RepositoryUpdate,
    ResolvedRef,
)
from scmhost_forgejo import plugin
from scmhost_forgejo.api import ForgejoCommit


def resolved(team: Team, ref: str | None) -> ResolvedRef | None:
    return run(plugin.scm_resolve_ref, team.installation, team.repository, ref)


def exists(team: Team, path: str, ref: str = "main", kind: RefKind = "branch") -> Existence:
    location = Location(ref=ref, ref_kind=kind, path=path)
    return run(plugin.scm_file_exists, team.installation, team.repository, location)


def read(team: Team, path: str, ref: str = "main") -> bytes | None:
    return run(plugin.scm_read_file, team.installation, team.repository, ref, path)


def compared(team: Team, base: str | None, head: str) -> list[tuple[str, ...]]:
    page = run(plugin.scm_compare_commits, team.installation, team.repository, base, head, team.settings)
    return [(draft.sha, (draft.message or "").strip()) for draft in page.commits]


def test_refs_are_resolved(team: Team) -> None:
    """Branches with slashes, tags of both kinds, full and short ids; nothing for what is not there."""
    first, second = team.app.resolve("main~1"), team.app.head()
    assert first
    team.app.tag("v1", first)
    team.app.tag("release/2", second, "Two")
    feature = team.app.commit({"b.py": "1"}, branch="feature/a#b")
    assert resolved(team, "main") == ResolvedRef(name="main", kind="branch", sha=second)
    assert resolved(team, "feature/a#b") == ResolvedRef(name="feature/a#b", kind="branch", sha=feature)
    assert resolved(team, "v1") == ResolvedRef(name="v1", kind="tag", sha=first)
    assert resolved(team, "release/2") == ResolvedRef(name="release/2", kind="tag", sha=second)
    assert resolved(team, first) == ResolvedRef(name=first, kind="commit", sha=first)
    assert resolved(team, first[:8]) == ResolvedRef(name=first, kind="commit", sha=first)
    assert [resolved(team, ref) for ref in ("nothing", "feature", "f" * 40, "a..b", "", "-x")] == [None] * 6


@pytest.mark.parametrize("ref", [None, "HEAD"])
def test_without_a_ref_the_default_branch_is_meant(team: Team, ref: str | None) -> None:
    """Also when it is not called main."""
    sha = team.app.commit({"c.py": "1"}, branch="trunk")
    team.app.default_branch = "trunk"
    assert resolved(team, ref) == ResolvedRef(name="trunk", kind="branch", sha=sha)


def test_a_tag_precedes_a_branch_of_its_name(team: Team) -> None:
    """As git resolves names."""
    first = team.app.resolve("main~1")
    team.app.tag("same", first)
    team.app.commit({"d.py": "1"}, branch="same")
    assert resolved(team, "same") == ResolvedRef(name="same", kind="tag", sha=first or "")


def test_an_empty_repository_has_no_refs(team: Team) -> None:
    """It has a default branch without a commit."""
    empty = team.host.repository("team/empty")
    team.repository = team.repository.model_copy(update={"configuration": {"full_name": empty.full_name}})
    assert resolved(team, None) is None
    assert resolved(team, "main") is None


def test_files_exist_or_not(team: Team) -> None:
    """At any ref; a folder is no file, and an unknown ref decides nothing."""
    odd = team.app.commit({"dir/a b #?%41 é.py": "1"})
    assert exists(team, "src/cart.py") is Existence.YES
    assert exists(team, "dir/a b #?%41 é.py", odd, "commit") is Existence.YES
    assert exists(team, "src/gone.py") is Existence.NO
    assert exists(team, "src/gone.py", "nothing") is Existence.UNKNOWN
    assert exists(team, "src") is Existence.NO
    assert exists(team, "src/cart.py", "f" * 40, "commit") is Existence.UNKNOWN


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a//b", "src/", "a/./b", "a\x00b"])
def test_a_path_that_no_file_has_is_not_asked_for(team: Team, path: str) -> None:
    """Servers would resolve it to another one."""
    assert exists(team, path) is Existence.NO
    assert read(team, path) is None
    assert team.host.calls == []


def test_a_huge_file_exists(team: Team) -> None:
    """The answer has its content and is not read to the end."""
    team.host.fault(base.huge_body(), on="/contents/")
    assert exists(team, "src/cart.py") is Existence.YES


def test_files_are_read(team: Team) -> None:
    """Bytes as they are; None for what is no file."""
    sha = team.app.commit({"data.bin": b"\x00\xff\r\n"})
    assert read(team, "data.bin", sha) == b"\x00\xff\r\n"
    assert read(team, "src/cart.py") == b"1\n2\n"
    assert [read(team, path) for path in ("src", "src/gone.py")] == [None, None]
    assert read(team, "src/cart.py", "no-such-ref") is None


def test_a_file_that_is_too_long_is_refused(team: Team) -> None:
    """Two million bytes is the contract's limit."""
    team.app.commit({"long.txt": b"x" * 2_000_001})
    with pytest.raises(FileTooLarge):
        read(team, "long.txt")


def test_commits_between_refs_have_their_files(team: Team) -> None:
    """Newest first, with all facts that git has."""
    first, second = team.app.resolve("main~1"), team.app.head()
    page = run(plugin.scm_compare_commits, team.installation, team.repository, first, "main", team.settings)
    drafts = page.commits
    [draft] = drafts
    assert (draft.sha, draft.author_name, draft.author_email) == (second, "Ada", "ada@example.com")
    assert draft.message == "Second, fixes SHOP-7\n"
    assert draft.timestamp
    assert draft.timestamp.isoformat() == "2026-01-02T03:05:05+00:00"
    assert draft.changes == (FileChange(path="src/cart.py", type="M"), FileChange(path="src/gone.py", type="D"))


def test_a_long_comparison_is_read_page_by_page(team: Team) -> None:
    """The order of all pages together is kept."""
    team.host.largest_page = 3
    base_sha = team.app.head()
    shas = history(team.app, 8)
    assert compared(team, base_sha, shas[-1]) == [
        (sha, f"Commit {index}") for index, sha in reversed(list(enumerate(shas)))
    ]
    assert [call.query["page"] for call in team.host.calls if "page" in call.query] == ["2", "3"]


def test_a_merge_has_only_what_the_base_lacks(team: Team) -> None:
    """Commits that are in the base already are left out."""
    start = team.app.head()
    side = team.app.commit({"side.py": "1"}, "Side", branch="side")
    main = team.app.commit({"main.py": "1"}, "Main")
    assert compared(team, start, "main") == [(main, "Main")]
    assert compared(team, "main", "side") == [(side, "Side")]


def test_what_the_operator_s_limit_leaves_out_is_reported(team: Team) -> None:
    """The newest commits are kept; exactly as many are all."""
    base, shas = team.app.head(), history(team.app, 4)
    for most, unlisted in ((3, 1), (4, 0)):
        settings = team.settings.model_copy(update={"most_commits": most})
        found = run(plugin.scm_compare_commits, team.installation, team.repository, base, "main", settings)
        assert ([one.sha for one in found.commits], found.unlisted) == (list(shas[::-1][:most]), unlisted)


def test_the_first_release_has_some_commits(team: Team) -> None:
    """Not the whole history."""
    history(team.app, 5)
    team.settings = team.settings.model_copy(update={"first_commits": 3})
    assert [message for _, message in compared(team, None, "main")] == ["Commit 4", "Commit 3", "Commit 2"]


@pytest.mark.parametrize(("start", "end"), [("nothing", "main"), (None, "nothing"), ("f" * 40, "main")])
def test_a_comparison_with_a_missing_ref_is_refused(team: Team, start: str | None, end: str) -> None:
    """The text names the ref or the request."""
    with pytest.raises(ProviderError) as caught:
        compared(team, start, end)
    assert not isinstance(caught.value, ProviderUnavailable)


@pytest.mark.parametrize("text", [None, "", "yesterday", "0000-00-00T00:00:00Z", "2026-01-02T03:04:05", 5])
def test_a_wrong_time_costs_no_commit(text: object) -> None:
    """The commit has no time then."""
    found = {"sha": "a" * 40, "commit": {"author": {"name": "Ada", "date": text}}}
    assert ForgejoCommit.model_validate(found).draft().timestamp is None


def test_a_renamed_repository_is_found_until_it_is_synchronized(team: Team) -> None:
    """The server leads from the old name to the new one; then the host gets the new one."""
    team.host.tokens["good-token"].repositories.add("group/shop")
    team.app.rename("group", "shop")
    assert exists(team, "src/cart.py") is Existence.YES
    [update] = run(plugin.scm_sync_repositories, team.installation, [team.repository])
    assert update == RepositoryUpdate(
        repository_id=9,
        name="group/shop",
        url=f"{team.host.url}/group/shop",
        configuration={"full_name": "group/shop"},
    )
    assert update.state is None
