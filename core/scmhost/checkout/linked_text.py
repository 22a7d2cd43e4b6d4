"""Print text with links, line by line, while it arrives."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from scmhost.frames import FrameMatch, LineReader
from scmhost.frames.notation import MAX_LINES_BACK

from .formats import Format, LinkedFrame, shifted
from .stream import Chunk, TextLine

_MOST_REASONS: Final = 8

LinkFunction = Callable[[Sequence[FrameMatch]], Sequence[LinkedFrame]]


@dataclass(slots=True)
class _HeldLine:
    """A line that is not printed yet. The first ``printed`` characters of it are."""

    line: TextLine
    printed: int = 0
    frames: list[FrameMatch] = field(default_factory=list)


class LinkedText:
    """Prints text with links. A line is held until no later line can add a frame to it, or until the input is idle."""

    def __init__(self, link: LinkFunction, form: Format) -> None:
        self.counts = LinkCounts()
        self._link = link
        self._form = form
        self._reader = LineReader()
        self._held: deque[_HeldLine] = deque()
        # The reader's number of the first held line.
        self._first = 0
        self._partial = 0

    @property
    def unread(self) -> int:
        """Number of lines that belong to no trace."""
        return self._reader.unread

    def take(self, chunk: Chunk) -> None:
        """Read a chunk, and print the lines that are complete."""
        for line in chunk.lines:
            self._held.append(_HeldLine(line, self._partial))
            self._partial = 0
        self._assign(self._reader.feed_all([line.text for line in chunk.lines]))
        if chunk.idle:
            self._assign(self._reader.flush())
        self._release(0 if chunk.idle else MAX_LINES_BACK)
        if len(chunk.partial) > self._partial:
            self._form.part(chunk.partial[self._partial :])
            self._partial = len(chunk.partial)

    def take_document(self, lines: Sequence[TextLine], frames: Iterable[FrameMatch]) -> None:
        """Print the lines of a document whose frames are all known."""
        self._held.extend(_HeldLine(line) for line in lines)
        self._assign(frames)
        self._release(0)
        # The reader has not counted these lines.
        self._first -= len(lines)

    def _assign(self, frames: Iterable[FrameMatch]) -> None:
        for found in frames:
            index = found.text_line - self._first
            # The frame's line is printed already: its link goes below the line that completed it.
            late = index < 0
            self._held[-1 if late else index].frames.append(replace(found, start=0, end=0) if late else found)

    def _release(self, keep: int) -> None:
        ready = [self._held.popleft() for _ in range(max(len(self._held) - keep, 0))]
        self._first += len(ready)
        linked = iter(self._link([found for held in ready for found in held.frames]))
        for held in ready:
            frames = [next(linked) for _ in held.frames]
            self.counts.add(frames)
            self._form.line(held.line.text[held.printed :], held.line.ending, _unprinted(frames, held.printed))


class LinkCounts:
    """Number of frames with links, and of frames without, by reason."""

    def __init__(self) -> None:
        self.frames = 0
        self.links = 0
        self._reasons: Counter[tuple[str, str, str]] = Counter()

    def add(self, frames: Sequence[LinkedFrame]) -> None:
        """Count frames."""
        self.frames += len(frames)
        for frame in frames:
            if frame.url:
                self.links += 1
            else:
                self._reasons[self._key(frame)] += 1

    def _key(self, frame: LinkedFrame) -> tuple[str, str, str]:
        key = (frame.reason, frame.message, frame.next_step)
        return key if key in self._reasons or len(self._reasons) < _MOST_REASONS else ("other reasons", "", "")

    def lines(self) -> list[str]:
        """Return the counts as sentences."""
        lines = [f"{self.links} of {self.frames} frames have links."]
        for (reason, message, step), count in self._reasons.items():
            lines.append(" ".join([f"{count} without: {reason}.", *map(_sentence, filter(None, (message, step)))]))
        return lines


def _sentence(text: str) -> str:
    """End the text with a full stop; messages of plugins may have one already."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _unprinted(frames: Sequence[LinkedFrame], printed: int) -> Sequence[LinkedFrame]:
    """Return the frames in the rest of a line whose start is printed already."""
    return [frame for frame in shifted(frames, printed) if frame.found.start >= 0] if printed else frames
