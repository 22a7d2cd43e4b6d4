"""Routes that turn frames and traces into links."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urldefrag

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AliasChoices, BaseModel, Field

from scmhost.infra.api_routes import direct_router
from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import Wire, json_answer, read_query
from scmhost.installations.install import list_linking_installations
from scmhost.installations.schemas import short_installation
from scmhost.mapping import FrameInfo
from scmhost.organizations.access import (
    AuditedServices,
    ForLinks,
    ForProjects,
    ProjectAccess,
    ProjectToLink,
    ProjectToRead,
    ServicesDep,
    check_reads_code,
    project_access,
    project_in,
    project_route,
    require_scope,
)
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization, ref_problem

from .code_mappings import MappingDetails
from .derive import Derivation, DerivationOptions, derive_for_project
from .explain import explain_links
from .owners import read_owners
from .resolve import ResolvedFrame, notes_on_release, resolve_links
from .schemas import (
    LinkedFile,
    LinkedFiles,
    MappingWithEvidence,
    ParsedPath,
    StacktraceLink,
    code_mapping_out,
    mapping_with_evidence,
)
from .source_context import read_context
from .source_lines import MAX_MARGIN
from .source_urls import parse_source_url
from .suspect_routes import TraceWithSuspectsOut, suspects_out
from .suspects import SuspectOptions
from .trace_schemas import (
    ExplainedTraceOut,
    FrameWithContextOut,
    explained_frame,
    linked_frames,
    with_context,
    with_owners,
)
from .traces import MAX_FIELD, DeriveIn, LinksIn, counts_trace_time, read_trace
from .values import FrameQuery, Link, LinkOptions, NoLink

router: Final = direct_router(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


class LinkQuery(BaseModel):
    """The query of ``stacktrace-link``: a frame, with the names of Sentry's API."""

    # Not required by the model: Sentry answers 400 with its own text, not with a validation error.
    file: str = ""
    commit_id: str | None = Field(default=None, alias="commitId")
    platform: str | None = None
    sdk_name: str | None = Field(default=None, alias="sdkName")
    abs_path: str | None = Field(default=None, alias="absPath")
    module: str | None = None
    package: str | None = None
    line_no: int | None = Field(default=None, alias="lineNo")
    release: str | None = None

    def frame(self) -> FrameQuery:
        """Return the frame that the query describes.

        Raises:
            InvalidInput: it names no file, or its commit is malformed.
        """
        if not self.file:
            raise InvalidInput("Filepath is required")
        if self.commit_id:
            # A commit becomes a part of a URL; a bad one would silently link to something else.
            problem = ref_problem(self.commit_id)
            if problem:
                raise InvalidInput(f"{problem}.", "commitId")
        info = FrameInfo(
            filename=self.file,
            module=self.module,
            abs_path=self.abs_path,
            package=self.package,
            platform=self.platform,
            sdk_name=self.sdk_name,
        )
        return FrameQuery(info, self.line_no, self.commit_id or None)


_ANCHOR: Final = "X-Scmhost-Anchor"
_NO_ANCHOR: Final = "`none` leaves the anchor out of sourceUrl, for Sentry's own pages, which add it themselves."


@router.get(
    "/stacktrace-link/", response_model=StacktraceLink, openapi_extra=project_route(LinkQuery, {_ANCHOR: _NO_ANCHOR})
)
def stacktrace_link(request: Request, access: Annotated[ProjectAccess, Depends(project_access("project"))]) -> Response:
    """The link of one frame, or a reason and a next step."""
    services, _, organization, project = access
    query = read_query(request, LinkQuery)
    without_anchor = _has_no_anchor(request)
    resolved = resolve_links(services, organization, project, [query.frame()], LinkOptions(query.release))[0]
    config = None
    if resolved.mapping and resolved.repository:
        config = code_mapping_out(services, MappingDetails(resolved.mapping, project, resolved.repository))
    # Sentry's issue page offers the set-up of a mapping if there is an installation but no link.
    listed = list_linking_installations(services, organization)
    notes = notes_on_release(services, organization, query.release)
    if listed.has_next:
        notes.append(f"The organization has more installations than the {len(listed.items)} that are listed.")
    outcome = _outcome_fields(resolved)
    if without_anchor and outcome["source_url"]:
        outcome["source_url"] = urldefrag(outcome["source_url"]).url
    answer = StacktraceLink(
        **outcome,
        config=config,
        notes=notes,
        integrations=[short_installation(services, organization, item) for item in listed.items],
    )
    return json_answer(answer.model_dump_json())


