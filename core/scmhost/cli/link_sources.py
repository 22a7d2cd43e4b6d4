"""Sources of links for ``scmhost link``: the checkout, a project in the local database, or a project on a server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import click

from scmhost.checkout.formats import LinkedFrame, frame_facts
from scmhost.checkout.summary import LinkCounts
from scmhost.infra.errors import ScmhostError

from .context import CommandContext, organization_named

if TYPE_CHECKING:
    from scmhost.frames import FrameMatch
    from scmhost.links.resolve import ResolvedFrame
    from scmhost.organizations.queries import Project
    from scmhost.sdk import Organization
    from scmhost.services import Services

    from .targets import ServerClient, ServerError

_OVERRIDES: Final = ("remote", "kind", "template", "ref")
_CHECKOUT_OPTIONS: Final = (*_OVERRIDES, "maps", "editor")
_PROJECT_OPTIONS: Final = ("project", "release", "commit", "config", "database_url")
# The server answers with some hundred bytes for each frame.
_FRAMES_PER_REQUEST: Final = 1000
# Not one of the reasons of the API: the server gave none.
_SERVER_UNAVAILABLE: Final = "server_unavailable"


F = TypeVar("F", bound=Callable[..., Any])


def checkout_options(command: F) -> F:
    """Add the options of commands that link to the checkout."""
    options = (
        click.option(
            "--hyperlinks/--no-hyperlinks",
            default=None,
            help="Make the frames themselves links (default: on terminals that show them), or print URLs below.",
        ),
        click.option("--remote", metavar="NAME|URL", help="The remote to link to (default: the branch's or origin)."),
        click.option("--kind", metavar="KIND", help="The kind of code host, if its host name does not show it."),
        click.option("--template", metavar="TEMPLATE", help="The URL of a file's page, for a host of an unknown kind."),
        click.option("--ref", metavar="REF", help="The commit, branch or tag to link to (default: HEAD)."),
        click.option(
            "--map",
            "maps",
            multiple=True,
            metavar="STACK=SOURCE",
            help="Replace the path prefix STACK by SOURCE, for example /app=src; repeatable.",
        ),
        click.option(
            "--editor",
            metavar="NAME|URL",
            help="Link to the files on disk, in this editor: vscode, idea, ... or a URL with {path} and {line}.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


class LinkSource(Protocol):
    """Links the frames of a text."""

    @property
    def facts(self) -> Mapping[str, object]:
        """Facts on all links together, for JSON."""

    def link(self, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
        """Link frames; the result has their order."""

    def summary(self, counts: LinkCounts) -> Sequence[str]:
        """Return the summary in sentences."""


class NoLinks:
    """Passes the text through without links, when the source cannot be opened."""

    facts: Mapping[str, object] = {}

    def link(self, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
        """Return the frames without links."""
        return [LinkedFrame(found, None, frame_facts(found), "error") for found in frames]

    def summary(self, _counts: LinkCounts) -> Sequence[str]:
        """Return nothing: the command ends with the error."""
        return ()


class UntilFailure:
    """The links of a source until it fails: the rest of the text has none, but comes through.

    Attributes:
        problem: the error of the source, if it failed.
    """

    def __init__(self, source: LinkSource) -> None:
        self.problem: ScmhostError | None = None
        self._source = source

    @property
    def facts(self) -> Mapping[str, object]:
        """Facts on all links together, for JSON."""
        return self._source.facts

    def link(self, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
        """Link frames; the result has their order."""
        if self.problem is None:
            try:
                return self._source.link(frames)
            except ScmhostError as error:
                self.problem = error
        return NoLinks().link(frames)

    def summary(self, counts: LinkCounts) -> Sequence[str]:
        """Return the summary in sentences."""
        return self._source.summary(counts)


@contextmanager
def open_source(context: CommandContext, options: Mapping[str, Any]) -> Iterator[LinkSource]:
    """Open the source that the options select.

    Raises:
        ScmhostError: it cannot be opened; the message has the next step.
    """
    if options["org"] is None:
        _refuse(options, _PROJECT_OPTIONS, "needs --org: it selects a project, and without --org the checkout is used")
        yield open_checkout(options)
        return
    # An option that has no effect would give links that the user does not expect.
    _refuse(options, _CHECKOUT_OPTIONS, "applies to the checkout, and --org uses a project's code mappings")
    if not options["project"]:
        raise click.UsageError("--org needs --project: the project whose code mappings are used.")
    with _open_project(context, options) as source:
        yield source


def open_checkout(options: Mapping[str, Any]) -> LinkSource:
    """Open the checkout of the working directory: its pages on the code host, or its files for an editor.

    Raises:
        ScmhostError: it cannot be opened; the message has the next step.
    """
    mappings = tuple(read_mapping(text) for text in options["maps"])
    if options.get("editor"):
        _refuse(options, _OVERRIDES, "has no effect with --editor: it links to the files on disk")
        from scmhost.checkout.editors import EditorLinks, editor_template

        return EditorLinks(editor_template(options["editor"]), mappings)
    from scmhost.checkout.worktree import start_reading

    # git runs while the rest is imported.
    reading = start_reading(options["ref"])
    from scmhost.checkout.links import CheckoutLinks, LinkOverrides

    return CheckoutLinks(LinkOverrides(**{name: options[name] for name in _OVERRIDES}, mappings=mappings), reading)


def _refuse(options: Mapping[str, Any], names: Sequence[str], why: str) -> None:
    given = next((name for name in names if options.get(name)), None)
    if given:
        raise click.UsageError(f"--{'map' if given == 'maps' else given.replace('_', '-')} {why}.")


def read_mapping(text: str) -> tuple[str, str]:
    """Return the two roots of a code mapping on the command line."""
    stack, separator, source = text.partition("=")
    if not separator or not stack:
        raise click.UsageError(f"--map {text!r}: write STACK=SOURCE, for example /app=src.")
    return stack, source


def _open_project(context: CommandContext, options: Mapping[str, Any]) -> AbstractContextManager[LinkSource]:
    return _open_server_project(options) if options["url"] else _open_local_project(context, options)


class ProjectLinks:
    """Links frames by the code mappings, releases and hosts of a project in the local database."""

    facts: Mapping[str, object] = {}

    def __init__(
        self,
        services: "Services",
        organization: "Organization",
        project: "Project",
        *,
        release: str | None = None,
        commit: str | None = None,
    ) -> None:
        self._services = services
        self._organization = organization
        self._project = project
        self._release = release
        self._commit = commit

    def link(self, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
        """Link frames; the result has their order."""
        from scmhost.links.traces import link_frames

        plain = [found.frame for found in frames]
        answers = link_frames(
            self._services, self._organization, self._project, plain, release=self._release, commit=self._commit
        )
        return [_from_database(found, answer) for found, answer in zip(frames, answers, strict=True)]

    def summary(self, counts: LinkCounts) -> Sequence[str]:
        """Return the summary in sentences, with a note if the release is unknown."""
        from scmhost.links.resolve import notes_on_release

        notes = notes_on_release(self._services, self._organization, self._release)
        return [*counts.lines(), *map(_note, notes)]


def _note(text: str) -> str:
    return f"note: {text}"


@contextmanager
def _open_local_project(context: CommandContext, options: Mapping[str, Any]) -> Iterator[ProjectLinks]:
    from scmhost.organizations.create import find_project
    from scmhost.services import check_database

    with context.open_host(options["config"], options["database_url"], inspect_only=True) as host:
        check_database(host.services)
        organization = organization_named(host.services, options["org"])
        project = find_project(host.services, organization, options["project"])
        source = ProjectLinks(
            host.services, organization, project, release=options["release"], commit=options["commit"]
        )
        yield source


def _from_database(found: "FrameMatch", resolved: "ResolvedFrame") -> LinkedFrame:
    from scmhost.links.values import Link, no_link_message

    outcome = resolved.outcome
    facts = {**frame_facts(found), "sourcePath": outcome.source_path}
    if isinstance(outcome, Link):
        facts |= {"url": outcome.url, "ref": outcome.ref, "refSource": outcome.ref_source}
        facts |= {"confidence": outcome.basis.confidence, "reason": None, "message": None, "nextStep": None}
        return LinkedFrame(found, outcome.url, facts)
    facts |= {"url": None, "ref": None, "refSource": None, "confidence": None}
    facts |= {"reason": outcome.reason.value, "message": no_link_message(outcome), "nextStep": outcome.next_step}
    return LinkedFrame(found, None, facts, outcome.reason.value, outcome.message, outcome.next_step)


class ServerLinks:
    """Links frames by a project on a server. If the server fails midway, the rest of the text has no links."""

    facts: Mapping[str, object] = {}

    def __init__(self, client: "ServerClient", path: str, options: Mapping[str, Any]) -> None:
        self._client = client
        self._path = path
        self._target = {name: options[name] for name in ("release", "commit") if options[name]}
        self._notes: list[str] = []
        self._error: ServerError | None = None

    def check(self) -> None:
        """Send a request without frames, and keep the server's notes, such as one on an unknown release.

        Raises:
            ServerError: the server does not answer, or would refuse every frame.
        """
        self._client.post(self._path, {**self._target, "frames": []}, "frames", self._notes)

    def link(self, frames: "Sequence[FrameMatch]") -> Sequence[LinkedFrame]:
        """Link frames; the result has their order."""
        batches = (frames[at : at + _FRAMES_PER_REQUEST] for at in range(0, len(frames), _FRAMES_PER_REQUEST))
        return [linked for batch in batches for linked in self._link_batch(batch)]

    def summary(self, counts: LinkCounts) -> Sequence[str]:
        """Return the summary in sentences, with the server's error if there was one."""
        return [*counts.lines(), *map(_note, self._notes), *([f"error: {self._error}"] if self._error else [])]

    def _link_batch(self, frames: "Sequence[FrameMatch]") -> list[LinkedFrame]:
        from .targets import ServerError

        # A server that failed once would let the reader wait for each further line.
        if self._error is None:
            try:
                return [
                    _from_server(found, answer) for found, answer in zip(frames, self._request(frames), strict=True)
                ]
            except ServerError as error:
                self._error = error
        facts = {"url": None, "reason": _SERVER_UNAVAILABLE}
        return [LinkedFrame(found, None, {**frame_facts(found), **facts}, _SERVER_UNAVAILABLE) for found in frames]

    def _request(self, frames: "Sequence[FrameMatch]") -> Sequence[Mapping[str, Any]]:
        body = {**self._target, "frames": [_wire_frame(found) for found in frames]}
        from .targets import ServerError

        answers: list[Mapping[str, Any]] = self._client.post(self._path, body, "frames")
        if len(answers) != len(frames):
            # Links in another order than the frames would lead to wrong files.
            raise ServerError(f"{self._client.url} answered {len(answers)} of {len(frames)} frames")
        return answers


