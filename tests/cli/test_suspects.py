"""``scmhost suspects``: in a checkout, and for rows of a data set."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from command import SCMHOST, GitRepository, scmhost
from loading import load_cases

TRACE = '  File "/srv/shop/cart.py", line 3, in total\n'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout with a commit that changed the line of the trace, as the working directory."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit("Begin", {"shop/cart.py": "one\ntwo\nthree\n", "main.py": "1\n"})
    repository.git("tag", "v1")
    repository.commit("Count\x07 items", {"shop/cart.py": "one\ntwo\nbroken\n"})
    repository.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("PWD", str(repository.path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    Path("../crash.txt").write_text(TRACE, encoding="utf-8")
    return repository


def test_suspects_are_printed_with_reasons_and_pages(checkout: GitRepository) -> None:
    """Control characters of a message are shown as symbols."""
    done = scmhost("suspects", "../crash.txt", "--release", "v1..main", "--first-seen", "2026-01-04T00:00:00+00:00")
    base, head = checkout.git("rev-parse", "v1", "main").split()
    assert done.code == 0
    assert done.err == ""
    assert done.out.splitlines() == [
        f"1. {head[:12]}  high  Count\u2407 items",
        "   Ada Lovelace <Ada@Example.com>, 2026-01-01T02:02:00+02:00",
        "   changed cart.py:3 two days before",
        "   only commit of v1..main that touches the trace",
        f"   https://github.com/acme/shop/commit/{head}",
        f"All changes: https://github.com/acme/shop/compare/{base}...{head}",
    ]


def test_json_has_the_same(checkout: GitRepository) -> None:
    found = json.loads(scmhost("suspects", "../crash.txt", "--json").out)
    head = checkout.shas()[0]
    first = next(one for one in found["suspects"] if one["sha"] == head)
    assert first["author"] == {"name": "Ada Lovelace", "email": "Ada@Example.com"}
    assert (first["date"], first["url"]) == ("2026-01-01T02:02:00+02:00", f"https://github.com/acme/shop/commit/{head}")
    assert (found["reason"], found["frames"]) == (None, [{"path": "shop/cart.py", "line": 3, "function": "total"}])


def test_none_is_an_answer_with_a_reason(checkout: GitRepository) -> None:
    Path("../crash.txt").write_text("no trace\n", encoding="utf-8")
    done = scmhost("suspects", "../crash.txt")
    assert (done.code, done.out, done.err) == (0, "", "No frame of the trace is in the repository.\n")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--release", "v1"], "'v1' is no range of commits"),
        (["--release", "v1..gone"], "unknown ref 'gone'"),
        (["--first-seen", "yesterday"], "'yesterday' is no date"),
        (["--map", "x"], "write STACK=SOURCE"),
    ],
)
def test_bad_options_have_an_error(checkout: GitRepository, options: list[str], problem: str) -> None:
    done = scmhost("suspects", "../crash.txt", *options)
    assert done.code != 0
    assert problem in done.err


def test_rows_are_answered_in_order(tmp_path: Path) -> None:
    """Outside of any checkout; a malformed row gets a refusal, and the rows after it their answers."""
    case, *_ = load_cases("suspects")
    rows = [case, {"frames": [{"path": "a.py"}]}, case]
    text = "\n".join([json.dumps(rows[0]), "{", json.dumps(rows[1]), json.dumps(rows[2])]) + "\n"
    done = subprocess.run(
        [SCMHOST, "suspects", "--jsonl"], input=text, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, refused, none, again = map(json.loads, done.stdout.splitlines())
    assert [set(one) for one in first["suspects"]] == [{"sha", "score", "confidence"}] * len(first["suspects"])
    assert first["suspects"][0]["sha"] in case["labels"]
    assert refused["reason"] == "malformed_input"
    assert none == {"suspects": [], "reason": "No commits are known."}
    assert again == first
