"""``scmhost run``: run a command, and add links to its output while it runs."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from scmhost.checkout.formats import ProgramOutput, Write
from scmhost.checkout.linked_text import Chunk, LinkedText, read_stream
from scmhost.checkout.summary import LinkCounts
from scmhost.infra.errors import ScmhostError

from .context import echo_error
from .link import wants_hyperlinks
from .link_sources import LinkSource, NoLinks, UntilFailure, checkout_options, open_checkout

if TYPE_CHECKING:
    from scmhost.checkout.program import Program

_KILLED: Final = 128


@click.command(name="run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND...")
@checkout_options
def run(*, command: tuple[str, ...], hyperlinks: bool | None, **options: Any) -> None:
    """Run a command, and link its output to this checkout while it runs.

    The command sees the same terminal as without scmhost: colours, width, keys and signals. The exit code is the
    command's own.

    \b
      scmhost run -- pytest -x
      scmhost run -- make test
    """  # noqa: D301 - click needs the control character
    source, problem = _source(options)
    links = UntilFailure(source)
    output = _LinkedOutput(links, hyperlinks=wants_hyperlinks(hyperlinks=hyperlinks))
    code = _run_on_windows(command, output) if sys.platform == "win32" else _run(command, output)
    output.end()
    # Most commands succeed, and a summary of nothing would only follow their output.
    for line in source.summary(output.counts) if output.counts.frames else ():
        echo_error(line)
    problem = problem or links.problem
    if problem:
        echo_error(f"error: {problem}")
    _exit(code)


def _source(options: Mapping[str, Any]) -> tuple[LinkSource, ScmhostError | None]:
    try:
        return open_checkout(options), None
    except ScmhostError as error:
        # The command matters more than its links.
        return NoLinks(), error


class _LinkedOutput:
    """Linked output of a program, for standard output and standard error."""

    def __init__(self, source: LinkSource, *, hyperlinks: bool) -> None:
        self.counts = LinkCounts()
        self._source = source
        self._hyperlinks = hyperlinks
        self._texts: dict[int, tuple[LinkedText, ProgramOutput, _Buffer]] = {}

    def take(self, target: int, chunk: Chunk) -> None:
        """Print a chunk on a descriptor."""
        if target not in self._texts:
            buffer = _Buffer(target)
            form = ProgramOutput(buffer.write, hyperlinks=self._hyperlinks)
            self._texts[target] = LinkedText(self._source.link, form, self.counts), form, buffer
        text, _, buffer = self._texts[target]
        text.take(chunk)
        buffer.flush()

    def end(self) -> None:
        """Print the links of last lines without a line ending."""
        for _, form, buffer in self._texts.values():
            form.end({})
            buffer.flush()


class _Buffer:
    """Text for a descriptor. Lone surrogates become the bytes that they came from."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._parts: list[str] = []
        self.write: Write = self._parts.append

    def flush(self) -> None:
        """Write everything."""
        rest = "".join(self._parts).encode(errors="surrogateescape")
        self._parts.clear()
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                # A terminal that was closed is an input or output error.
                raise BrokenPipeError(error.errno, error.strerror) from error


def _run(command: Sequence[str], output: _LinkedOutput) -> int:
    """Run a program; return its exit code, negative for a signal."""
    from scmhost.checkout.program import NoProgram, Program

    try:
        with Program(command) as program:
            _relay(program, output)
            return program.code or 0
    except NoProgram as error:
        echo_error(f"error: {error}")
        return error.code


def _relay(program: "Program", output: _LinkedOutput) -> None:
    try:
        program.relay(output.take)
    except BrokenPipeError:
        # The reader, such as head, has ended. The program gets the same signal at its next write.
        program.close_outputs()
        program.relay(output.take)


def _run_on_windows(command: Sequence[str], output: _LinkedOutput) -> int:
    """Run a program whose output comes through one pipe; return its exit code."""
    import subprocess

    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - as asked for
    except OSError as error:
        echo_error(f"error: {command[0]}: {error.strerror}")
        return 127
    # Ctrl-C reaches the program, too, which decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with process:
        assert process.stdout is not None  # noqa: S101 - a pipe, see above
        for chunk in read_stream(process.stdout.fileno()):
            output.take(1, chunk)
    return process.returncode


def _exit(code: int) -> None:
    """Exit as the program did: a shell stops a script if a command ended by Ctrl-C."""
    sys.stdout.flush()
    sys.stderr.flush()
    if code < 0:
        import resource

        # The program has written its own memory dump already.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = _KILLED - code
    sys.exit(code)