files_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


def _has_no_anchor(request: Request) -> bool:
    value = request.headers.get(_ANCHOR)
    if value not in (None, "none"):
        raise InvalidInput("Input should be 'none'", _ANCHOR)
    return value is not None


@files_router.get("/stacktrace-links/")
def stacktrace_links(
    services: ServicesDep,
    organization: ForProjects,
    project: ProjectToRead,
    file: Annotated[list[str], Query(min_length=1)],
    ref: str | None = None,
    release: str | None = None,
) -> LinkedFiles:
    """The links of many files, at the commit ``ref``, the release's commit, or the default branch."""
    frames = [LinkQuery(file=name, commitId=ref).frame() for name in file]
    resolved = resolve_links(services, organization, project, frames, LinkOptions(release))
    files = [_linked_file(name, item) for name, item in zip(file, resolved, strict=True)]
    return LinkedFiles(files=files, notes=notes_on_release(services, organization, release))


def _linked_file(name: str, resolved: ResolvedFrame) -> LinkedFile:
    fields = _outcome_fields(resolved)
    return LinkedFile(file=name, **{key: fields[key] for key in LinkedFile.model_fields if key in fields})


def _outcome_fields(resolved: ResolvedFrame) -> dict[str, Any]:
    match resolved.outcome:
        case Link() as link:
            return {
                "source_url": link.url,
                "source_path": link.source_path,
                "error": None,
                "ref": link.ref,
                "ref_source": link.ref_source,
                "verified": link.verified,
            }
        case NoLink() as missing:
            return {
                "source_url": None,
                "source_path": missing.source_path,
                "attempted_url": missing.attempted_url,
                "error": missing.reason.value,
                "detail": missing.message or None,
                "next_step": missing.next_step,
            }


class TraceQuery(BaseModel):
    """The query of ``trace-links``."""

    context: int | None = Field(
        default=None,
        ge=0,
        le=MAX_MARGIN,
        description="Add so many source lines on each side of each linked frame's line.",
    )
    owners: bool = Field(default=False, description="Add the owners of each linked file, from CODEOWNERS.")
    suspects: bool = Field(default=False, description="Add the commits that may have introduced the error.")


@router.post("/trace-links/", response_model=TraceWithSuspectsOut, openapi_extra=project_route(TraceQuery))
@counts_trace_time
def trace_links(
    request: Request, access: Annotated[ProjectAccess, Depends(project_access("links"))], body: LinksIn
) -> Response:
    """The links of all frames of a stack trace, each with its confidence; on request with source lines and owners."""
    services, caller, organization, project = access
    query = read_query(request, TraceQuery)
    if query.context is not None:
        check_reads_code(caller)
    trace = read_trace(services, body)
    resolved = resolve_links(services, organization, project, trace.queries, body.options)
    frames: Sequence[msgspec.Struct | FrameWithContextOut] = linked_frames(trace.frames, resolved)
    if query.context is not None:
        context = read_context(services, organization, trace.queries, resolved, query.context)
        frames = [with_context(*item) for item in zip(frames, context, strict=True)]
    if query.owners:
        found = read_owners(services, organization, resolved)
        frames = [with_owners(*item) for item in zip(frames, found, strict=True)]
    notes = notes_on_release(services, organization, body.release)
    answer: dict[str, Any] = {
        "frames": frames,
        "unreadLines": trace.unread,
        "truncated": trace.truncated,
        "notes": notes,
    }
    if query.suspects:
        options = SuspectOptions(body.release or None)
        suspects = suspects_out(services, organization, trace, resolved, options)
        answer["suspects"] = suspects.model_dump(mode="json")
    return json_answer(msgspec.json.encode(answer))


