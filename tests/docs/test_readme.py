"""The README's commands."""

from pathlib import Path

import pytest

from pages import Terminal, page, steps, write_files

README = page("README.md")


def test_quick_start_answers_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the quick start print what the README shows."""
    write_files(README, tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = steps(README)
    assert len(listed) > 5
    assert Terminal().follow(listed) == listed
