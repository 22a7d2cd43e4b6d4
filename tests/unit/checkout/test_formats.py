"""Output formats of linked text."""

import html
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout.formats import FORMATS, LinkedFrame, frame_facts, json_text, printable, shifted
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame

URL = "https://git.example.com/a?b&c#L3"
ALL = sorted(FORMATS)
any_text = st.text(alphabet=st.characters(), max_size=30)


def frame(start: int, end: int, url: str | None = URL, path: str = "a.py") -> LinkedFrame:
    found = FrameMatch(Frame(path, 3), 0, start, end)
    return LinkedFrame(found, url, {"path": path})


def shown(form: str, text: str, frames: Sequence[LinkedFrame] = (), ending: str = "\n") -> str:
    """Return one line in a format, without what is printed before and after the text."""
    parts: list[str] = []
    FORMATS[form](parts.append).line(text, ending, frames)
    return "".join(parts)


def whole(form: str, *lines: str, facts: dict[str, object] | None = None) -> str:
    """Return lines of text without frames in a format, with its begin and end."""
    parts: list[str] = []
    made = FORMATS[form](parts.append)
    made.begin()
    for line in lines:
        made.line(line, "\n", ())
    made.end(facts or {})
    return "".join(parts)


@given(any_text)
def test_text_format_changes_nothing(text: str) -> None:
    """Even control characters are kept, because the output may go to another program."""
    assert shown("text", text) == f"{text}\n"


def test_text_format_prints_links_below_the_line() -> None:
    """Each link has its own line; a frame without a link has none."""
    assert shown("text", "a b", [frame(0, 1, "https://x/1"), frame(1, 2, None), frame(2, 3, "https://x/2")]) == (
        "a b\n    -> https://x/1\n    -> https://x/2\n"
    )


def test_text_format_waits_for_the_end_of_a_line() -> None:
    """The link of a line that arrives in parts comes after its last part."""
    parts: list[str] = []
    made = FORMATS["text"](parts.append)
    made.part("  File ")
    made.line("a.py", "", [frame(0, 4)])
    assert "".join(parts) == "  File a.py"
    made.line(", line 3", "\n", ())
    assert "".join(parts) == f"  File a.py, line 3\n    -> {URL}\n"


def test_text_format_ends_a_last_line_that_has_a_link() -> None:
    """The link is on a line of its own, although the text does not end with a line feed."""
    parts: list[str] = []
    made = FORMATS["text"](parts.append)
    made.line("a.py", "", [frame(0, 4)])
    made.end({})
    assert "".join(parts) == f"a.py\n    -> {URL}\n"


@pytest.mark.parametrize("form", ["text", "hyperlinks", "markdown"])
def test_text_without_final_line_feed_stays_so(form: str) -> None:
    """Nothing is added to a text without links."""
    parts: list[str] = []
    made = FORMATS[form](parts.append)
    made.begin()
    made.line("end", "", ())
    made.end({})
    assert "".join(parts) == "end"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[38;5;9mred\x1b[K", "\x1b[38;5;9mred\x1b[K"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\", "x"),
        ("\x1b[2J", "\u241b[2J"),
        ("a\tb", "a\tb"),
        ("a\x08b", "a\u2408b"),
        ("a\x7fb", "a\u2421b"),
        ("a\x9bb", "a<U+009B>b"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\ufeffb", "a<U+FEFF>b"),
        ("a\r", "a"),
        ("50%\r100%", "50%100%"),
        ("\udcff", "\udcff"),
    ],
)
def test_terminal_gets_only_colours(text: str, expected: str) -> None:
    """Sequences without text disappear, other control characters become visible, and raw bytes stay bytes."""
    assert shown("hyperlinks", text) == f"{expected}\n"


@pytest.mark.parametrize(("text", "end"), [("plain", ""), ("\x1b[1mbold", "\x1b[0m")])
def test_terminal_is_reset_only_after_colours(text: str, end: str) -> None:
    """A text that never changes the colour needs no reset."""
    assert whole("hyperlinks", text) == f"{text}\n{end}"


def test_terminal_is_reset_after_a_coloured_part() -> None:
    """The start of an incomplete line counts too, and is made safe."""
    parts: list[str] = []
    made = FORMATS["hyperlinks"](parts.append)
    made.part("\x1b[31m\x07")
    made.end({})
    assert "".join(parts) == "\x1b[31m\u2407\x1b[0m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text\\\n"),
        ("*b* _i_ `c` ~s~", "\\*b\\* \\_i\\_ \\`c\\` \\~s\\~\\\n"),
        ("<b> [x](y) | $m$", "\\<b\\> \\[x\\](y) \\| \\$m\\$\\\n"),
        ("# title", "&#35; title\\\n"),
        ("@ada fixed #12 & more", "&#64;ada fixed &#35;12 \\& more\\\n"),
        ("- item", "\\- item\\\n"),
        ("+ item", "\\+ item\\\n"),
        ("=====", "\\=====\\\n"),
        ("12) item", "12\\) item\\\n"),
        ("3.5 seconds", "3\\.5 seconds\\\n"),
        ("a - b", "a - b\\\n"),
        ("![alt](https://evil.example/x.png)", "\\!\\[alt\\](https://evil.example/x.png)\\\n"),
        ("back\\slash\\", "back\\\\slash\\\\\\\n"),
        ("", "\n"),
        ("   ", "\n"),
        ("    code", "&nbsp;&nbsp;&nbsp;&nbsp;code\\\n"),
        ("\tcode", "&nbsp;&nbsp;&nbsp;&nbsp;code\\\n"),
        ("\x1b[31mred\x1b[0m\r", "red\\\n"),
    ],
)
def test_markdown_keeps_the_text_literal(text: str, expected: str) -> None:
    """Markup, mentions and references of the text are escaped; line breaks and indents are kept."""
    assert shown("markdown", text) == expected


