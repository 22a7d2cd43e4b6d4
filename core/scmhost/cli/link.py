"""``scmhost link``."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

import click

from .context import CommandContext, database_options, remark
from .linking.formats import FORMATS, Format, Write

if TYPE_CHECKING:
    from .linking.sources import Source

NAMES: Final = ("text", "markdown", "html", "json")


@click.command(name="link")
@click.argument("file", default="-", metavar="[FILE|-]")
@click.option("--format", "form", type=click.Choice(NAMES), default="text", show_default=True, help="What to print.")
@click.option(
    "--hyperlinks/--no-hyperlinks",
    default=None,
    help="Make the frames themselves links (default: on a terminal), or put each link on a line below.",
)
@click.option("--remote", metavar="NAME|URL", help="The remote to link to (default: the branch's, else origin).")
@click.option("--kind", metavar="KIND", help="The remote's kind of code host, where its name does not tell.")
@click.option("--template", metavar="TEMPLATE", help="The URL of a file's page, for a host of no known kind.")
@click.option("--ref", metavar="REF", help="The commit, branch or tag to link to (default: what is checked out).")
@click.option(
    "--map", "maps", multiple=True, metavar="STACK=SOURCE", help="Paths that begin with STACK are below SOURCE. Repeat."
)
@click.option("--org", metavar="SLUG", help="Use an organization's code mappings and hosts in place of the checkout.")
@click.option("--project", metavar="SLUG", help="The project whose code mappings are used.")
@click.option("--release", metavar="VERSION", help="With --project: link to this release's commit of each repository.")
@click.option("--commit", metavar="SHA", help="With --project: link to this commit.")
@click.option("--url", metavar="URL", envvar="SCMHOST_URL", help="With --project: a server, not the local database.")
@click.option("--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="A token for it, with project:read.")
@database_options
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def command(
    context: CommandContext,
    /,
    *,
    file: str,
    form: str,
    hyperlinks: bool | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print a stack trace, or any text, with links to the source.

    In a git checkout nothing need be set up: pipe text in, or name a FILE, and every source location of this
    repository links to the exact line of the commit that is checked out. The text itself stays as it is. What has no
    link is summed up at the end, on standard error, with the next step.
    """
    from scmhost.infra.errors import ScmhostError

    from .linking.sources import NoLinks, source_of

    write = _writer()
    with ExitStack() as opened:
        descriptor = opened.enter_context(_input(file))
        problem: ScmhostError | None = None
        try:
            source = opened.enter_context(source_of(context, options))
        except ScmhostError as error:
            # Whoever pipes text through wants it back, linked or not.
            source, problem = NoLinks(), error
        shown = FORMATS["json" if as_json else _form(form, hyperlinks=hyperlinks)](write)
        _print(descriptor, source, shown)
    if problem:
        raise problem


def _form(form: str, *, hyperlinks: bool | None) -> str:
    """Text has its links inside where they can be clicked."""
    if form != "text":
        return form
    return "hyperlinks" if (sys.stdout.isatty() if hyperlinks is None else hyperlinks) else form


def _print(descriptor: int, source: "Source", form: Format) -> None:
    from .linking.document_input import read_input
    from .linking.linked_text import LinkedText

    text = LinkedText(source.link, form)
    form.begin()
    for arrived in read_input(descriptor, text):
        text.take(arrived)
        sys.stdout.flush()
    form.end({**source.facts, "unreadLines": text.unread})
    sys.stdout.flush()
    for line in source.remarks(text.tally):
        remark(line)


@contextmanager
def _input(file: str) -> Iterator[int]:
    """The descriptor of a file, or of standard input."""
    if file == "-":
        yield sys.stdin.fileno()
        return
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _writer() -> Write:
    """Writes text to standard output; half characters become the bytes again that they came from."""
    stream: IO[bytes] | None = getattr(sys.stdout, "buffer", None)

    def write(text: str) -> None:
        if stream is None:
            sys.stdout.write(text)
        else:
            stream.write(text.encode(errors="surrogateescape"))

    return write
