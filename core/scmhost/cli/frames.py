"""``scmhost frames``."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .context import json_option, remark, say, say_json
from .input import read_input

if TYPE_CHECKING:
    from scmhost.frames import Frame, Reading


@click.command(name="frames")
@click.argument("file", default="-", metavar="[FILE|-]")
@json_option
def command(*, file: str, as_json: bool) -> None:
    """Print the frames of stack traces. Reads FILE, or standard input.

    Any text will do: a trace, several, a log, or the JSON of an event. Frames come in the order of the text, and
    paths as they are printed.
    """
    from scmhost.frames import read_text

    reading = read_text(read_input(file))
    if as_json:
        say_json({"frames": [asdict(found.frame) for found in reading.frames]})
        return
    for found in reading.frames:
        say(described(found.frame))
    remark(summary(reading))


def described(frame: "Frame") -> str:
    """A frame in a line: its place, then its function."""
    place = ":".join(str(part) for part in (frame.path, frame.line, frame.column) if part is not None)
    names = [part for part in (frame.module, frame.function) if part]
    return f"{place}  {' '.join(names)}".rstrip()


def summary(reading: "Reading") -> str:
    """How much was understood."""
    rest = " The rest of the text was not read." if reading.truncated else ""
    return f"{len(reading.frames)} frames; {reading.unread} lines are of no trace.{rest}"
