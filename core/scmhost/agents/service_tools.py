"""The tools of a service. Each of them is a request to the REST API with the caller's token.

So a tool can do what its token can do there, with the same scopes, limits and log lines; there are no rules of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx2
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from scmhost.frames.frame import JVM

from .tools import (
    MAX_REPOSITORIES,
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

TIMEOUT_SECONDS: Final = 60.0
_LONGEST_DETAIL: Final = 300
_PROJECTS_NAMED: Final = 20
_FORBIDDEN: Final = 403

ProjectSlug = Annotated[
    str | None, Field(max_length=200, description="The project; needed if the organization has several.")
]
Release = Annotated[str | None, Field(max_length=250, description="Link to the commits of this release.")]
Commit = Annotated[str | None, Field(max_length=250, description="Link to this commit.")]
# Any caller's context: the library finds the parameter by this type.
AnyContext = Context[Any, Any]


@dataclass(frozen=True)
class ServiceTools:
    """The tools over a client of the REST API.

    Attributes:
        client: sends requests to the service. The token of a caller over HTTP replaces its own.
        organization: the slug or id of the organization; by default that of the token.
        project: the project of calls that name none.
    """

    client: httpx2.AsyncClient
    organization: str | None = None
    project: str | None = None

    def server(self) -> MCPServer[Any]:
        """Return a server with these tools."""
        return make_server(self.locate_trace, self.explain_frame, self.find_suspects, self.list_repositories)

    async def locate_trace(
        self,
        context: AnyContext,
        text: TraceText,
        project: ProjectSlug = None,
        release: Release = None,
        commit: Commit = None,
        max_frames: MaxFrames = 50,
        *,
        owners: WithOwners = False,
    ) -> LocatedTrace:
        """Link the frames of a text."""
        path = await self._project_path(context, project)
        kept = bounded_text(text)
        body = {"text": kept, "release": release, "commit": commit}
        asked = f"{path}/trace-links/{'?owners=true' if owners else ''}"
        answer = await self._request(context, "POST", asked, body)
        frames: Sequence[Mapping[str, Any]] = answer["frames"]
        return bounded_trace(
            map(_located, frames),
            max_frames,
            total=len(frames),
            text_truncated=answer["truncated"] or len(kept) < len(text),
            notes=answer["notes"],
        )

    async def explain_frame(
        self,
        context: AnyContext,
        path: FramePath,
        line: FrameLine = None,
        module: FrameModule = None,
        language: FrameLanguage = None,
        project: ProjectSlug = None,
        release: Release = None,
        commit: Commit = None,
    ) -> FrameExplanation:
        """Explain the link of a frame."""
        frame: dict[str, Any] = {"filename": path, "module": module, "lineNo": line}
        if language in JVM:
            # The JVM prints only the name of a file; the class has the folders.
            frame |= {"absPath": path, "platform": "java"}
        there = await self._project_path(context, project)
        body = {"frames": [frame], "release": release, "commit": commit}
        answer = await self._request(context, "POST", f"{there}/explain/", body)
        (explained,) = answer["frames"]
        attempts = [*map(_tried, explained["tried"]), *map(_unmatched, explained["notMatched"])]
        shown = bounded_explanation(_located(explained), explained["paths"], attempts)
        shown.attempts_left_out += explained["notMatchedMore"]
        return shown

    async def find_suspects(
        self, context: AnyContext, text: TraceText, project: ProjectSlug = None, release: Release = None
    ) -> SuspectCommits:
        """Find the suspect commits of a trace."""
        path = await self._project_path(context, project)
        body = {"text": bounded_text(text), "release": release}
        answer = await self._request(context, "POST", f"{path}/suspects/", body)
        return SuspectCommits(
            suspects=list(map(_suspect, answer["suspects"])),
            reason=answer["reason"],
            compare_url=answer["compareUrl"],
            notes=answer["notes"],
        )

    async def list_repositories(
        self,
        context: AnyContext,
        query: Annotated[str, Field(max_length=200, description="A part of the name.")] = "",
    ) -> Repositories:
        """List active repositories."""
        organization = quote(await self._organization(context), safe="")
        path = f"/api/0/organizations/{organization}/repos/?per_page={MAX_REPOSITORIES}&query={quote(query, safe='')}"
        listed, headers = await self._answer(context, "GET", path)
        found = [
            FoundRepository(name=one["name"], url=one["url"], host=(one["provider"] or {}).get("name"))
            for one in listed
        ]
        return Repositories(repositories=found, more='rel="next"; results="true"' in headers.get("link", ""))

    async def _project_path(self, context: AnyContext, named: str | None) -> str:
        organization = await self._organization(context)
        project = named or self.project or await self._only_project(context, organization)
        return f"/api/0/projects/{quote(organization, safe='')}/{quote(project, safe='')}"

    async def _organization(self, context: AnyContext) -> str:
        if self.organization:
            return self.organization
        (own,) = await self._request(context, "GET", "/api/0/organizations/")
        return str(own["id"])

    async def _only_project(self, context: AnyContext, organization: str) -> str:
        """Return the slug of the organization's only project.

        Raises:
            ToolError: there are several, or none; the message names the first ones.
        """
        path = f"/api/0/organizations/{quote(organization, safe='')}/projects/"
        try:
            listed = await self._request(context, "GET", path)
        except _RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            raise ToolError("Name the project: this token may not list projects.") from error
        slugs = [str(one["slug"]) for one in listed]
        if len(slugs) == 1:
            return slugs[0]
        named = ", ".join(slugs[:_PROJECTS_NAMED])
        raise ToolError(f"Name the project, one of: {named}." if slugs else "The organization has no project.")

    async def _request(self, context: AnyContext, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return (await self._answer(context, method, path, body))[0]

    async def _answer(
        self, context: AnyContext, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[Any, httpx2.Headers]:
        """Return the JSON of an answer, and its headers.

        Raises:
            ToolError: the service refuses the request, or does not answer with JSON.
        """
        request = context.request_context.request
        headers = {}
        if request:
            # With one id, the log shows which requests belong together.
            headers = {
                "Authorization": request.headers["authorization"],
                "X-Request-Id": request.scope["state"]["request_id"],
            }
        try:
            answer = await self.client.request(method, path, json=body, headers=headers)
            content = answer.json()
        except httpx2.HTTPError as error:
            raise ToolError(f"{self.client.base_url} does not answer: {type(error).__name__}") from error
        except ValueError as error:
            raise ToolError(f"{self.client.base_url} answered {answer.status_code} without JSON") from error
        if not answer.is_success:
            raise _RefusedError(answer.status_code, content)
        return content, answer.headers


class _RefusedError(ToolError):
    """The service refused a request."""

    def __init__(self, status: int, content: Any) -> None:
        self.status = status
        detail = content.get("detail", content) if isinstance(content, dict) else content
        text = detail if isinstance(detail, str) else json.dumps(detail)
        super().__init__(f"scmhost answered {status}: {text[:_LONGEST_DETAIL]}")


def _located(answer: Mapping[str, Any]) -> LocatedFrame:
    frame, link, text = answer["frame"], answer["link"] or {}, answer["text"] or {}
    repository = (answer["mapping"] or {}).get("repository") or {}
    return LocatedFrame(
        text_line=text.get("line"),
        path=frame["filename"] or "",
        line=frame["lineNo"],
        column=frame["colNo"],
        function=frame["function"],
        module=frame["module"],
        language=frame["language"],
        url=link.get("url"),
        repository=repository.get("name"),
        source_path=answer["sourcePath"],
        ref=link.get("ref"),
        confidence=answer["confidence"],
        owners=_file_owners(answer.get("owners")),
        reason=answer["reason"],
        message=answer["message"],
        next_step=answer["nextStep"],
    )


def _suspect(answer: Mapping[str, Any]) -> SuspectCommit:
    author = answer["author"]
    return SuspectCommit(
        sha=answer["sha"],
        confidence=answer["confidence"],
        score=answer["score"],
        evidence=answer["evidence"],
        message=(answer["message"] or "").partition("\n")[0] or None,
        author=f"{author['name'] or ''} <{author['email'] or ''}>" if author else None,
        date=answer["dateCreated"],
        repository=answer["repository"]["name"],
        url=answer["url"],
    )


def _file_owners(answer: Mapping[str, Any] | None) -> list[FileOwners] | None:
    if answer is None or answer["file"] is None:
        return None
    return [FileOwners(file=answer["file"], **ownership) for ownership in answer["ownerships"]]


def _tried(item: Mapping[str, Any]) -> Attempt:
    outcome = f"{item['outcome']}: {item['sourcePath']}, file {item['file']}"
    message = item["message"] or ""
    return Attempt(
        what=_mapping_text(item["mapping"]),
        outcome=f"{outcome}; {message}" if message else outcome,
        next_step=item["nextStep"],
    )


def _unmatched(item: Mapping[str, Any]) -> Attempt:
    return Attempt(what=_mapping_text(item["mapping"]), outcome=item["message"], next_step=item["nextStep"])


def _mapping_text(mapping: Mapping[str, Any]) -> str:
    repository = mapping["repository"] or {}
    return f"code mapping {mapping['stackRoot']}={mapping['sourceRoot']} of {repository.get('name')}"
