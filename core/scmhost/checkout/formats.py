"""Output formats of linked text, one class each. Control characters of the text never reach a terminal or a page."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

# git starts before all notations are imported.
if TYPE_CHECKING:
    from scmhost.frames import FrameMatch

Write = Callable[[str], object]

_MARKUP: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_ENTITIES: Final = str.maketrans(_MARKUP)
# A code host would notify people, link issues or set formulas, on some hosts in preformatted text too.
_MARKDOWN_ENTITIES: Final = str.maketrans({**_MARKUP, "@": "&#64;", "#": "&#35;", "$": "&#36;"})
GUESS_LEGEND: Final = "~ marks a guess: the file has the same name and folder, but the rest of the path differs."
# Colours, and "erase to the end of the line", which tools print with them.
_COLOUR: Final = r"\x1b\[[\d;:]{0,64}[mK]"
# Window titles, hyperlinks and notifications contain no text.
_COMMAND: Final = r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"
# Direction marks can reorder the text around them.
_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL: Final = f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_DIRECTIONS}\u2028\u2029\ufeff]"

_ON_TERMINAL: Final = re.compile(f"({_COLOUR})|({_COMMAND})|{_CONTROL}")
# Compiled at first use: plain text does not need them.
_ON_PAGE: Final = f"{_COLOUR}|({_COMMAND})|{_CONTROL}|[\ud800-\udfff]"
_ALTERNATE_SCREEN: Final = re.compile(r"\x1b\[\?(?:1049|1047|47)([hl])")
# JSON escapes the other control characters itself.
_RAW_IN_JSON: Final = "[\x7f-\x9f\ud800-\udfff]"
_RESET: Final = "\x1b[0m"
_PAGE: Final = """\
<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Stack trace</title>
<style>:root { color-scheme: light dark } pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>
<pre>
"""


class LinkedFrame(NamedTuple):
    """A frame and its link, or the reason why it has none.

    Attributes:
        found: the frame and its position in the text.
        url: its link, or None.
        facts: the frame in JSON output.
        reason: why there is no link.
        message: details of the reason.
        next_step: what to do about it.
        ignored: True for a diagnostic that is no place: it is neither shown nor counted as missing.
    """

    found: "FrameMatch"
    url: str | None
    facts: Mapping[str, object]
    reason: str = ""
    message: str = ""
    next_step: str = ""
    ignored: bool = False

    @property
    def is_guess(self) -> bool:
        """True if the link may lead to another file than the one that ran."""
        return self.url is not None and self.facts.get("confidence") == "low"


class Format(Protocol):
    """An output format. ``line`` takes each line with its ending, and the frames on it in their order."""

    def begin(self) -> None: ...
    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None: ...
    def part(self, text: str) -> None: ...
    def end(self, facts: Mapping[str, object]) -> None: ...


class PlainText:
    """The unchanged text; each link is on its own line below its frame."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._pending: list[LinkedFrame] = []

    def begin(self) -> None:
        """Print nothing before the text."""

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the line, and after its end the links of its frames."""
        self._write(text + ending)
        self._pending += [frame for frame in frames if frame.url]
        if ending:
            # Text of Windows, and of a terminal in raw mode, needs the carriage return on every line.
            self._write_links("\r\n" if text.endswith("\r") else ending)

    def part(self, text: str) -> None:
        """Print the start of an incomplete line."""
        self._write(text)

    def end(self, _facts: Mapping[str, object]) -> None:
        """Print the links of a last line without a line ending."""
        if self._pending:
            self._write("\n")
        self._write_links("\n")

    def _write_links(self, ending: str) -> None:
        for frame in self._pending:
            self._write(f"    -> {frame.url}{' ~' * frame.is_guess}{ending}")
        self._pending.clear()


class Hyperlinks:
    """The text with its frames as links in OSC 8 sequences. Terminals without links ignore these."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._coloured = False

    def begin(self) -> None:
        """Print nothing before the text."""

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the line without its control characters."""
        self._write(joined(text, frames, self._safe, _hyperlink) + ending)

    def part(self, text: str) -> None:
        """Print the start of an incomplete line."""
        self._write(self._safe(text))

    def end(self, _facts: Mapping[str, object]) -> None:
        """Reset colours that the text has left on."""
        if self._coloured:
            self._write(_RESET)

    def _safe(self, text: str) -> str:
        self._coloured = self._coloured or "\x1b[" in text
        return _for_terminal(text)


class ProgramOutput:
    """Output of a program that may control this terminal: every byte passes, and only links are added.

    A full-screen program draws at fixed positions, so nothing is added while the alternate screen is shown.
    """

    def __init__(self, write: Write, *, hyperlinks: bool) -> None:
        self._write = write
        self._hyperlinks = hyperlinks
        self._below = PlainText(write)
        self._full_screen = False

    def begin(self) -> None:
        """Print nothing before the output."""

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the line, with its links unless a full-screen program draws."""
        self._follow_screen(text)
        shown = () if self._full_screen else frames
        if self._hyperlinks:
            self._write(joined(text, shown, str, _hyperlink) + ending)
        else:
            self._below.line(text, ending, shown)

    def part(self, text: str) -> None:
        """Print the start of an incomplete line."""
        self._follow_screen(text)
        self._write(text)

    def end(self, facts: Mapping[str, object]) -> None:
        """Print the links of a last line without a line ending."""
        self._below.end(facts)

    def _follow_screen(self, text: str) -> None:
        for switch in _ALTERNATE_SCREEN.finditer(text):
            self._full_screen = switch[1] == "h"


