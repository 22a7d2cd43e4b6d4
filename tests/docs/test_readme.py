"""The first page that people read."""

from pathlib import Path

import pytest

from command import GitRepository, scmhost
from manual import Terminal, blocks, page, steps, write_files

README = page("README.md")
DEMO = next(block.text for block in blocks(README) if block.language == "text" and block.name is None)
TITLES = [part.splitlines()[0] for part in DEMO.split("\n\n") if len(part.splitlines()) > 1 and "Trace" not in part]


def test_the_quick_start_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever types what the page says sees what the page says."""
    write_files(README, tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = steps(README)
    assert len(listed) > 5
    assert Terminal().follow(listed) == listed


def test_the_demo_takes_the_steps_that_are_shown(tmp_path: Path) -> None:
    """Each step of the demo has the title that the page shows, and at its end there are links."""
    GitRepository(tmp_path).commit(files={"prices.py": "def total(prices):\n    return sum(prices)\n"})
    printed = scmhost("demo", "--git", tmp_path).out
    assert len(TITLES) == 5
    assert [title for title in TITLES if title not in printed] == []
    assert "1 of 1 frames have links." in printed
