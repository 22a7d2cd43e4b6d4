"""The tools in a checkout: links as ``scmhost link`` makes them. Each call reads the checkout again, as it is then."""

from collections.abc import Callable, Iterator
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from scmhost.checkout.formats import LinkedFrame
from scmhost.checkout.links import CheckoutLinks, compared_path
from scmhost.checkout.owners import OwnersFile, read_owners
from scmhost.checkout.summary import LinkCounts
from scmhost.checkout.suspects import FoundCommit, HistoryOptions, find_suspects
from scmhost.frames import Frame, FrameMatch, read_text
from scmhost.infra.errors import ScmhostError
from scmhost.sdk import TemplateError, UrlError, read_remote
from scmhost.suspects import Suspect

from .tools import (
    Attempt,
    FileOwners,
    FoundRepository,
    FrameExplanation,
    FrameLanguage,
    FrameLine,
    FrameModule,
    FramePath,
    LocatedFrame,
    LocatedTrace,
    MaxFrames,
    Repositories,
    SuspectCommit,
    SuspectCommits,
    TraceText,
    WithOwners,
    bounded_explanation,
    bounded_text,
    bounded_trace,
    make_server,
)

ReleaseRange = Annotated[
    str | None,
    Field(
        max_length=500,
        description="The release in which the error was first seen, as a range of git refs A..B. Only its commits are "
        "suspects.",
    ),
]


class CheckoutTools:
    """The tools of one checkout.

    Args:
        open_links: reads the checkout; it raises ScmhostError if there is none.
        options: the code mappings and the kind of code host, for suspects.
    """

    def __init__(self, open_links: Callable[[], CheckoutLinks], options: HistoryOptions | None = None) -> None:
        self._open_links = open_links
        self._options = options or HistoryOptions()

    def server(self) -> MCPServer[None]:
        """Return a server with these tools."""
        return make_server(self.locate_trace, self.explain_frame, self.find_suspects, self.list_repositories)

    def locate_trace(self, text: TraceText, max_frames: MaxFrames = 50, *, owners: WithOwners = False) -> LocatedTrace:
        """Link the frames of a text."""
        links = self._opened()
        kept = bounded_text(text)
        reading = read_text(kept)
        try:
            linked = [frame for frame in links.link(reading.frames) if not frame.ignored]
        except ScmhostError as error:
            raise ToolError(str(error)) from error
        counts = LinkCounts()
        counts.add(linked)
        found, notes = _file_owners(links) if owners else (None, [])
        return bounded_trace(
            [_with_owners(_located(frame), found) for frame in linked],
            max_frames,
            total=len(linked),
            text_truncated=reading.truncated or len(kept) < len(text),
            notes=[*links.summary(counts), *notes],
        )

    def explain_frame(
        self, path: FramePath, line: FrameLine = None, module: FrameModule = None, language: FrameLanguage = None
    ) -> FrameExplanation:
        """Explain the link of a frame."""
        links = self._opened()
        frame = Frame(path, line, module=module, language=language)
        try:
            (linked,) = links.link([FrameMatch(frame, 0, 0, 0)])
        except ScmhostError as error:
            raise ToolError(str(error)) from error
        located = _located(linked).model_copy(update={"text_line": None})
        printed = compared_path(frame)
        return bounded_explanation(located, [printed.whole] if printed else [], list(_attempts(links, frame)))

    def find_suspects(self, text: TraceText, release: ReleaseRange = None) -> SuspectCommits:
        """Find the suspect commits of a trace."""
        try:
            found = find_suspects(bounded_text(text), self._options._replace(revisions=release))
        except ScmhostError as error:
            raise ToolError(str(error)) from error
        suspects = [_suspect(suspect, found.commits[suspect.sha]) for suspect in found.answer.suspects]
        return SuspectCommits(
            suspects=suspects, reason=found.answer.reason, compare_url=found.compare_url, notes=list(found.notes)
        )

    def list_repositories(self) -> Repositories:
        """Return the repository of the checkout."""
        checkout = self._opened().checkout
        try:
            # The remote's URL may contain a password; what is read from it does not.
            remote = read_remote(checkout.remote or "", checkout.kind)
        except (UrlError, TemplateError) as error:
            raise ToolError(f"the remote of this checkout cannot be read: {error}") from error
        found = FoundRepository(name=remote.path, url=remote.web_url, host=remote.kind, ref=checkout.commit)
        return Repositories(repositories=[found], more=False)

    def _opened(self) -> CheckoutLinks:
        try:
            return self._open_links()
        except ScmhostError as error:
            raise ToolError(str(error)) from error