class Markdown:
    """A preformatted block for a comment or a job summary. Unlike a fenced block it keeps columns and has links."""

    def __init__(self, write: Write) -> None:
        self._lines = _PreformattedLines(write, _MARKDOWN_ENTITIES)

    def begin(self) -> None:
        """Open the block."""
        self._lines.write("<pre>\n")

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the escaped line."""
        self._lines.line(text, ending, frames)

    def part(self, text: str) -> None:
        """Print nothing: incomplete lines cannot be converted."""

    def end(self, _facts: Mapping[str, object]) -> None:
        """Close the block, and explain the mark of guesses."""
        self._lines.write("</pre>\n")
        if self._lines.has_guess:
            self._lines.write(f"\n\\{GUESS_LEGEND}\n")


class Html:
    """A page for a browser; its ``pre`` element can be copied into another page."""

    def __init__(self, write: Write) -> None:
        self._lines = _PreformattedLines(write, _ENTITIES)

    def begin(self) -> None:
        """Print the head of the page."""
        self._lines.write(_PAGE)

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the escaped line."""
        self._lines.line(text, ending, frames)

    def part(self, text: str) -> None:
        """Print nothing: incomplete lines cannot be converted."""

    def end(self, _facts: Mapping[str, object]) -> None:
        """Close the page, and explain the mark of guesses."""
        self._lines.write("</pre>\n")
        if self._lines.has_guess:
            self._lines.write(f"<p>{GUESS_LEGEND}</p>\n")


class _PreformattedLines:
    """The lines of a ``pre`` element, which Markdown and pages share."""

    def __init__(self, write: Write, entities: Mapping[int, str]) -> None:
        self.write = write
        self.has_guess = False
        self._entities = entities

    def line(self, text: str, ending: str, frames: Sequence[LinkedFrame]) -> None:
        self.has_guess = self.has_guess or any(frame.is_guess for frame in frames)
        self.write(joined(text.rstrip("\r"), frames, self._escaped, html_link) + ("\n" if ending else ""))

    def _escaped(self, text: str) -> str:
        return _for_page(text).translate(self._entities)


