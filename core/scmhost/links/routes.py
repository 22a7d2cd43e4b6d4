"""Routes that turn frames and traces into links."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AliasChoices, BaseModel, Field

from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import Wire
from scmhost.infra.paging import PageRequest
from scmhost.installations.install import list_installations
from scmhost.installations.routes import short_installation
from scmhost.mapping import FrameInfo
from scmhost.organizations.access import (
    ActingServices,
    ForLinks,
    ForProjects,
    ProjectToLink,
    ProjectToRead,
    ServicesOf,
    allowed,
    project_in,
)
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization, ref_problem
from scmhost.services import Services

from . import trace_input
from .code_mappings import ShownMapping
from .derive import Derivation, Derive, derive_for_project
from .explain import explain_links
from .mapping_routes import shown_mapping
from .outcome import Link, NoLink
from .resolve import Resolved, resolve_links
from .schemas import (
    CodeMappingOut,
    ExplainedTraceOut,
    LinkedFile,
    LinkedFiles,
    LinkedTraceOut,
    MappingWhole,
    ParsedPath,
    StacktraceLink,
    explained_frame,
    linked_frame,
    mapping_whole,
)
from .source_urls import parse_source_url
from .trace_input import DeriveIn, LinksIn
from .values import FrameQuery, Wish

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


def frame_query_of(
    file: str = "",
    commit_id: Annotated[str | None, Query(alias="commitId")] = None,
    platform: str | None = None,
    sdk_name: Annotated[str | None, Query(alias="sdkName")] = None,
    abs_path: Annotated[str | None, Query(alias="absPath")] = None,
    module: str | None = None,
    package: str | None = None,
    line_no: Annotated[int | None, Query(alias="lineNo")] = None,
) -> FrameQuery:
    """The frame that a query describes."""
    if not file:
        raise InvalidInput("Filepath is required")
    if commit_id:
        problem = ref_problem(commit_id)
        if problem:
            raise InvalidInput(f"{problem}.", "commitId")
    info = FrameInfo(
        filename=file, module=module, abs_path=abs_path, package=package, platform=platform, sdk_name=sdk_name
    )
    return FrameQuery(info, line_no, commit_id or None)


@router.get("/stacktrace-link/")
def stacktrace_link(
    services: ServicesOf,
    organization: ForProjects,
    project: ProjectToRead,
    frame: Annotated[FrameQuery, Depends(frame_query_of)],
    release: str | None = None,
) -> StacktraceLink:
    """The link of one frame, or the reason why there is none with the next step."""
    resolved = resolve_links(services, organization, project, [frame], Wish(release))[0]
    known = list_installations(services, organization, PageRequest(), features=frozenset({"stacktrace_link"}))
    integrations = [short_installation(services, organization, item) for item in known.items]
    return StacktraceLink(
        **_outcome(resolved),
        config=_config(services, project, resolved),
        integrations=integrations,
    )


@router.get("/stacktrace-links/")
def stacktrace_links(
    services: ServicesOf,
    organization: ForProjects,
    project: ProjectToRead,
    file: Annotated[list[str], Query(min_length=1)],
    ref: str | None = None,
    release: str | None = None,
) -> LinkedFiles:
    """The links of many files at once, at the commit ``ref``, else at the release's, else at the default branch."""
    frames = [frame_query_of(name, commit_id=ref) for name in file]
    resolved = resolve_links(services, organization, project, frames, Wish(release))
    return LinkedFiles(files=[_linked_file(name, item) for name, item in zip(file, resolved, strict=True)])


def _linked_file(name: str, resolved: Resolved) -> LinkedFile:
    told = _outcome(resolved)
    return LinkedFile(file=name, **{field: told[field] for field in LinkedFile.model_fields if field in told})


def _config(services: Services, project: Project, resolved: Resolved) -> CodeMappingOut | None:
    if resolved.mapping is None or resolved.repository is None:
        return None
    return shown_mapping(services, ShownMapping(resolved.mapping, project, resolved.repository))


def _outcome(resolved: Resolved) -> dict[str, Any]:
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
        case NoLink() as no:
            return {
                "source_url": None,
                "source_path": no.source_path,
                "attempted_url": no.attempted_url,
                "error": no.reason.value,
                "detail": no.message or None,
                "next_step": no.next_step,
            }