@files_router.post("/explain/")
@counts_trace_time
def explain_trace(
    services: ServicesDep, organization: ForLinks, project: ProjectToLink, body: LinksIn
) -> ExplainedTraceOut:
    """The answers of ``trace-links``, with the outcome of every code mapping for each frame."""
    trace = read_trace(services, body)
    # Checked after reading: only then the number of frames in a text is known.
    services.limits.check("explained_frames", len(trace.queries), "frames" if body.text is None else "text")
    explained = explain_links(services, organization, project, trace.queries, body.options)
    frames = [explained_frame(frame, item) for frame, item in zip(trace.frames, explained, strict=True)]
    notes = notes_on_release(services, organization, body.release)
    return {"frames": frames, "unreadLines": trace.unread, "truncated": trace.truncated, "notes": notes}


derivation_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])


class DerivedOut(Wire):
    """A derived code mapping, and the action for it."""

    action: str = Field(
        description="create; update, if its confidence rose; keep, if it exists; skip, with the reason in detail."
    )
    mapping: MappingWithEvidence
    detail: str | None


class DerivationOut(Wire):
    saved: bool = Field(description="Whether the actions were done, or are only listed.")
    mappings: list[DerivedOut]
    unread_lines: int
    truncated: bool
    notes: list[str] = Field(default_factory=list, description="What was left out.")


@derivation_router.post("/derive-mappings/")
@counts_trace_time
def derive_mappings_route(
    services: AuditedServices, organization: ForProjects, project: ProjectToRead, body: DeriveIn
) -> DerivationOut:
    """The code mappings that a trace and the files of known commits support. They are saved only on request."""
    trace = read_trace(services, body)
    options = DerivationOptions(body.save, body.confidence, body.default_branch)
    notes: list[str] = []
    derived = derive_for_project(services, organization, project, trace.queries, options, notes)
    return DerivationOut(
        saved=body.save,
        mappings=[_derived(item) for item in derived],
        unread_lines=trace.unread,
        truncated=trace.truncated,
        notes=notes,
    )


def _derived(item: Derivation) -> DerivedOut:
    mapping = mapping_with_evidence(item.draft, item.repository, item.mapping_id or 0)
    return DerivedOut(action=item.action, mapping=mapping, detail=item.detail)


path_parsing_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])


class PathsIn(BaseModel):
    """The URL of a file's page, and the path of a frame. Camel case and snake case are both accepted."""

    source_url: str = Field(validation_alias=AliasChoices("sourceUrl", "source_url"))
    stack_path: str = Field(validation_alias=AliasChoices("stackPath", "stack_path"), max_length=MAX_FIELD)
    module: str | None = Field(default=None, max_length=MAX_FIELD)
    abs_path: str | None = Field(
        default=None, validation_alias=AliasChoices("absPath", "abs_path"), max_length=MAX_FIELD
    )
    platform: str | None = Field(default=None, max_length=MAX_FIELD)

    def frame(self) -> FrameInfo:
        """Return the frame with this path."""
        return FrameInfo(self.stack_path, self.module, self.abs_path, platform=self.platform)


@path_parsing_router.post("/repo-path-parsing/")
def parse_paths(
    services: ServicesDep,
    organization: Annotated[Organization, Depends(require_scope("path_parsing"))],
    _project: Annotated[Project, Depends(project_in("path_parsing"))],
    paths: PathsIn,
) -> ParsedPath:
    """The repository, the roots and the branch that the page of a frame's file gives."""
    parsed = parse_source_url(services, organization, paths.source_url, paths.frame())
    return ParsedPath(
        integration_id=parsed.installation.id,
        repository_id=parsed.repository.id,
        provider=parsed.installation.provider,
        stack_root=parsed.roots.stack_root,
        source_root=parsed.roots.source_root,
        default_branch=parsed.branch,
    )
