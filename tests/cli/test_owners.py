"""``scmhost owners``: in a checkout, with JSON lines, and its check."""

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from command import GitRepository, scmhost

FILES = {
    ".github/CODEOWNERS": "* @all\n/shop/ @shop me@example.com\n/shop/free.py\n",
    "CODEOWNERS": "* @gl\n[Docs][2] @writers\n*.md\n",
    "shop/cart.py": "",
    "shop/free.py": "",
    "a.md": "",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout as the working directory, without a remote."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files=FILES)
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return repository


def answers_of(monkeypatch: pytest.MonkeyPatch, *requests: object) -> list[dict[str, Any]]:
    lines = b"".join(json.dumps(request).encode() + b"\n" for request in requests)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    done = scmhost("owners", "--jsonl")
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_owners_of_files_with_the_rules_of_the_remote(checkout: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the working directory; the answer names the file and the line."""
    checkout.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    monkeypatch.chdir(checkout.path / "shop")
    done = scmhost("owners", "cart.py", "../a.md", "free.py", checkout.path / "shop" / "new.py")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "shop/cart.py: @shop me@example.com (.github/CODEOWNERS:2)",
        "a.md: @all (.github/CODEOWNERS:1)",
        "shop/free.py: no owner (.github/CODEOWNERS:3)",
        "shop/new.py: @shop me@example.com (.github/CODEOWNERS:2)",
    ]


def test_folders_and_symbolic_links(checkout: GitRepository) -> None:
    """A folder has the owners of what is in it; a link to a file has owners of its own."""
    (checkout.path / "link.py").symlink_to("shop/cart.py")
    assert [line.split(" (")[0] for line in scmhost("owners", "shop", ".", "link.py").out.splitlines()] == [
        "shop/: @shop me@example.com",
        "./: @all",
        "link.py: @all",
    ]


def test_dialect_option_selects_file_and_rules(checkout: GitRepository) -> None:
    """GitLab does not look into .github; each section has an answer."""
    done = scmhost("owners", "--dialect", "gitlab", "a.md", "--json")
    assert json.loads(done.out) == {
        "file": "CODEOWNERS",
        "dialect": "gitlab",
        "owners": [
            {"path": "a.md", "owners": ["@gl"], "line": 1, "section": None},
            {"path": "a.md", "owners": ["@writers"], "line": 3, "section": "Docs"},
        ],
    }
    assert scmhost("owners", "a.md", "--dialect", "gitlab").out.splitlines()[1] == (
        "a.md: @writers (CODEOWNERS:3 [Docs])"
    )


def test_folder_of_the_file_shows_the_dialect_without_a_remote(checkout: GitRepository) -> None:
    """A changed file on disk does not count, only the commit."""
    (checkout.path / ".github" / "CODEOWNERS").write_text("* @other\n", encoding="utf-8")
    assert scmhost("owners", "a.md").out == "a.md: @all (.github/CODEOWNERS:1)\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.md", "--dialect", "bitbucket"], "has no CODEOWNERS; bitbucket looks for .bitbucket/CODEOWNERS"),
        (["../x", "--dialect", "github"], "../x is outside of the checkout"),
        (["a.md", "--ref", "v1"], "unknown ref 'v1'"),
    ],
)
def test_missing_owners_are_an_error(checkout: GitRepository, words: list[str], message: str) -> None:
    """The error names what is wrong and where the file is expected."""
    done = scmhost("owners", *words)
    assert done.code == 1
    assert message in done.err


def test_unknown_host_needs_a_dialect(checkout: GitRepository) -> None:
    """No rules are guessed."""
    checkout.commit(files={".github/CODEOWNERS": None})
    checkout.git("remote", "add", "origin", "https://svn.example.com/x/y.git")
    done = scmhost("owners", "a.md")
    assert done.code == 1
    assert "add --dialect, one of github, gitlab, bitbucket, gitea, forgejo" in done.err


def test_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer per line, with one entry per path, and in GitLab per section."""
    text = "* @a\n[S] @d\n*.md\n"
    assert answers_of(
        monkeypatch,
        {"dialect": "gitlab", "codeowners": text, "paths": ["x.md", 'y\u00e9"\\']},
        {"dialect": "github", "codeowners": "/a @b\n/a/c\n", "paths": ["a/x", "a/c", "z"]},
        {"dialect": "github", "codeowners": "", "paths": []},
        {"dialect": "svn", "codeowners": "", "paths": []},
        {"dialect": "github", "codeowners": "", "paths": [1]},
    ) == [
        {
            "owners": [
                {"path": "x.md", "owners": ["@a"], "line": 1, "section": None},
                {"path": "x.md", "owners": ["@d"], "line": 3, "section": "S"},
                {"path": 'y\u00e9"\\', "owners": ["@a"], "line": 1, "section": None},
            ]
        },
        {
            "owners": [
                {"path": "a/x", "owners": ["@b"], "line": 1, "section": None},
                {"path": "a/c", "owners": [], "line": 2, "section": None},
                {"path": "z", "owners": [], "line": None, "section": None},
            ]
        },
        {"owners": []},
        {
            "error": "malformed_input",
            "reason": "malformed_input",
            "detail": "dialect: Input should be 'github', 'gitlab', 'bitbucket', 'gitea' or 'forgejo'",
        },
        {
            "error": "malformed_input",
            "reason": "malformed_input",
            "detail": "paths.0: Input should be a valid string",
        },
    ]


def test_json_lines_of_gitea_need_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next line is answered all the same."""
    monkeypatch.setitem(sys.modules, "re2", None)
    refused, answered = answers_of(
        monkeypatch,
        {"dialect": "gitea", "codeowners": "a @never-asked-before", "paths": ["a"]},
        {"dialect": "github", "codeowners": "a @b", "paths": ["a"]},
    )
    assert refused["reason"] == "not_supported"
    assert "google-re2" in refused["detail"]
    assert answered["owners"][0]["owners"] == ["@b"]


def test_check_reads_the_file_on_disk(checkout: GitRepository) -> None:
    """Without a problem it counts the rules; with one it exits with 1."""
    assert scmhost("owners", "check").out == ".github/CODEOWNERS: 3 rules, no problem\n"
    (checkout.path / ".github" / "CODEOWNERS").write_text("* @all\n!x @a\n", encoding="utf-8")
    done = scmhost("owners", "check")
    assert done.code == 1
    assert done.out == ".github/CODEOWNERS:2: A pattern cannot be negated with !. The line is skipped.\n"


def test_check_of_a_named_file(checkout: GitRepository) -> None:
    """Bytes that are not UTF-8 are replaced."""
    (checkout.path / "mine").write_bytes(b"\xff/ @a\n[ x\n")
    done = scmhost("owners", "check", "mine", "--dialect", "gitlab")
    assert done.code == 1
    assert done.out.startswith("mine:2: The heading of a section is not closed")
    assert "FILE" in scmhost("owners", "check", "absent", "--dialect", "gitlab").err


@pytest.mark.parametrize("words", [[], ["--json"], ["a", "--jsonl"]])
def test_files_and_lines_exclude_each_other(words: list[str]) -> None:
    """Files or lines, not both."""
    assert scmhost("owners", *words).code in (0, 2)
    assert "Usage" in scmhost("owners", *words).out + scmhost("owners", *words).err


def test_help_has_a_line_for_each_option() -> None:
    """Options that the group passes on are a list, not a paragraph."""
    lines = [line.strip() for line in scmhost("owners", "--help").out.splitlines()]
    assert "--ref REF       The commit to read CODEOWNERS from (default: HEAD)." in lines
