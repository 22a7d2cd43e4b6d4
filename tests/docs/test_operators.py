"""The commands and tables in docs/operators.md."""

import re
from pathlib import Path

import pytest

from pages import ROOT, Terminal, page, steps, write_files
from scmhost.cli.main import EPILOG

PAGE = page("docs/operators.md")
EVENT = re.compile(r"\blog\.\w+\(\s*\"([^\"]+)\"")


def test_commands_print_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands print what the page shows."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = steps(PAGE)
    assert len(listed) > 5
    assert Terminal().follow(listed) == listed


def test_every_exit_code_is_on_the_page() -> None:
    """The page lists the exit codes that the help lists."""
    codes = re.findall(r"\b(\d) ", EPILOG.partition("Exit codes:")[2])
    assert re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE) == codes


def test_every_event_of_the_log_is_on_the_page() -> None:
    """The page explains every event of the log."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.py"))
    table = PAGE.partition("| event | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_ ]+)`", table)) >= set(EVENT.findall(code)) > set()
