"""A git repository as the working directory, without the settings of the machine."""

import os
from pathlib import Path

import pytest

from command import GitRepository


@pytest.fixture(autouse=True)
def isolated_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the user or the system applies, and no repository above the test's folder is found."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A repository with one commit of two files, as the working directory."""
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", {"main.py": "one\ntwo\nthree\n", "shop/cart.py": "".join(f"{n}\n" for n in range(1, 31))})
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("PWD", str(made.path))
    return made
