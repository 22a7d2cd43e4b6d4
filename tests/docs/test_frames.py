"""The page about frames."""

import runpy
from pathlib import Path

import pytest

from manual import Terminal, page, steps, write_files
from scmhost.frames.source_paths import LANGUAGES

PAGE = page("docs/frames.md")


def test_the_page_shows_what_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever types what the page says sees what the page says."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = steps(PAGE)
    assert len(listed) == 2
    assert Terminal().follow(listed) == listed


def test_the_page_shows_what_a_stream_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program on the page prints what the page says."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("stream.py")
    assert capsys.readouterr().out == Path("stream.out").read_text(encoding="utf-8")


def test_every_language_is_named() -> None:
    """Each word that a frame's language may be stands on the page."""
    assert [word for word in LANGUAGES if f"`{word}`" not in PAGE] == []
