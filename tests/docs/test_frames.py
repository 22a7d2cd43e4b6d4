"""The examples in docs/frames.md."""

import runpy
from pathlib import Path

import pytest

from pages import Terminal, page, steps, write_files
from scmhost.frames.frame import LANGUAGES

PAGE = page("docs/frames.md")


def test_commands_print_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands print what the page shows."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = steps(PAGE)
    assert len(listed) == 2
    assert Terminal().follow(listed) == listed


def test_stream_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program on the page prints what the page shows."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("stream.py")
    assert capsys.readouterr().out == Path("stream.out").read_text(encoding="utf-8")


def test_every_language_is_named() -> None:
    """The page names every language of frames."""
    assert [word for word in LANGUAGES if f"`{word}`" not in PAGE] == []
