"""The bodies of pushes, and the values of commits that are read leniently."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from scmhost.sdk import (
    CommitDraft,
    CommitTime,
    FileChange,
    GitPushBody,
    ProviderError,
    Push,
    Repository,
    changes_of,
    read_body,
)

SHA, BEFORE = "b" * 40, "a" * 40
WEB = "https://git.example.com/team/app"


class Body(GitPushBody):
    """A body whose host sends an id."""

    repository_id: int = 7


class Times(BaseModel):
    """A strict model, as plugins have them."""

    model_config = ConfigDict(strict=True)

    at: CommitTime = None


def pushed(unlisted: int = 0, repositories: tuple[Repository, ...] = (), **fields: Any) -> Push:
    values = {"ref": "refs/heads/main", "before": BEFORE, "after": SHA, "commits": [{"id": SHA}], **fields}
    body = read_body(Body, json.dumps(values).encode())
    return body.push(repositories, str(body.repository_id), WEB, unlisted)


def test_a_push_is_read() -> None:
    """A path in two lists counts as deleted, else as added; a host counts no less than nothing."""
    commit = {
        "id": SHA,
        "message": "Mend it",
        "timestamp": "2026-01-02T03:04:05+01:00",
        "author": {"name": "Ada", "email": "ada@example.com", "more": 1},
        "added": ["new.py", "moved.py"],
        "modified": ["a.py", "new.py"],
        "removed": ["moved.py"],
    }
    push = pushed(-3, commits=[commit])
    assert (push.repository, push.ref, push.base, push.head, push.unlisted) == (WEB, "refs/heads/main", BEFORE, SHA, 0)
    draft = push.commits[0]
    assert (draft.message, draft.author_name, draft.author_email) == ("Mend it", "Ada", "ada@example.com")
    assert draft.timestamp == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert {(one.path, one.type) for one in draft.changes} == {("a.py", "M"), ("new.py", "A"), ("moved.py", "D")}


def test_zeros_are_no_commit() -> None:
    """Of a ref that was made or deleted."""
    push = pushed(before="0" * 40, after="0" * 64, commits=None)
    assert (push.base, push.head, push.commits) == (None, None, ())


def test_a_known_repository_is_found_by_its_id() -> None:
    """The name in the body may be a new one."""
    known = Repository(
        id=1, organization_id=1, name="Shop", external_id="7", created_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert pushed(repositories=(known,)).repository == "Shop"
    assert pushed(repositories=(known.model_copy(update={"url": f"{WEB}-old"}),)).repository == f"{WEB}-old"
    assert pushed(repositories=(known,), repository_id=8).repository == WEB


def test_odd_values_do_not_cost_the_commit() -> None:
    """A time that is none, a path that no file has, nobody as author."""
    commit = {"id": SHA, "timestamp": "yesterday", "added": ["", "a.py", "x" * 5_000], "author": None, "removed": None}
    assert pushed(commits=[commit]).commits == (CommitDraft(sha=SHA, changes=(FileChange(path="a.py", type="A"),)),)


@pytest.mark.parametrize(
    "fields",
    [
        {"ref": 7},
        {"ref": "x" * 2_000},
        {"commits": {"id": SHA}},
        {"commits": [{"id": "hidden text"}]},
        {"commits": [{"id": SHA, "added": [7]}]},
        {"after": "hidden text"},
        {"repository_id": "7"},
    ],
)
def test_a_body_that_cannot_be_read_is_an_error(fields: dict[str, Any]) -> None:
    """The text names the field, and repeats nothing of the body."""
    with pytest.raises(ProviderError, match=r"^The body of the push cannot be read: \w") as caught:
        pushed(**fields)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b'{"ref": "\xff"}', b"[" * 100_000])
def test_bytes_that_are_no_push_are_an_error(body: bytes) -> None:
    """Whatever they are."""
    with pytest.raises(ProviderError, match="cannot be read"):
        read_body(Body, body)


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z", "2026-01-02T03:04:05", 5, {}]
)
def test_a_time_that_is_none(text: object) -> None:
    """Without an offset, in the year 1, or no time at all."""
    assert Times.model_validate_json(json.dumps({"at": text})).at is None


def test_a_time_of_a_strict_model() -> None:
    """Text of JSON is a time there, too."""
    assert Times.model_validate_json('{"at": "2026-01-02T03:04:05Z"}').at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_changes_have_paths_that_can_be_stored() -> None:
    """The others are left out."""
    kinds = {"a.py": "M", "": "A", "x" * 4097: "D", "b.py": "D"}
    assert changes_of(kinds) == (FileChange(path="a.py", type="M"), FileChange(path="b.py", type="D"))