def test_markdown_link_after_an_exclamation_mark_is_no_image() -> None:
    """An image would be loaded from the code host instead of shown as a link."""
    assert shown("markdown", "!a.py", [frame(1, 5)]) == f"\\![a.py](<{URL}>)\\\n"


def test_markdown_moves_links_with_the_indent() -> None:
    """The positions of frames count from the start of the line, before its indent is replaced."""
    assert shown("markdown", "  at a.py:3", [frame(5, 9)], "") == f"&nbsp;&nbsp;at [a.py](<{URL}>):3"


@pytest.mark.parametrize("form", ["markdown", "html", "json"])
def test_incomplete_lines_are_not_printed(form: str) -> None:
    """These formats convert whole lines only."""
    parts: list[str] = []
    FORMATS[form](parts.append).part("start")
    assert parts == []


@given(any_text)
def test_html_text_is_the_text(text: str) -> None:
    """A browser shows the text itself, with visible symbols for control characters."""
    escaped = shown("html", text, ending="")
    assert html.unescape(escaped) == printable(text)
    assert not set("<>\"'") & set(escaped)


def test_html_escapes_the_url() -> None:
    """A URL cannot end its attribute, and the page of the code host gets no access to this one."""
    url = 'https://x/"><script>&'
    assert shown("html", "<a>", [frame(0, 3, url)]) == (
        '<a href="https://x/&quot;&gt;&lt;script&gt;&amp;" rel="noopener noreferrer">&lt;a&gt;</a>\n'
    )


def test_html_page_is_complete() -> None:
    """The text is between the head of the page and its end."""
    page = whole("html", "one", "two\r")
    assert page.startswith('<!doctype html>\n<meta charset="utf-8">')
    assert page.endswith("<pre>\none\ntwo\n</pre>\n")


def test_json_has_frames_and_facts() -> None:
    """The output is one object, also without frames, and frames without a link are in it."""
    parts: list[str] = []
    made = FORMATS["json"](parts.append)
    made.begin()
    made.line("ignored", "\n", [frame(0, 1, path="a.py"), frame(0, 1, None, path="b.py")])
    made.line("ignored", "\n", [frame(0, 1, path="c.py")])
    made.end({"unreadLines": 2})
    assert json.loads("".join(parts)) == {"frames": [{"path": f"{name}.py"} for name in "abc"], "unreadLines": 2}
    assert json.loads(whole("json", "x", facts={"unreadLines": 1})) == {"frames": [], "unreadLines": 1}


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=30))
def test_json_is_valid_utf8_for_any_text(text: str) -> None:
    """Lone surrogates, which represent raw bytes, are escaped; the value stays the same."""
    encoded = json_text({"path": text}).encode()
    assert json.loads(encoded) == {"path": text}


def test_json_keeps_letters_readable() -> None:
    """Only lone surrogates are escaped."""
    assert json_text(["grüß 🎉", "\udcff"]) == '["grüß 🎉", "\\udcff"]'


def test_facts_of_a_frame_count_lines_from_one() -> None:
    """All fields of the frame are there, with null for what the text does not show."""
    found = FrameMatch(Frame("a.py", 3, function="f", language="python"), 4, 0, 4)
    assert frame_facts(found) == {
        "path": "a.py",
        "line": 3,
        "column": None,
        "function": "f",
        "module": None,
        "language": "python",
        "textLine": 5,
    }


@pytest.mark.parametrize("form", ["hyperlinks", "markdown", "html"])
def test_frames_without_link_are_plain_text(form: str) -> None:
    """Only a frame with a URL becomes a link."""
    assert shown(form, "a.py:3", [frame(0, 4, None)]) == shown(form, "a.py:3")


@pytest.mark.parametrize("form", ["hyperlinks", "markdown", "html"])
def test_every_frame_of_a_line_becomes_a_link(form: str) -> None:
    """Two frames beside each other are two links, and of two overlapping ones only the first."""
    frames = [frame(0, 2), frame(2, 4), frame(3, 5), frame(5, 5)]
    assert shown(form, "abcdef", frames).count(html.escape(URL) if form == "html" else URL) == 2


def test_frame_beyond_the_line_is_cut() -> None:
    """A position after the end of the line cannot add text."""
    assert shown("markdown", "abc", [frame(1, 99)], "") == f"a[bc](<{URL}>)"
    assert shown("markdown", "abc", [frame(9, 99)], "") == "abc"


def test_shifted_frames_move_left() -> None:
    """The frame itself stays the same."""
    (moved,) = shifted([frame(5, 9)], 2)
    assert (moved.found.start, moved.found.end, moved.url) == (3, 7, URL)


@given(any_text)
def test_printable_text_has_no_control_characters(text: str) -> None:
    """What is quoted in an error message cannot change the terminal; line feeds and tabs are kept."""
    safe = printable(f"{text}\x1b]0;x\x07\x1b[2J\u202e\ud800")
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in safe)
    assert not set(safe) & set("\x7f\x9b\u202e\ud800\u2028")
