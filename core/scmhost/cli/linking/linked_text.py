"""From text as it comes to the same text with links, line by line."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from scmhost.frames import Found, LineReader
from scmhost.frames.notation import REACH

from .formats import Format, Shown, shifted
from .text_stream import Arrived, Line

_MOST_REASONS: Final = 8

Link = Callable[[Sequence[Found]], Sequence[Shown]]


@dataclass(slots=True)
class _Held:
    """A line that is not printed yet. ``shown`` is how much of it already is."""

    line: Line
    shown: int = 0
    frames: list[Found] = field(default_factory=list)


class LinkedText:
    """Prints text with links. A line waits until no later one can tell of a frame on it, or until none comes."""

    def __init__(self, link: Link, form: Format) -> None:
        self.tally = Tally()
        self._link = link
        self._form = form
        self._reader = LineReader()
        self._held: deque[_Held] = deque()
        # The number of the first line that is held, as the reader counts.
        self._first = 0
        self._shown = 0

    @property
    def unread(self) -> int:
        """How many lines are of no trace."""
        return self._reader.unread

    def take(self, arrived: Arrived) -> None:
        """Take in what has come, and print what can be printed."""
        for line in arrived.lines:
            self._held.append(_Held(line, self._shown))
            self._shown = 0
        self._place(self._reader.feed_all([line.text for line in arrived.lines]))
        if arrived.idle:
            self._place(self._reader.flush())
        self._release(0 if arrived.idle else REACH)
        if len(arrived.begun) > self._shown:
            self._form.part(arrived.begun[self._shown :])
            self._shown = len(arrived.begun)

    def take_whole(self, lines: Sequence[Line], frames: Iterable[Found]) -> None:
        """Print lines whose frames are all known, as those of a document are."""
        self._held.extend(_Held(line) for line in lines)
        self._place(frames)
        self._release(0)
        self._first -= len(lines)

    def _place(self, frames: Iterable[Found]) -> None:
        for found in frames:
            at = found.text_line - self._first
            # Of a line that is printed already, only the link can be told, below the line that told of it.
            late = at < 0
            self._held[-1 if late else at].frames.append(replace(found, start=0, end=0) if late else found)

    def _release(self, keep: int) -> None:
        ready = [self._held.popleft() for _ in range(max(len(self._held) - keep, 0))]
        self._first += len(ready)
        shown = iter(self._link([found for held in ready for found in held.frames]))
        for held in ready:
            frames = [next(shown) for _ in held.frames]
            self.tally.count(frames)
            self._form.line(held.line.text[held.shown :], held.line.ending, _behind(frames, held.shown))


class Tally:
    """How many frames have links, and why the others have none."""

    def __init__(self) -> None:
        self.frames = 0
        self.links = 0
        self._reasons: Counter[tuple[str, str, str]] = Counter()

    def count(self, frames: Sequence[Shown]) -> None:
        """Count frames in."""
        self.frames += len(frames)
        for frame in frames:
            if frame.url:
                self.links += 1
            else:
                self._reasons[self._key(frame)] += 1

    def _key(self, frame: Shown) -> tuple[str, str, str]:
        key = (frame.reason, frame.message, frame.next_step)
        return key if key in self._reasons or len(self._reasons) < _MOST_REASONS else ("other reasons", "", "")

    def lines(self) -> list[str]:
        """The count in sentences."""
        told = [f"{self.links} of {self.frames} frames have links."]
        for (reason, message, step), count in self._reasons.items():
            told.append(" ".join([f"{count} without: {reason}.", *map(_sentence, filter(None, (message, step)))]))
        return told


def _sentence(text: str) -> str:
    """Reasons of plugins and switches end as their writers like."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _behind(frames: Sequence[Shown], shown: int) -> Sequence[Shown]:
    """Frames of a line of which a beginning is printed already."""
    return [frame for frame in shifted(frames, shown) if frame.found.start >= 0] if shown else frames
