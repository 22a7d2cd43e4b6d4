"""The forms in which linked text is printed, one class for each."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Protocol

from scmhost.frames import Found

from .harmless import RESET, for_page, for_terminal

Write = Callable[[str], object]

# What would make a code host tell people or issues: a backslash before it is not enough.
_TELLING: Final = {"@": "&#64;", "#": "&#35;"}
# Markup anywhere, and what makes a list or a heading at the beginning of a line.
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|~$&#@])|^(\d*)(?=([-+=.)]))")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_INDENT: Final = re.compile(r"[ \t]*")
_PAGE: Final = """\
<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Stack trace</title>
<style>:root { color-scheme: light dark } pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>
<pre>
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame and what became of it.

    Attributes:
        found: the frame, and where it stands in the text.
        url: its link, if it has one.
        facts: what a machine is told of it.
        reason: why there is no link.
        message: more about the reason.
        next_step: what to do about it.
    """

    found: Found
    url: str | None
    facts: Mapping[str, object]
    reason: str = ""
    message: str = ""
    next_step: str = ""


class Format(Protocol):
    """A form of output. ``line`` is given each line with its ending, and the frames on it in their order."""

    def begin(self) -> None: ...
    def line(self, text: str, ending: str, frames: Sequence[Shown]) -> None: ...
    def part(self, text: str) -> None: ...
    def end(self, facts: Mapping[str, object]) -> None: ...


class PlainText:
    """The text unchanged; each link stands on a line of its own, below its frame."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[str] = []

    def begin(self) -> None:
        """Nothing stands before the text."""

    def line(self, text: str, ending: str, frames: Sequence[Shown]) -> None:
        """The line, and when it has ended the links of its frames."""
        self._write(text + ending)
        self._waiting += [frame.url for frame in frames if frame.url]
        if ending:
            self._say_links()

    def part(self, text: str) -> None:
        """The beginning of a line that has not ended yet."""
        self._write(text)

    def end(self, _facts: Mapping[str, object]) -> None:
        """The links of a last line without an end."""
        if self._waiting:
            self._write("\n")
        self._say_links()

    def _say_links(self) -> None:
        for url in self._waiting:
            self._write(f"    -> {url}\n")
        self._waiting.clear()


class Hyperlinks:
    """The text as it is, with its frames as links: OSC 8, which terminals understand or leave out."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._coloured = False

    def begin(self) -> None:
        """Nothing stands before the text."""

    def line(self, text: str, ending: str, frames: Sequence[Shown]) -> None:
        """The line, harmless for a terminal."""
        self._write(joined(text, frames, self._harmless, _hyperlink) + ending)

    def part(self, text: str) -> None:
        """The beginning of a line that has not ended yet."""
        self._write(self._harmless(text))

    def end(self, _facts: Mapping[str, object]) -> None:
        """Colours that the text has left on go off."""
        if self._coloured:
            self._write(RESET)

    def _harmless(self, text: str) -> str:
        self._coloured = self._coloured or "\x1b[" in text
        return for_terminal(text)


class Markdown:
    """Markdown of the plain kind: every line is a line, and nothing but the links is markup."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def begin(self) -> None:
        """Nothing stands before the text."""

    def line(self, text: str, ending: str, frames: Sequence[Shown]) -> None:
        """A line that breaks at its end, its indent kept."""
        indent = _INDENT.match(text)
        width = len(indent[0].expandtabs(4)) if indent and text.strip() else 0
        begin = indent.end() if indent else 0
        shown = joined(text[begin:].rstrip("\r"), shifted(frames, begin), _markdown, _markdown_link)
        self._write("&nbsp;" * width + shown + ("\\\n" if ending and shown else "\n" if ending else ""))

    def part(self, text: str) -> None:
        """Lines are written whole."""

    def end(self, _facts: Mapping[str, object]) -> None:
        """Nothing stands behind the text."""


class Html:
    """A page that a browser opens, and whose ``pre`` can stand in another."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def begin(self) -> None:
        """The head of the page."""
        self._write(_PAGE)

    def line(self, text: str, ending: str, frames: Sequence[Shown]) -> None:
        """The line, escaped."""
        self._write(joined(text.rstrip("\r"), frames, _html, _html_link) + ("\n" if ending else ""))

    def part(self, text: str) -> None:
        """Lines are written whole."""

    def end(self, _facts: Mapping[str, object]) -> None:
        """The foot of the page."""
        self._write("</pre>\n")


class Json:
    """One JSON object: ``frames``, and behind them what is known at the end."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._some = False

    def begin(self) -> None:
        """The object opens."""
        self._write('{"frames": [')

    def line(self, _text: str, _ending: str, frames: Sequence[Shown]) -> None:
        """The frames alone."""
        for frame in frames:
            self._write((", " if self._some else "") + _json(frame.facts))
            self._some = True

    def part(self, text: str) -> None:
        """Text is left out."""

    def end(self, facts: Mapping[str, object]) -> None:
        """The object closes."""
        rest = _json(facts)[1:]
        self._write(f"], {rest}\n")


FORMATS: Final[Mapping[str, Callable[[Write], Format]]] = MappingProxyType(
    {"text": PlainText, "hyperlinks": Hyperlinks, "markdown": Markdown, "html": Html, "json": Json}
)


def frame_facts(found: Found) -> dict[str, object]:
    """What a machine is told of a frame itself. Lines of the text are counted from 1, as the API counts them."""
    frame = found.frame
    return {
        "path": frame.path,
        "line": frame.line,
        "column": frame.column,
        "function": frame.function,
        "module": frame.module,
        "language": frame.language,
        "textLine": found.text_line + 1,
    }


def joined(text: str, frames: Sequence[Shown], plain: Callable[[str], str], linked: Callable[[str, str], str]) -> str:
    """A line whose frames are links, its parts each made fit for their place. Of two that overlap the first stays."""
    parts: list[str] = []
    at = 0
    for frame in frames:
        start, end = frame.found.start, min(frame.found.end, len(text))
        if frame.url and at <= start < end:
            parts += [plain(text[at:start]), linked(plain(text[start:end]), frame.url)]
            at = end
    return "".join([*parts, plain(text[at:])])


def shifted(frames: Sequence[Shown], by: int) -> list[Shown]:
    """The frames of a line as they stand in what is left of it without so many characters at its beginning."""
    places = (replace(frame.found, start=frame.found.start - by, end=frame.found.end - by) for frame in frames)
    return [replace(frame, found=place) for frame, place in zip(frames, places, strict=True)]


def _hyperlink(text: str, url: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(_escaped_markdown, for_page(text))


def _escaped_markdown(found: re.Match[str]) -> str:
    mark: str | None = found[1]
    return f"{found[2]}\\" if mark is None else _TELLING.get(mark, f"\\{mark}")


def _markdown_link(text: str, url: str) -> str:
    return f"[{text}](<{url}>)"


def _html(text: str) -> str:
    return for_page(text).translate(_ENTITIES)


def _html_link(text: str, url: str) -> str:
    return f'<a href="{url.translate(_ENTITIES)}" rel="noopener noreferrer">{text}</a>'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
