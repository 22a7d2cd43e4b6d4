"""``scmhost link`` and ``scmhost frames``: print a text with links to the source, or its frames."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final

import click

from scmhost.checkout.formats import FORMATS, Format, LinkedFrame, Write, printable
from scmhost.infra.errors import ScmhostError

from .context import CommandContext, database_options, echo, echo_error, echo_json, json_option, read_input
from .link_sources import LinkSource, NoLinks, UntilFailure, checkout_options, open_source

if TYPE_CHECKING:
    from scmhost.frames import Frame, FrameMatch, Reading

NAMES: Final = ("text", "markdown", "html", "json")


@click.command(name="link")
@click.argument("files", nargs=-1, metavar="[FILE|-]...")
@click.option("--format", "form", type=click.Choice(NAMES), default="text", show_default=True, help="Output format.")
@checkout_options
@click.option("--org", metavar="SLUG", help="Use an organization's code mappings and hosts instead of the checkout.")
@click.option("--project", metavar="SLUG", help="With --org: the project whose code mappings are used.")
@click.option("--release", metavar="VERSION", help="With --project: link to this release's commit of each repository.")
@click.option("--commit", metavar="SHA", help="With --project: link to this commit.")
@click.option("--url", metavar="URL", envvar="SCMHOST_URL", help="With --project: a server, not the local database.")
@click.option("--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="A token for --url, with project:read.")
@database_options
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def link(
    context: CommandContext,
    /,
    *,
    files: tuple[str, ...],
    form: str,
    hyperlinks: bool | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print stack traces, or any text, with links to the source.

    In a git checkout no configuration is needed: pipe text in, or name FILEs. Every source location of this
    repository links to the exact line of the commit that is checked out. The text itself is unchanged. A summary on
    standard error counts the frames without a link, with a reason and a next step.

    In a shell a pipe hides the exit code of a failing command. "scmhost run -- pytest" keeps it.
    """
    write = _writer()
    with ExitStack() as opened:
        inputs = [(file, opened.enter_context(_input(file))) for file in files or ("-",)]
        problem: ScmhostError | None = None
        source: LinkSource
        try:
            source = opened.enter_context(open_source(context, options))
        except ScmhostError as error:
            # The command is used in pipes: the text must come through even if nothing can be linked.
            source, problem = NoLinks(), error
        links = UntilFailure(source)
        _print(inputs, links, FORMATS["json" if as_json else _format_name(form, hyperlinks=hyperlinks)](write))
    problem = problem or links.problem
    if problem:
        raise problem


def _format_name(form: str, *, hyperlinks: bool | None) -> str:
    return "hyperlinks" if form == "text" and wants_hyperlinks(hyperlinks=hyperlinks) else form


def wants_hyperlinks(*, hyperlinks: bool | None) -> bool:
    """True if the option, or else the terminal, makes the frames themselves links."""
    if hyperlinks is not None:
        return hyperlinks
    if not sys.stdout.isatty() and "FORCE_HYPERLINK" not in os.environ:
        return False
    from scmhost.checkout.hyperlink_support import shows_hyperlinks

    return shows_hyperlinks(os.environ, is_terminal=sys.stdout.isatty())


def _print(inputs: Sequence[tuple[str, int]], source: LinkSource, form: Format) -> None:
    from scmhost.checkout.linked_text import LinkedText, feed
    from scmhost.checkout.summary import LinkCounts

    counts = LinkCounts()
    unread = 0
    form.begin()
    for number, (name, descriptor) in enumerate(inputs, 1):
        link = source.link if len(inputs) == 1 else partial(_link_in_file, source, name)
        text = LinkedText(link, form, counts)
        for _ in feed(descriptor, text):
            # The reader of a pipe that stays open must get each link when its line arrives.
            sys.stdout.flush()
        unread += text.unread
        if text.is_open and number < len(inputs):
            form.line("", "\n", ())
    form.end({**source.facts, "unreadLines": unread})
    sys.stdout.flush()
    for line in source.summary(counts):
        echo_error(line)


def _link_in_file(source: LinkSource, name: str, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
    """Link frames of one of several files; JSON output has its name, because lines are counted in each file."""
    return [frame._replace(facts={**frame.facts, "textFile": name}) for frame in source.link(frames)]


@contextmanager
def _input(file: str) -> Iterator[int]:
    """Open a file, or standard input for ``-``, as a descriptor."""
    if file == "-":
        yield sys.stdin.fileno()
        return
    try:
        descriptor = os.open(file, os.O_RDONLY)
        # A folder can be opened too; only reading it fails.
        os.read(descriptor, 0)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _writer() -> Write:
    """Return a function that writes to standard output; lone surrogates become the bytes that they came from."""
    # A text stream without a buffer is one that a program has put in place of standard output.
    stream: IO[bytes] | None = getattr(sys.stdout, "buffer", None)

    def write(text: str) -> None:
        if stream is None:
            sys.stdout.write(text)
        else:
            stream.write(text.encode(errors="surrogateescape"))

    return write


@click.command(name="frames")
@click.argument("file", default="-", metavar="[FILE|-]")
@json_option
def frames(*, file: str, as_json: bool) -> None:
    """Print the frames of stack traces in FILE, or on standard input, and the diagnostics of other tools.

    The text may be one trace, several traces, the output of a compiler, a linter or a test runner, a log, or the JSON
    of an event. Frames and diagnostics are printed in the order of the text, and paths as they are in the text.
    """
    from scmhost.frames import read_text

    reading = read_text(read_input(file))
    if as_json:
        echo_json({"frames": [found.frame._asdict() for found in reading.frames]})
        return
    for found in reading.frames:
        echo(printable(_frame_line(found.frame)))
    rest = " The rest of the text was not read." if reading.truncated else ""
    echo_error(f"{_counts(reading)}{rest}")


def _counts(reading: "Reading") -> str:
    diagnostics = sum(found.frame.kind == "diagnostic" for found in reading.frames)
    frames = len(reading.frames) - diagnostics
    if diagnostics:
        return f"{frames} frames, {diagnostics} diagnostics; {reading.unread} lines have neither."
    return f"{frames} frames; {reading.unread} lines belong to no trace."


def _frame_line(frame: "Frame") -> str:
    """Return path, line and column of a frame, then its function, or the message of a diagnostic."""
    position = ":".join(str(part) for part in (frame.path, frame.line, frame.column) if part is not None)
    if frame.kind == "diagnostic":
        return f"{position}  {frame.kind}: {frame.message}" if frame.message else f"{position}  {frame.kind}"
    names = [part for part in (frame.module, frame.function) if part]
    return f"{position}  {' '.join(names)}".rstrip()
