import html
import io
import re
from contextlib import redirect_stderr
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout.formats import FORMATS, LinkedFrame
from scmhost.checkout.linked_text import Chunk, LinkedText, TextLine
from scmhost.cli.context import progress
from scmhost.frames import read_text

URL = "https://git.example.com/a?b&c#L3"
_ALLOWED = re.compile(r"\x1b\[[\d;:]*[mK]|\x1b\]8;;(?:https://[!-~]+)?\x1b\\")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")

nasty = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\x1b[]8;\x07\\m<>&\"'`*_[]()\u202e\x9b\r")),
    max_size=40,
)


class Terminal(io.StringIO):
    """A stream that reports itself as a terminal."""

    def isatty(self) -> bool:
        return True


class Links(HTMLParser):
    """The text of a page, and the targets of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.hrefs: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hrefs += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def printed(form: str, *lines: str) -> str:
    """Return lines in an output format; every frame has the same link."""
    out = io.StringIO()
    shown = FORMATS[form](out.write)
    text = LinkedText(lambda frames: [LinkedFrame(found, URL, {"path": found.frame.path}) for found in frames], shown)
    shown.begin()
    text.take(Chunk([TextLine(line, "\n") for line in lines], idle=True))
    shown.end({"unreadLines": text.unread})
    return out.getvalue()


def test_frame_is_a_hyperlink_on_a_terminal() -> None:
    """The text is unchanged except for the escape sequences of links."""
    shown = printed("hyperlinks", '  File "/srv/app/a.py", line 3, in f', "the end")
    assert shown == f'  File "\x1b]8;;{URL}\x1b\\/srv/app/a.py\x1b]8;;\x1b\\", line 3, in f\nthe end\n'


def test_colours_are_kept_and_reset_at_the_end() -> None:
    """Colours of the text are kept, and reset at the end."""
    shown = printed("hyperlinks", "\x1b[31ma.py\x1b[0m:3: Error", "\x1b[31mred")
    assert f"\x1b[31m\x1b]8;;{URL}\x1b\\a.py" in shown
    assert shown.endswith("\x1b[31mred\n\x1b[0m")


@given(st.lists(nasty, max_size=5))
def test_no_control_sequence_of_the_text_reaches_the_terminal(lines: list[str]) -> None:
    """Only colours and our own links reach the terminal."""
    shown = printed("hyperlinks", *(line.replace("\n", "") for line in lines), "a.py:3: Error")
    assert not _CONTROL.search(_ALLOWED.sub("", shown))
    assert shown.count("\x1b]8;;\x1b\\") == shown.count("\x1b]8;;h")


@given(st.lists(nasty, max_size=5))
def test_text_cannot_add_markup_to_a_page(lines: list[str]) -> None:
    """Text is escaped on a page, and every link is ours."""
    page = Links()
    page.feed(printed("html", *(line.replace("\n", "") for line in lines), "a.py:3: Error"))
    assert set(page.tags) == {"meta", "title", "style", "pre", "a"}
    assert set(page.hrefs) == {URL}
    assert not _CONTROL.search(page.text)


def test_markdown_escapes_the_text() -> None:
    """Markup and mentions of the text are escaped."""
    shown = printed("markdown", "# *no* <b> @ada", '  File "a_b.py", line 3, in f', "", "1. x")
    assert shown.splitlines() == [
        "<pre>",
        "&#35; *no* &lt;b&gt; &#64;ada",
        f'  File &quot;<a href="{html.escape(URL)}" rel="noopener noreferrer">a_b.py</a>&quot;, line 3, in f',
        "",
        "1. x",
        "</pre>",
    ]


def test_overlapping_frames_give_one_link() -> None:
    """Links are never nested."""
    (found,) = read_text("a.py:3: Error").frames
    out = io.StringIO()
    FORMATS["html"](out.write).line("a.py:3: Error", "\n", [LinkedFrame(found, URL, {})] * 2)
    assert out.getvalue().count("<a ") == 1


def test_quick_work_has_no_progress_bar() -> None:
    """On a terminal the bar appears only when the work takes long."""
    with redirect_stderr(Terminal()) as shown, progress("working", 2) as advance:
        advance(1)
        advance(1)
    assert shown.getvalue() == ""


def test_long_work_has_a_progress_bar() -> None:
    """After the delay the bar names the work."""
    with redirect_stderr(Terminal()) as shown, progress("sending commits", 2, delay=0.0) as advance:
        advance(1)
    assert "sending commits" in shown.getvalue()


def test_progress_bar_needs_a_terminal() -> None:
    """A log file contains no progress bar."""
    with redirect_stderr(io.StringIO()) as shown, progress("working", 1, delay=0.0) as advance:
        advance(1)
    assert shown.getvalue() == ""
