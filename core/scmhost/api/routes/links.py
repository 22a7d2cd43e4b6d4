"""From a stack frame to a link."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from scmhost.api.context import ForProjects, ProjectToRead, ServicesOf
from scmhost.api.routes.code_mappings import shown_mapping
from scmhost.api.routes.installations import short_installation
from scmhost.api.shapes import CodeMappingOut, LinkedFile, LinkedFiles, StacktraceLink
from scmhost.kernel.errors import InvalidInput
from scmhost.kernel.paging import PageRequest
from scmhost.links import Link, NoLink
from scmhost.mapping import FrameInfo
from scmhost.sdk import ref_problem
from scmhost.usecases.code_mappings import ShownMapping
from scmhost.usecases.frame_query import FrameQuery, Wish
from scmhost.usecases.install_provider import list_installations
from scmhost.usecases.resolve_links import Resolved, resolve_links
from scmhost.usecases.services import Services
from scmhost.usecases.values import Project

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


def frame_of(
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
    frame: Annotated[FrameQuery, Depends(frame_of)],
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
    frames = [frame_of(name, commit_id=ref) for name in file]
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
