"""Checkouts that name a program in every way: linking a text runs none of them."""

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from command import GitRepository, scmhost
from scmhost.checkout.git import GitError, list_shas, read_history
from scmhost.checkout.suspects import HistoryOptions, find_suspects
from scmhost.infra.errors import ScmhostError

pytestmark = pytest.mark.thorough

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "cases/hostile_checkouts/checkouts.json").read_text(encoding="utf-8")
)
FSMONITOR = "touch {canary}; false"
TEXT = """\
  File "{root}/main.py", line 3, in run
  File "{root}/vendor/cart/a.py", line 1, in run
main.py:1: Error
cart.py:2: Error
/app/shop/cart.py:3: Error
util.py:1: Error
"""


class HostileCheckout:
    """A checkout of a case. ``canary`` is the file that a program would make."""

    def __init__(self, case: dict[str, Any], folder: Path) -> None:
        self.canary = folder / "canary"
        self._script = folder / "script"
        self._script.write_text(f"#!/bin/sh\ntouch {self.canary}\n", encoding="utf-8")
        self._script.chmod(0o755)
        self.repository = GitRepository(folder / "checkout")
        self.root = self.repository.path
        self._write({"main.py": "one\ntwo\nthree\n", "shop/cart.py": "1\n2\n3\n", **case.get("files", {})})
        self.repository.commit("First")
        self.repository.git("remote", "add", "origin", "https://github.com/acme/shop")
        self.repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.repository.commit("Second", {"main.py": "zero\none\ntwo\nthree\n"})
        self._add_repositories(case)
        if "partial" in case:
            self._lose_objects(case["partial"], case.get("lost", ["HEAD~1:main.py"]))
        if "attributes" in case:
            (self.root / ".git/info/attributes").write_text(case["attributes"], encoding="utf-8")
        self._configure(self.root / ".git/config", case.get("config", {}))
        # A changed file is what filters and drivers run for.
        (self.root / "main.py").write_text("edited\nzero\none\ntwo\nthree\n", encoding="utf-8")
        # Commits run the hooks.
        self.canary.unlink(missing_ok=True)

    def _expanded(self, text: str) -> str:
        values = {"{canary}": self.canary, "{script}": self._script, "{root}": self.root}
        for name, value in values.items():
            text = text.replace(name, str(value))
        return text

    def _write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._expanded(text), encoding="utf-8")
            file.chmod(0o755)

    def _configure(self, file: Path, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            words = ["git", "config", "--file", str(file), self._expanded(name), self._expanded(value)]
            subprocess.run(words, check=True)

    def _add_repositories(self, case: dict[str, Any]) -> None:
        if "bare" in case:
            bare = self.root / case["bare"]
            self.repository.git("init", "--quiet", "--bare", str(bare))
            self._configure(bare / "config", {"core.fsmonitor": FSMONITOR, "core.bare": "false", "core.worktree": "."})
            (bare / "index").write_bytes((self.root / ".git/index").read_bytes())
        for kind in ("nested", "submodule"):
            if kind in case:
                inner = GitRepository(self.root / case[kind])
                sha = inner.commit("Inner", {"a.py": "x\n", ".gitattributes": "*.py filter=x\n"})
                inner.git("remote", "add", "origin", "https://github.com/acme/cart")
                hostile = {"core.fsmonitor": FSMONITOR, "filter.x.clean": "touch {canary}; cat"}
                self._configure(inner.path / ".git/config", hostile)
                if kind == "submodule":
                    self.repository.git("update-index", "--add", "--cacheinfo", f"160000,{sha},{case[kind]}")
                    self.repository.git("commit", "--quiet", "--message", "Submodule")

    def _lose_objects(self, url: str, lost: list[str]) -> None:
        """Make a partial clone, in which objects of the pushed commit are missing."""
        for name in lost:
            sha = self.repository.git("rev-parse", name)
            (self.root / ".git/objects" / sha[:2] / sha[2:]).unlink()
        config = {
            "scmhost.remote": "https://github.com/acme/shop",
            "remote.origin.url": url,
            "remote.origin.promisor": "true",
            "remote.origin.partialclonefilter": "blob:none",
            "extensions.partialClone": "origin",
            "core.repositoryFormatVersion": "1",
        }
        self._configure(self.root / ".git/config", config)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case["id"])
def checkout_of_case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], HostileCheckout]:
    """The checkout of a case, which several tests read."""
    case: dict[str, Any] = request.param
    folder = tmp_path_factory.mktemp("hostile")
    settings = folder / "home/.ssh"
    settings.mkdir(parents=True)
    made = HostileCheckout(case, folder)
    if "ssh" in case:
        (settings / "config").write_text(case["ssh"], encoding="utf-8")
    return case, made


@pytest.fixture
def hostile(
    checkout_of_case: tuple[dict[str, Any], HostileCheckout], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], HostileCheckout]:
    """A case and its checkout, in which the test runs."""
    case, made = checkout_of_case
    folder = made.root / case.get("folder", ".")
    monkeypatch.setenv("HOME", str(made.root.with_name("home")))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    return case, made


def test_linking_runs_no_program_of_the_checkout(hostile: tuple[dict[str, Any], HostileCheckout]) -> None:
    """The text comes through with links, or with an error in one sentence."""
    case, checkout = hostile
    text = TEXT.replace("{root}", str(checkout.root))
    file = checkout.canary.with_name("crash.txt")
    file.write_text(text, encoding="utf-8")
    done = scmhost("link", file)
    assert not checkout.canary.exists()
    assert [line for line in done.out.splitlines() if "    -> " not in line] == text.splitlines()
    assert done.code == 1 or "    -> https://github.com/acme/" in done.out or "lost" in case
    assert done.code == 0 or done.err.startswith("error: ")


def test_reading_the_history_runs_no_program_of_the_checkout(hostile: tuple[dict[str, Any], HostileCheckout]) -> None:
    """A history without its objects is an error; nothing is fetched."""
    _, checkout = hostile
    with suppress(GitError):
        assert len(list_shas(".", "HEAD")) == len(list(read_history(".", "HEAD")))
    assert not checkout.canary.exists()


def test_suspects_run_no_program_of_the_checkout(hostile: tuple[dict[str, Any], HostileCheckout]) -> None:
    """Blame and log run without filters, text conversion and helpers."""
    case, checkout = hostile
    with suppress(ScmhostError):
        find_suspects(TEXT.replace("{root}", str(checkout.root)), HistoryOptions())
    assert not checkout.canary.exists()
    # An attack that no git falls for would prove nothing.
    if "trigger" in case:
        subprocess.run(["git", *case["trigger"]], check=False, capture_output=True, timeout=30)
        assert checkout.canary.exists()
        checkout.canary.unlink()
