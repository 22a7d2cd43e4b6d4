"""Tables and paragraphs of commands fit the terminal."""

import pytest

from scmhost.cli.context import table, wrapped


def test_table_cuts_long_cells_but_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row stays one line of at most the terminal's width, and its numbers stay whole."""
    monkeypatch.setenv("COLUMNS", "60")
    rows = [("ready", ", ".join(["provider"] * 20), "1234567")]
    lines = table(("STATE", "PROVIDERS", "CALLS"), rows, numbers=1)
    assert [len(line) for line in lines] == [60, 60]
    assert "…" in lines[1]
    assert lines[0].endswith("  CALLS")
    assert lines[1].endswith(" 1234567")


def test_table_takes_text_literally() -> None:
    """Square brackets are no markup, and trailing spaces are removed."""
    assert table(("A", "B"), [("[red]x", "y"), ("z", "")]) == ["A       B", "[red]x  y", "z"]


def test_paragraph_never_splits_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is longer than the line stays whole, so that it can be copied."""
    monkeypatch.setenv("COLUMNS", "40")
    path = "/srv/" + "folder/" * 10
    lines = wrapped(f"the file {path} is missing", "    ").splitlines()
    assert f"    {path}" in lines
    assert all(len(line) <= 40 for line in lines if path not in line)