@contextmanager
def _open_server_project(options: Mapping[str, Any]) -> Iterator[ServerLinks]:
    from urllib.parse import quote

    from .targets import ServerClient

    path = f"/api/0/projects/{quote(options['org'], safe='')}/{quote(options['project'], safe='')}/trace-links/"
    source = ServerLinks(ServerClient.open(options["url"], options["token"]), path, options)
    # A wrong token, project or release must be reported before any text is read.
    source.check()
    yield source


def _wire_frame(found: "FrameMatch") -> dict[str, object]:
    """Return the frame with the keys of events. JVM frames print a file name; the class has the folders."""
    from scmhost.frames.frame import JVM

    frame = found.frame
    wire: dict[str, object] = {"filename": frame.path, "module": frame.module, "lineNo": frame.line}
    return {**wire, "absPath": frame.path, "platform": "java"} if frame.language in JVM else wire


def _from_server(found: "FrameMatch", answer: Mapping[str, Any]) -> LinkedFrame:
    link = answer["link"] or {}
    url = link.get("url")
    facts = {
        **frame_facts(found),
        "sourcePath": answer["sourcePath"],
        "url": url,
        "ref": link.get("ref"),
        "refSource": link.get("refSource"),
        "confidence": answer["confidence"],
        "reason": answer["reason"],
        "message": answer["message"],
        "nextStep": answer["nextStep"],
    }
    return LinkedFrame(found, url, facts, answer["reason"] or "", answer["message"] or "", answer["nextStep"] or "")