traces_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


@traces_router.post("/trace-links/")
def trace_links(services: ServicesOf, organization: ForLinks, project: ProjectToLink, body: LinksIn) -> LinkedTraceOut:
    """The links of all frames of a stack trace, pasted or as an event has them, each with how sure it is."""
    trace = trace_input.read(services, body)
    answers = resolve_links(services, organization, project, trace.queries, _wish(body))
    frames = [linked_frame(shown, answer) for shown, answer in zip(trace.shown, answers, strict=True)]
    return LinkedTraceOut(frames=frames, unread_lines=trace.unread, truncated=trace.truncated)


@traces_router.post("/explain/")
def explain_trace(
    services: ServicesOf, organization: ForLinks, project: ProjectToLink, body: LinksIn
) -> ExplainedTraceOut:
    """How frames come to their links or to none: the same answers, with every code mapping that was tried and why."""
    trace = trace_input.read(services, body)
    services.limits.check("explained_frames", len(trace.queries), "frames" if body.text is None else "text")
    answers = explain_links(services, organization, project, trace.queries, _wish(body))
    frames = [explained_frame(shown, answer) for shown, answer in zip(trace.shown, answers, strict=True)]
    return ExplainedTraceOut(frames=frames, unread_lines=trace.unread, truncated=trace.truncated)


def _wish(body: LinksIn) -> Wish:
    return Wish(body.release or None, derive=body.derive, tell_files=True)


derivation_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])


class DerivedOut(Wire):
    """A code mapping that was derived, and what is done with it."""

    action: str = Field(
        description="create; update, because it is surer now; keep, because it is there; skip, with the detail why."
    )
    mapping: MappingWhole
    detail: str | None


class DerivationOut(Wire):
    saved: bool = Field(description="Whether the actions were done; else they would be.")
    mappings: list[DerivedOut]
    unread_lines: int
    truncated: bool


@derivation_router.post("/derive-mappings/")
def derive_mappings_route(
    services: ActingServices, organization: ForProjects, project: ProjectToRead, body: DeriveIn
) -> DerivationOut:
    """The code mappings that a trace and the files of known commits tell; saved only when that is asked for."""
    trace = trace_input.read(services, body)
    how = Derive(save=body.save, least=body.confidence, default_branch=body.default_branch)
    derived = derive_for_project(services, organization, project, trace.queries, how)
    return DerivationOut(
        saved=body.save,
        mappings=[_derived(item) for item in derived],
        unread_lines=trace.unread,
        truncated=trace.truncated,
    )


def _derived(item: Derivation) -> DerivedOut:
    mapping = mapping_whole(item.draft, item.repository, item.mapping_id or 0)
    return DerivedOut(action=item.action, mapping=mapping, detail=item.detail)


path_parsing_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])

LONGEST: Final = 4096


class PathsIn(BaseModel):
    """A page and the path of a frame; camel case and snake case are both taken."""

    source_url: str = Field(validation_alias=AliasChoices("sourceUrl", "source_url"))
    stack_path: str = Field(validation_alias=AliasChoices("stackPath", "stack_path"), max_length=LONGEST)
    module: str | None = Field(default=None, max_length=LONGEST)
    abs_path: str | None = Field(default=None, validation_alias=AliasChoices("absPath", "abs_path"), max_length=LONGEST)
    platform: str | None = Field(default=None, max_length=LONGEST)

    def frame(self) -> FrameInfo:
        """The frame that the path is of."""
        return FrameInfo(self.stack_path, self.module, self.abs_path, platform=self.platform)


@path_parsing_router.post("/repo-path-parsing/")
def parse_paths(
    services: ServicesOf,
    organization: Annotated[Organization, Depends(allowed("path_parsing"))],
    _project: Annotated[Project, Depends(project_in("path_parsing"))],
    paths: PathsIn,
) -> ParsedPath:
    """The repository, the roots and the branch that the page of a frame's file tells."""
    parsed = parse_source_url(services, organization, paths.source_url, paths.frame())
    return ParsedPath(
        integration_id=parsed.installation.id,
        repository_id=parsed.repository.id,
        provider=parsed.installation.provider,
        stack_root=parsed.roots.stack_root,
        source_root=parsed.roots.source_root,
        default_branch=parsed.branch,
    )
