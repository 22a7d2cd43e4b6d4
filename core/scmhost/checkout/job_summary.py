"""The job summary of a test run, in Markdown: each failed test with its place linked to the source.

GitHub shows it on the page of the job. It is written in blocks of HTML, in which text of tests has no effect.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from scmhost.frames import Frame, FrameMatch
from scmhost.infra.errors import ScmhostError

from .formats import LinkedFrame, Markdown, frame_facts, html_link, markdown_text
from .linked_text import Chunk, LinkedText, LinkFunction, TextLine
from .links import CheckoutLinks, LinkOverrides

# GitHub refuses a summary of more than 1 MiB. An escaped character has up to six, and a link some hundred.
MAX_SUMMARY: Final = 600_000
MAX_TEXT: Final = 20_000
_MAX_NAME: Final = 300
_SHOWN: Final = ("failed", "error", "passed", "skipped", "xfailed", "xpassed")


class FailedTest(NamedTuple):
    """A test that failed.

    Attributes:
        name: its id.
        places: absolute paths of files, each with a line from 1: where it failed, and where it is.
        message: the error in a line.
        text: what the test runner prints on it.
    """

    name: str
    places: Sequence[tuple[str, int | None]]
    message: str = ""
    text: str = ""


def job_summary(failed: Sequence[FailedTest], counts: Mapping[str, int]) -> str:
    """Return the summary of a test run. Without a checkout it has no links, and a note says why.

    Args:
        failed: the tests that failed.
        counts: the number of tests by outcome, with pytest's names of outcomes.
    """
    totals = [
        f"{counts[name]} {name}{'s' * (name == 'error' and counts[name] > 1)}" for name in _SHOWN if counts.get(name)
    ]
    parts = [f"### Tests: {', '.join(totals) or 'none'}\n"]
    link, problem = _open_links() if failed else (_no_links, "")
    if problem:
        parts.append(f"\n<p>No links: {markdown_text(problem)}</p>\n")
    size = 0
    for number, block in enumerate(_blocks(failed, link)):
        size += len(block)
        if size > MAX_SUMMARY:
            parts.append(f"\n{len(failed) - number} more failed tests are not shown.\n")
            break
        parts.append(block)
    return "".join(parts)


def _open_links() -> tuple[LinkFunction, str]:
    try:
        return CheckoutLinks(LinkOverrides()).link, ""
    except ScmhostError as error:
        return _no_links, str(error)


def _no_links(frames: Sequence[FrameMatch]) -> Sequence[LinkedFrame]:
    return [LinkedFrame(found, None, frame_facts(found)) for found in frames]


def _blocks(failed: Sequence[FailedTest], link: LinkFunction) -> Iterator[str]:
    for test in failed:
        places = link([FrameMatch(Frame(*place), 0, 0, 0) for place in test.places])
        # It may have failed in a package that is not of this repository.
        best = next((place for place in places if place.url), places[0])
        head = f"<code>{_short(test.name)}</code> {_place(best)}"
        if test.message:
            head += f"<br>{_short(test.message)}"
        # Blank lines: what is between the tags is Markdown, and the text begins a block of its own.
        yield f"\n<details><summary>{head}</summary>\n\n{_text(test.text, link)}\n</details>\n"


def _place(linked: LinkedFrame) -> str:
    """Return the place as a link, with the path in the repository; without a link, with the file's name."""
    frame = linked.found.frame
    path = linked.facts.get("sourcePath") if linked.url else None
    shown = str(path or frame.path.replace("\\", "/").rpartition("/")[2])
    escaped = markdown_text(f"{shown}:{frame.line}" if frame.line else shown)
    return html_link(escaped, linked.url) + "~" * linked.is_guess if linked.url else escaped


def _text(text: str, link: LinkFunction) -> str:
    written: list[str] = []
    form = Markdown(written.append)
    # The error is at the end.
    lines = text[-MAX_TEXT:].split("\n")
    form.begin()
    LinkedText(link, form).take(Chunk([TextLine(line, "\n") for line in lines], idle=True))
    form.end({})
    return "".join(written)


def _short(text: str) -> str:
    return markdown_text(text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}\u2026")