class Json:
    """One JSON object: ``frames``, then the facts that are known at the end."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._has_frames = False

    def begin(self) -> None:
        """Open the object."""
        self._write('{"frames": [')

    def line(self, _text: str, _ending: str, frames: Sequence[LinkedFrame]) -> None:
        """Print the frames only."""
        for frame in frames:
            if frame.ignored:
                continue
            self._write((", " if self._has_frames else "") + json_text(frame.facts))
            self._has_frames = True

    def part(self, text: str) -> None:
        """Print nothing: JSON output has no text."""

    def end(self, facts: Mapping[str, object]) -> None:
        """Close the object."""
        rest = json_text(facts)[1:]
        self._write(f"], {rest}\n")


FORMATS: Final[Mapping[str, Callable[[Write], Format]]] = MappingProxyType(
    {"text": PlainText, "hyperlinks": Hyperlinks, "markdown": Markdown, "html": Html, "json": Json}
)


def frame_facts(found: "FrameMatch") -> dict[str, object]:
    """Return the frame itself for JSON output. ``textLine`` counts from 1, as in the API."""
    frame = found.frame
    return {
        "path": frame.path,
        "line": frame.line,
        "column": frame.column,
        "function": frame.function,
        "module": frame.module,
        "language": frame.language,
        "kind": frame.kind,
        "diagnosticMessage": frame.message,
        "textLine": found.text_line + 1,
    }


def joined(
    text: str, frames: Sequence[LinkedFrame], plain: Callable[[str], str], linked: Callable[[str, str], str]
) -> str:
    """Return a line with its frames as links; of two overlapping frames only the first. ``plain`` converts text."""
    parts: list[str] = []
    at = 0
    for frame in frames:
        start, end = frame.found.start, min(frame.found.end, len(text))
        # The span is empty if the frame's line was printed before the frame was complete.
        if frame.url and at <= start < end:
            parts += [plain(text[at:start]), linked(plain(text[start:end]), frame.url), "~" * frame.is_guess]
            at = end
    return "".join([*parts, plain(text[at:])])


def shifted(frames: Sequence[LinkedFrame], by: int) -> list[LinkedFrame]:
    """Return the frames of a line whose first ``by`` characters are removed."""
    moved = (frame.found._replace(start=frame.found.start - by, end=frame.found.end - by) for frame in frames)
    return [frame._replace(found=found) for frame, found in zip(frames, moved, strict=True)]


def html_link(escaped: str, url: str) -> str:
    """Return an escaped text as a link."""
    return f'<a href="{url.translate(_ENTITIES)}" rel="noopener noreferrer">{escaped}</a>'


def markdown_text(text: str) -> str:
    """Escape a text for a block of HTML in Markdown. It has no line ends, because a blank line would end the block."""
    return " ".join(_for_page(text).split("\n")).translate(_MARKDOWN_ENTITIES)


def _hyperlink(text: str, url: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def json_text(value: object) -> str:
    """Return a value as JSON. Characters stay readable, but not those that a terminal or UTF-8 does not take."""
    import json

    return safe_json(json.dumps(value, ensure_ascii=False))


def safe_json(text: str) -> str:
    """Return JSON with lone surrogates, which UTF-8 has not, and control characters of 8 bits as escapes."""
    return re.sub(_RAW_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def coloured(text: str) -> str:
    """Keep colours; replace other control characters by visible symbols."""
    return _for_terminal(text)


def printable(text: str) -> str:
    """Replace control characters and lone surrogates by visible symbols, and remove colours."""
    return _for_page(text)


def _for_terminal(text: str) -> str:
    """Keep colours; replace other control characters by visible symbols."""
    # Lone surrogates stay: they are written as the bytes that they came from.
    return _ON_TERMINAL.sub(_visible_but_colours, text)


def _for_page(text: str) -> str:
    """Remove colours; replace other control characters by visible symbols. The result is not escaped yet."""
    return re.sub(_ON_PAGE, _visible, text)


def _visible_but_colours(match: re.Match[str]) -> str:
    return match[1] or _visible(match)


def _visible(match: re.Match[str]) -> str:
    text = match[0]
    # The carriage return before a line feed is part of the line ending.
    if len(text) > 1 or text == "\r":
        return ""
    code = ord(text)
    # Unicode has a picture of each control character of ASCII.
    if code < ord(" "):
        return chr(0x2400 + code)
    return "\u2421" if text == "\x7f" else "\ufffd" if 0xD800 <= code <= 0xDFFF else f"<U+{code:04X}>"  # noqa: PLR2004
