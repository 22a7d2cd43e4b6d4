"""``scmhost url``, ``remote`` and ``read-url``."""

import io
import json
import sys
from typing import Any

import pytest

from command import scmhost

BASE = {"kind": "gitea", "base_url": "https://git.example/sub", "repo": "team/app"}


class Stdin:
    """Standard input that holds these bytes."""

    def __init__(self, text: bytes) -> None:
        self.buffer = io.BytesIO(text)


def answers_of(monkeypatch: pytest.MonkeyPatch, command: str, *requests: object) -> list[dict[str, Any]]:
    """Return the answers to requests; bytes are sent unchanged."""
    lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in requests]
    monkeypatch.setattr(sys, "stdin", Stdin(b"\n".join(lines) + b"\n"))
    done = scmhost(command, "--jsonl")
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_url_of_every_type_of_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each type of page is built from the same request."""
    of_file = {**BASE, "ref": "v1", "ref_kind": "tag", "path": "a b.py", "line": 3}
    answers = answers_of(
        monkeypatch,
        "url",
        of_file,
        {**of_file, "type": "raw"},
        {**of_file, "type": "tree", "path": ""},
        {**BASE, "type": "compare", "base": "v1", "head": "v2"},
        {**BASE, "type": "commit", "ref": "c0ffee"},
        {**BASE, "type": "repo"},
    )
    assert [answer["url"].removeprefix("https://git.example/sub/team/app") for answer in answers] == [
        "/src/tag/v1/a%20b.py#L3",
        "/raw/tag/v1/a%20b.py",
        "/src/tag/v1",
        "/compare/v1...v2",
        "/commit/c0ffee",
        "",
    ]


@pytest.mark.parametrize(
    ("invalid", "reason"),
    [
        (b"{", "malformed_input"),
        (b"", "malformed_input"),
        (b"[1]", "malformed_input"),
        (b"\xff", "malformed_input"),
        (b"[" * 50_000, "malformed_input"),
        ({}, "bad_url"),
        ({"remote": "/srv/app"}, "bad_url"),
        ({"remote": "git@git.example:team/app", "ref": "main", "path": "a"}, "no_source_pages"),
        ({**BASE, "kind": "nope"}, "bad_template"),
        ({**BASE, "template": "{path}", "path": "a"}, "bad_template"),
        ({**BASE, "type": "nope"}, "malformed_input"),
        ({**BASE, "ref": "main", "path": "../a"}, "path_outside_repository"),
        ({**BASE, "ref": "main", "path": "a\x00"}, "not_a_file"),
        ({**BASE, "ref": "a..b", "path": "a"}, "no_ref"),
        ({**BASE, "type": "compare", "base": "v1"}, "no_ref"),
        ({**BASE, "base_url": "ftp://git.example", "ref": "main", "path": "a"}, "bad_url"),
        ({**BASE, "base_url": "https://u:s3cret@git.example", "ref": "main", "path": "a"}, "bad_url"),
    ],
)
def test_invalid_request_gets_a_reason(monkeypatch: pytest.MonkeyPatch, invalid: object, reason: str) -> None:
    """An invalid line gets an error, and the next line is answered."""
    wrong, right = answers_of(monkeypatch, "url", invalid, {**BASE, "ref": "main", "path": "a"})
    assert (wrong["reason"], bool(wrong["error"])) == (reason, True)
    assert "s3cret" not in str(wrong)
    assert right == {"url": "https://git.example/sub/team/app/src/branch/main/a"}


def test_remote_is_parsed_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer has host, repository and web page, but no password."""
    (answer,) = answers_of(monkeypatch, "remote", {"remote": "https://me:s3cret@gitlab.com/group/sub/app.git"})
    assert answer == {
        "host": "gitlab.com",
        "port": None,
        "owner": "group/sub",
        "repo": "app",
        "path": "group/sub/app",
        "kind": "gitlab",
        "web_url": "https://gitlab.com/group/sub/app",
    }


def test_page_url_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's URL gives its possible locations; known refs decide between them."""
    url = "https://github.com/team/app/blob/feature/x/a.py#L3-L5"
    open_, decided, foreign = answers_of(
        monkeypatch, "read-url", {"url": url}, {"url": url, "refs": ["main", "feature/x"]}, {"url": "https://x.example"}
    )
    assert [found["ref"] for found in open_["candidates"]] == ["feature", "feature/x"]
    assert decided["candidates"] == [
        {"repo": "team/app", "ref": "feature/x", "ref_kind": "branch", "path": "a.py", "line": 3, "end_line": 5}
    ]
    assert foreign == {"candidates": []}
