"""Output formats of linked text."""

import html
import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout.formats import (
    FORMATS,
    GUESS_LEGEND,
    LinkedFrame,
    ProgramOutput,
    frame_facts,
    json_text,
    printable,
    shifted,
)
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame

URL = "https://git.example.com/a?b&c#L3"
ALL = sorted(FORMATS)
any_text = st.text(alphabet=st.characters(), max_size=30)


def frame(start: int, end: int, url: str | None = URL, path: str = "a.py") -> LinkedFrame:
    found = FrameMatch(Frame(path, 3), 0, start, end)
    return LinkedFrame(found, url, {"path": path})


def guess(url: str = URL) -> LinkedFrame:
    return frame(0, 4, url)._replace(facts={"confidence": "low"})


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


@pytest.mark.parametrize("form", ["text", "hyperlinks"])
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
        ("plain text", "plain text"),
        ("*b* _i_ `c` ~s~ [x](y) | - 1.", "*b* _i_ `c` ~s~ [x](y) | - 1."),
        ("<b> </pre> & \"q\" 'q'", "&lt;b&gt; &lt;/pre&gt; &amp; &quot;q&quot; &#39;q&#39;"),
        ("@ada fixed #12 for $5", "&#64;ada fixed &#35;12 for &#36;5"),
        ("", ""),
        ("    code   x", "    code   x"),
        ("\tcode", "\tcode"),
        ("\x1b[31mred\x1b[0m\r", "red"),
    ],
)
def test_markdown_keeps_the_text_literal(text: str, expected: str) -> None:
    """In a preformatted block only entities are needed; indents and columns are kept."""
    assert shown("markdown", text) == f"{expected}\n"


def test_markdown_is_one_preformatted_block() -> None:
    """Blank lines do not end the block."""
    assert whole("markdown", "a  b", "", "c") == "<pre>\na  b\n\nc\n</pre>\n"


@given(st.lists(any_text, max_size=4))
def test_text_cannot_end_the_block_of_markdown(lines: list[str]) -> None:
    """The only markup is the block itself."""
    block = whole("markdown", *(line.replace("\n", " ") for line in lines))
    assert (block.count("<"), block.count(">")) == (2, 2)


def test_markdown_aligns_code_below_a_link() -> None:
    """A marker below the code stays below the same column."""
    lines = ["cart.py:2:12: error", "           ^"]
    parts: list[str] = []
    made = FORMATS["markdown"](parts.append)
    made.line(lines[0], "\n", [frame(0, 9)])
    made.line(lines[1], "\n", ())
    seen = html.unescape(re.sub("<[^>]*>", "", "".join(parts)))
    assert seen.splitlines() == lines


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "a.py:3\n    -> https://x ~\n"),
        ("hyperlinks", "\x1b]8;;https://x\x1b\\a.py\x1b]8;;\x1b\\~:3\n"),
        ("markdown", '<a href="https://x" rel="noopener noreferrer">a.py</a>~:3\n'),
        ("html", '<a href="https://x" rel="noopener noreferrer">a.py</a>~:3\n'),
    ],
)
def test_guess_is_marked(form: str, expected: str) -> None:
    """A link of low confidence has a tilde in every format for people."""
    assert shown(form, "a.py:3", [guess("https://x")]) == expected


@pytest.mark.parametrize("confidence", ["high", "medium", None])
def test_other_links_are_not_marked(confidence: str | None) -> None:
    """Only a low confidence is a guess, and only a link can be one."""
    assert not guess()._replace(facts={"confidence": confidence}).is_guess
    assert not guess()._replace(url=None).is_guess


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_page_with_a_guess_explains_the_mark(form: str) -> None:
    """Readers of a page do not see the summary of the command."""
    parts: list[str] = []
    made = FORMATS[form](parts.append)
    made.line("a.py:3", "\n", [guess()])
    made.end({})
    assert GUESS_LEGEND in "".join(parts)
    assert GUESS_LEGEND not in whole(form, "a.py:3")


def test_links_below_have_the_ending_of_their_line() -> None:
    """A terminal in raw mode needs the carriage return on each line."""
    assert shown("text", "a.py:3\r", [frame(0, 4, "https://x")]) == "a.py:3\r\n    -> https://x\r\n"


def program_output(*lines: str, hyperlinks: bool) -> str:
    parts: list[str] = []
    made = ProgramOutput(parts.append, hyperlinks=hyperlinks)
    made.begin()
    for line in lines:
        made.line(line, "\n", [frame(0, 4, "https://x")] if line.startswith("a.py") else ())
    made.end({})
    return "".join(parts)


def test_program_controls_its_terminal() -> None:
    """Cursor movements, titles and carriage returns pass unchanged."""
    text = "\x1b[2K\x1b]0;title\x07\r 10%\r 20%"
    assert program_output(text, hyperlinks=True) == f"{text}\n"
    assert program_output(text, hyperlinks=False) == f"{text}\n"


@pytest.mark.parametrize("hyperlinks", [True, False])
@pytest.mark.parametrize("mode", ["1049", "1047", "47"])
def test_nothing_is_added_to_a_full_screen_program(mode: str, *, hyperlinks: bool) -> None:
    """Between the two switches of the alternate screen a link would disturb the picture."""
    lines = [f"\x1b[?{mode}h", "a.py:3", f"\x1b[?{mode}l"]
    assert program_output(*lines, hyperlinks=hyperlinks) == "".join(f"{line}\n" for line in lines)
    assert "https://x" in program_output(*lines, "a.py:3", hyperlinks=hyperlinks)


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
        "kind": "frame",
        "diagnosticMessage": None,
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
    assert shown(form, "abcdef", frames).count(URL if form == "hyperlinks" else html.escape(URL)) == 2


def test_frame_beyond_the_line_is_cut() -> None:
    """A position after the end of the line cannot add text."""
    assert shown("hyperlinks", "abc", [frame(1, 99)], "") == f"a\x1b]8;;{URL}\x1b\\bc\x1b]8;;\x1b\\"
    assert shown("hyperlinks", "abc", [frame(9, 99)], "") == "abc"


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
