"""Lines are cut out of the content of a file."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links.source_lines import (
    MAX_LINE_CHARACTERS,
    MESSAGES,
    MissingLines,
    NoLines,
    SourceLines,
    lines_around,
    read_lines,
)

texts = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20))
ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(texts, ends, st.booleans())
def test_every_line_end_separates_lines(lines: list[str], end: str, ended: bool) -> None:
    """LF, CR LF and CR give the same lines; one at the end of the file begins no further line."""
    content = end.join(lines) + (end if ended and lines else "")
    # Without a line end after it, an empty last line is no line.
    expected = lines if ended or (lines and lines[-1]) else lines[:-1]
    read = read_lines(content.encode())
    # A file that begins with a byte order mark has it as its encoding, and not in its first line.
    assert read == [line.removeprefix("\ufeff") if at == 0 else line for at, line in enumerate(expected)]


@given(st.lists(st.text(max_size=3), min_size=1, max_size=40), st.integers(-2, 45), st.integers(0, 10))
def test_lines_are_those_around_the_line(lines: list[str], line: int, margin: int) -> None:
    """The line is in its place, with as many neighbours as there are, and with none beyond the margin."""
    found = lines_around(lines, line, margin)
    if not 1 <= line <= len(lines):
        assert isinstance(found, MissingLines)
        assert found.reason is NoLines.LINE_NOT_FOUND
        assert f"has {len(lines)} lines" in found.text
        return
    assert isinstance(found, SourceLines)
    numbered = {found.start + at: text for at, text in enumerate(found.lines)}
    assert numbered == {at: text for at, text in enumerate(lines, 1) if abs(at - line) <= margin}
    assert not found.truncated


@given(st.binary(max_size=200))
def test_any_bytes_are_text_that_can_be_sent_or_no_text(content: bytes) -> None:
    """No content raises, and text can be encoded as UTF-8 and has no NUL."""
    for line in read_lines(content) or []:
        line.encode()
        assert not {"\0", "\r", "\n"} & set(line)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\r\n\r\nb", ["a", "", "b"]),
        (b"a\x0cb\x1c\xc2\x85\xe2\x80\xa8c\n", ["a\x0cb\x1c\x85\u2028c"]),
        ("price: 3 €".encode(), ["price: 3 €"]),
        ("Grüße\n".encode("latin-1"), ["Grüße"]),
        (codecs.BOM_UTF8 + b"a\n", ["a"]),
        ("\ufeffä\nb".encode("utf-16-le"), ["ä", "b"]),
        ("\ufeffä\nb".encode("utf-16-be"), ["ä", "b"]),
        ("\ufeffä\nb".encode("utf-32-le"), ["ä", "b"]),
        (b"\x7fELF\0\1\n", None),
        (codecs.BOM_UTF16_LE + b"a", None),
        (codecs.BOM_UTF8 + b"\xff\xff", None),
        (codecs.BOM_UTF16_LE + b"a\0\0\0", None),
        ("without a mark".encode("utf-16-le"), None),
    ],
)
def test_text_is_told_from_other_files(content: bytes, lines: list[str] | None) -> None:
    """NUL is in no text; only line ends end a line, not every character that Unicode counts as one."""
    assert read_lines(content) == lines


def test_long_lines_are_cut() -> None:
    """A line over the limit is cut, and the result states it; other lines stay whole."""
    whole, long = "x" * MAX_LINE_CHARACTERS, "y" * (MAX_LINE_CHARACTERS + 1)
    lines = [whole, "a", long, "b"]
    assert lines_around(lines, 1, 1) == SourceLines(1, (whole, "a"))
    assert lines_around(lines, 2, 1) == SourceLines(1, (whole, "a", "y" * MAX_LINE_CHARACTERS), truncated=True)
    assert lines_around(lines, 4, 0) == SourceLines(4, ("b",))


def test_every_reason_has_a_sentence() -> None:
    """A message of its own replaces that of the reason."""
    assert set(MESSAGES) == set(NoLines)
    assert all(text.endswith(".") for text in MESSAGES.values())
    texts = [MissingLines(NoLines.FORBIDDEN, message).text for message in ("", "Not yours.")]
    assert texts == [MESSAGES[NoLines.FORBIDDEN], "Not yours."]
