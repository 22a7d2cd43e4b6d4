"""Commits and files in the answers of code hosts: their forms, changes, and lists with a limit."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from scmhost.sdk import (
    ApiCommit,
    ApiContent,
    ApiFile,
    BlamedLine,
    CommitDraft,
    CommitPage,
    FileChange,
    ProviderUnavailable,
    RateLimited,
    find_content,
    first_of,
    is_file_path,
    kinds_of,
    with_changes,
)
from scripted_api import ScriptedApi

SHA = "0123456789abcdef0123456789abcdef01234567"
TIME = "2026-01-02T03:04:05Z"
AUTHOR = {"name": "Ada", "email": "ada@example.com"}


@pytest.mark.parametrize(
    "answer",
    [
        {"sha": SHA, "commit": {"message": "Mend", "author": {**AUTHOR, "date": TIME}}, "author": {"login": "ada"}},
        {"sha": SHA, "commit": {"message": "Mend", "author": {**AUTHOR, "date": TIME}}, "author": None},
        {"oid": SHA, "message": "Mend", "author": {**AUTHOR, "date": TIME}},
        {"id": SHA, "message": "Mend", "author": AUTHOR, "timestamp": TIME},
        {
            "id": SHA,
            "message": "Mend",
            "author_name": "Ada",
            "author_email": "ada@example.com",
            "committed_date": TIME,
            "parent_ids": ["a" * 40],
        },
    ],
    ids=["rest", "nobody", "graphql", "push", "gitlab"],
)
def test_a_commit_has_one_form(answer: Mapping[str, Any]) -> None:
    """That of GitHub's and Forgejo's REST API, of GraphQL, of a push, and of GitLab."""
    commit, when = ApiCommit.model_validate(answer), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    who = {"author_name": "Ada", "author_email": "ada@example.com", "timestamp": when}
    change = FileChange(path="a.py", type="M")
    assert commit.draft({"a.py": "M"}) == CommitDraft(sha=SHA, message="Mend", changes=(change,), **who)
    assert commit.blamed(3) == BlamedLine(line=3, sha=SHA, **who)


def test_an_odd_commit_is_read() -> None:
    """Without an author, or with a time that is none."""
    found = ApiCommit.model_validate({"sha": SHA, "commit": {"author": {"name": "", "date": "yesterday"}}})
    assert found.draft() == CommitDraft(sha=SHA)
    with pytest.raises(ValidationError):
        ApiCommit.model_validate({"sha": "main"})


def test_changed_files_have_a_type_each() -> None:
    """A rename is a deletion and an addition, unless the former path has a new file."""
    files = [
        ApiFile(filename="new.py", previous_filename="old.py", status="renamed"),
        ApiFile(filename="old.py", status="added"),
        ApiFile(filename="gone.py", status="removed"),
        ApiFile(filename="same.py", status="unchanged"),
        ApiFile(filename="mode.sh", status="changed"),
        ApiFile(filename="plain.py"),
    ]
    kinds = {"new.py": "A", "old.py": "A", "gone.py": "D", "mode.sh": "M", "plain.py": "M"}
    assert kinds_of(files) == kinds


def commits(*names: str, parents: int = 1) -> list[ApiCommit]:
    return [ApiCommit(sha=name * 40, parents=tuple(range(parents))) for name in names]


async def stream(found: list[ApiCommit]) -> AsyncIterator[ApiCommit]:
    for commit in found:
        yield commit


@pytest.mark.parametrize(
    ("listed", "most", "expected"),
    [
        ("abc", 3, ("abc", 0)),
        ("abcd", 3, ("abc", 1)),
        ("abbac", 3, ("abc", 0)),
        ("abca", 3, ("abc", 0)),
        ("", 3, ("", 0)),
    ],
)
def test_a_list_says_whether_there_is_more(listed: str, most: int, expected: tuple[str, int]) -> None:
    """A commit that comes twice is no further one."""
    found, unlisted = asyncio.run(first_of(stream(commits(*listed)), most))
    assert ("".join(commit.sha[0] for commit in found), unlisted) == expected


def changed(found: list[ApiCommit], failing: Mapping[str, Exception] | None = None, most: int = 9) -> CommitPage:
    async def read(commit: ApiCommit) -> Mapping[str, str]:
        if failing and commit.sha[0] in failing:
            raise failing[commit.sha[0]]
        return {f"{commit.sha[0]}.py": "A"}

    return asyncio.run(with_changes(found, read, most=most, unlisted=4))


def test_what_was_not_read_is_counted() -> None:
    """A merge has no files of its own; a limit and a failure leave commits without changes."""
    found = [*commits("a", "b"), *commits("c", parents=2), *commits("d", "e")]
    page = changed(found, {"b": ProviderUnavailable("no")}, most=3)
    files = [[change.path for change in commit.changes] for commit in page.commits]
    assert files == [["a.py"], [], [], ["d.py"], []]
    assert (page.unlisted, page.without_changes) == (4, 2)
    assert changed(found).without_changes == 0
    with pytest.raises(RateLimited):
        changed(found, {"a": RateLimited("wait")})


@pytest.mark.parametrize(
    ("answer", "is_file", "content"),
    [
        ({"type": "file", "encoding": "base64", "content": "YQ==\n"}, True, b"a"),
        ({"type": "file", "encoding": "none", "content": ""}, True, b""),
        ({"type": "symlink"}, True, None),
        ({"type": "submodule", "content": None}, False, None),
        ([{"type": "file"}], False, None),
        ([], False, None),
    ],
)
def test_what_is_at_a_path(answer: Any, is_file: bool, content: bytes | None) -> None:
    """A file, a link, a submodule or a folder."""
    api = ScriptedApi(lambda place, query: answer if (place, query) == ("GET contents/a", {"ref": "main"}) else None)
    found = asyncio.run(find_content(api, "contents", "a", ref="main"))
    assert isinstance(found, ApiContent)
    assert (found.is_file, found.content) == (is_file, content)
    assert asyncio.run(find_content(api, "contents", "a", ref="gone")) is None


@pytest.mark.parametrize("content", ["a", "\u00e9", 7, None])
def test_content_that_is_not_base64_is_no_answer(content: Any) -> None:
    """The same request may work later."""
    api = ScriptedApi(lambda _place, _query: {"type": "file", "encoding": "base64", "content": content})
    with pytest.raises(ProviderUnavailable):
        asyncio.run(find_content(api, "contents", "a", ref="main"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.py", True), ("a/b c.py", True), ("", False), ("/a", False), ("a/", False), ("a/../b", False), ("a\0", False)],
)
def test_a_path_that_no_file_has(path: str, expected: bool) -> None:
    """Servers resolve dots, so that another place would be asked."""
    assert is_file_path(path) is expected
