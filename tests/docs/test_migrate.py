"""The commands in docs/migrate-from-sentry.md, run with the real sentry-cli."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from command import GitRepository
from pages import ROOT, Terminal, page, steps, write_files

PAGE = page("docs/migrate-from-sentry.md")
CART = "def total(prices):\n    return sum(prices)\n"


def test_a_build_moves_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands print what the page shows."""
    write_files(PAGE, tmp_path)
    checkout = GitRepository(tmp_path / "app")
    for message, files in (("Begin", {"README.md": "A shop\n"}), ("Cart", {"src/cart.py": CART}), ("Empty", {})):
        checkout.commit(message, files)
    checkout.git("remote", "add", "origin", "git@git.example.com:team/app.git")
    monkeypatch.chdir(tmp_path)
    listed = steps(PAGE)
    assert len(listed) > 20
    with ExitStack() as services:
        assert Terminal(services=services).follow(listed) == listed


def test_notes_on_the_page_exist_in_the_code() -> None:
    """Every note on the page is a text of the code."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "core").rglob("*.py")))
    notes = re.findall(r"^\| `(.+?)` \|", PAGE.partition("## Notes in answers")[2].partition("\n## ")[0], re.MULTILINE)
    assert len(notes) > 5
    assert [note for note in notes if note not in code] == []