def _suspect(suspect: Suspect, commit: FoundCommit) -> SuspectCommit:
    return SuspectCommit(
        sha=suspect.sha,
        confidence=suspect.confidence,
        score=suspect.score,
        evidence=list(suspect.evidence),
        message=commit.subject,
        author=f"{commit.author_name} <{commit.author_email}>",
        date=commit.timestamp,
        url=commit.url,
    )


def _file_owners(links: CheckoutLinks) -> tuple[OwnersFile | None, list[str]]:
    """Return the CODEOWNERS file of the checkout, or a note why there is none."""
    try:
        return read_owners(links.checkout), []
    except ScmhostError as error:
        return None, [f"No owners: {error}"]


def _with_owners(frame: LocatedFrame, found: OwnersFile | None) -> LocatedFrame:
    if found is None or frame.source_path is None:
        return frame
    shown = [
        FileOwners(owners=list(item.owners), file=found.path, line=item.line, section=item.section)
        for item in found.owners.owners_of(frame.source_path)
    ]
    return frame.model_copy(update={"owners": shown})


def _located(linked: LinkedFrame) -> LocatedFrame:
    frame, facts = linked.found.frame, linked.facts
    shared = {name: facts[name] for name in ("ref", "confidence", "reason", "message")}
    return LocatedFrame(
        text_line=linked.found.text_line + 1,
        path=frame.path,
        line=frame.line,
        column=frame.column,
        function=frame.function,
        module=frame.module,
        language=frame.language,
        kind=frame.kind,
        url=linked.url,
        source_path=facts["sourcePath"],
        next_step=facts["nextStep"],
        **shared,
    )


def _attempts(links: CheckoutLinks, frame: Frame) -> Iterator[Attempt]:
    """Yield what the linker compares a frame with, in its order."""
    inputs = links.inputs
    if inputs.mappings:
        matches = [(rule, source) for rule, source in inputs.mappings.matches(frame.path) if source]
        for rule, source in matches:
            exists = "a file of this commit" if source in inputs.tree else "no file of this commit"
            yield Attempt(what=f"code mapping {rule.stack_root}={rule.source_root}", outcome=f"{source}: {exists}")
        if not matches:
            yield Attempt(what="code mappings", outcome="none matches the path")
    printed = compared_path(frame)
    if printed is None:
        yield Attempt(what="the printed path", outcome="it is no path of a source file")
        return
    if printed.installed is not None:
        yield Attempt(what="the folder of installed packages", outcome=f"{printed.installed} is a file of a package")
    if printed.absolute:
        below = any(printed.whole.startswith(root) for root in inputs.roots)
        yield Attempt(what="the checkout's folder", outcome="contains the path" if below else "does not contain it")
    else:
        here = (inputs.prefix + printed.whole) in inputs.tree
        yield Attempt(what="the working directory", outcome="has this file" if here else "has no such file")
    yield from _same_name(links, printed.whole)


def _same_name(links: CheckoutLinks, path: str) -> Iterator[Attempt]:
    name = path.rpartition("/")[2]
    files = sorted(links.inputs.tree.named(name))
    if not files:
        yield Attempt(what=f"files named {name}", outcome="this commit has none")
    for file in files:
        alike = path == file or path.endswith(f"/{file}") or file.endswith(f"/{path}")
        yield Attempt(what=f"file {file}", outcome="ends like the path" if alike else "has the same name only")
