"""Follow a redirect: find the pages that the source of a frame may be on, or the reason why there is none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from scmhost.infra.paging import Page, PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as mapping_queries
from scmhost.links.explain import ExplainedFrame, explain_links
from scmhost.links.link_builder import LinkBuilder, LinkTarget
from scmhost.links.missing import count_missing
from scmhost.links.resolve import ResolvedFrame, resolve_links
from scmhost.links.values import CodeMapping, FrameQuery, Link, LinkOptions, NoLink, no_link
from scmhost.mapping import paths_to_match
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.repositories.alias_queries import find_by_remote
from scmhost.sdk import Organization, Reason, Repository
from scmhost.services import Services

MOST_PROJECTS: Final = 100
"""How many projects a redirect without a project tries: of more, those whose mappings may match."""

# A person reads no more of them.
_EXPLAINED_PROJECTS: Final = 5
_LIKELY_FIRST: Final = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class RedirectRequest:
    """What the URL of a redirect names.

    Attributes:
        frame: the frame.
        project: the slug or id of its project; without one, all projects are tried.
        release: the version of its release.
        repository: the URL of its repository, in any spelling. Then no code mapping is needed for a relative path.
    """

    frame: FrameQuery
    project: str | None = None
    release: str | None = None
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page that the source of a frame may be on. The project is None if the URL names the repository."""

    link: Link
    repository: Repository
    project: Project | None


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a redirect leads.

    Attributes:
        pages: the pages, the most likely first; each URL once.
        missing: why there is none.
        explained: what was tried, by project.
    """

    pages: Sequence[SourcePage]
    missing: NoLink | None = None
    explained: Sequence[tuple[Project, ExplainedFrame]] = ()


def follow(
    services: Services, organization: Organization, request: RedirectRequest, *, counted: bool = True
) -> Followed:
    """Return the pages of a frame's source. Mappings that people made come before derived ones.

    ``counted``: whether a frame without a page is one of the frames without a link.
    """
    projects = _projects(services, organization, request)
    # Several attempts for one frame: only the outcome of all of them is counted.
    options = LinkOptions(request.release, counted=False)
    found = _pages(services, organization, request, projects, options)
    # Derived mappings come from the files of all repositories: they are the same for each project.
    derived = partial(_pages, services, organization, request, projects[:1], replace(options, derive=True))
    if request.repository is not None:
        outcome = _in_repository(services, organization, request, found, derived)
        return (
            outcome if outcome.pages else replace(outcome, explained=_tried(services, organization, request, projects))
        )
    found = found or derived()
    return Followed(found) if found else _nothing(services, organization, request, projects, counted=counted)


def _projects(services: Services, organization: Organization, request: RedirectRequest) -> Sequence[Project]:
    rows = services.store.caches.of(organization, services.clock.now())
    name, (_, paths) = request.project, paths_to_match(request.frame.info)

    def read_one() -> Project | None:
        with services.store.read() as tx:
            return organization_queries.find_project(tx, organization.id, name or "")

    def read_first() -> Page[Project]:
        with services.store.read() as tx:
            return organization_queries.project_page(tx, organization.id, PageQuery(size=MOST_PROJECTS))

    def read_matching() -> Sequence[Project]:
        with services.store.read() as tx:
            ids = mapping_queries.projects_of_paths(tx, organization.id, paths, MOST_PROJECTS)
            by_id = organization_queries.get_projects(tx, organization.id, ids)
        return [by_id[id_] for id_ in ids]

    if name:
        project = rows.get("project", name, read_one)
        return [project] if project else []
    first = rows.get("first projects", MOST_PROJECTS, read_first)
    matching = rows.get("projects of paths", tuple(paths), read_matching) if first.more else ()
    # Without a mapping that may match, the first ones are explained.
    return matching or first.items


def _pages(
    services: Services,
    organization: Organization,
    request: RedirectRequest,
    projects: Sequence[Project],
    options: LinkOptions,
) -> list[SourcePage]:
    found = _unique(_mapped(services, organization, request, projects, options))
    if len(found) > 1:
        # Only the order of several pages depends on the status of each file, and few frames have several.
        options = replace(options, with_file_status=True)
        found = _unique(_mapped(services, organization, request, projects, options))
    return found


def _mapped(
    services: Services,
    organization: Organization,
    request: RedirectRequest,
    projects: Sequence[Project],
    options: LinkOptions,
) -> Iterator[SourcePage]:
    for project in projects:
        (resolved,) = resolve_links(services, organization, project, [request.frame], options)
        if isinstance(resolved.outcome, Link) and resolved.repository:
            yield SourcePage(resolved.outcome, resolved.repository, project)


def _unique(pages: Iterator[SourcePage]) -> list[SourcePage]:
    """Return the pages by confidence, each URL once."""
    by_url: dict[str, SourcePage] = {}
    for page in pages:
        by_url.setdefault(page.link.url, page)
    return sorted(by_url.values(), key=lambda page: _LIKELY_FIRST.index(page.link.basis.confidence))


def _in_repository(
    services: Services,
    organization: Organization,
    request: RedirectRequest,
    mapped: Sequence[SourcePage],
    derived: Callable[[], Sequence[SourcePage]],
) -> Followed:
    """Return the mapped pages of the repository that the URL names, or else that of the path itself.

    ``derived``: reads the pages of known files, for paths that are not those of the repository.
    """
    with services.store.read() as tx:
        repository = find_by_remote(tx, organization.id, request.repository or "")
        stored = repository and installation_queries.get(tx, organization.id, repository.installation_id or 0)
    if repository is None:
        text = f"Organization {organization.slug!r} has no repository with the URL {request.repository!r}."
        return Followed((), replace(no_link(Reason.NOT_IN_REPOSITORY, text), next_step=_ADD_REPOSITORY))
    path = (request.frame.info.filename or "").replace("\\", "/").removeprefix("./")
    is_absolute = path.startswith("/") or ":" in path
    own = [page for page in mapped if page.repository.id == repository.id]
    # The path of a class is the name of its file alone.
    if not own and (is_absolute or request.frame.info.module):
        own = [page for page in derived() if page.repository.id == repository.id]
    if own:
        return Followed(own)
    if is_absolute:
        return Followed(
            (), no_link(Reason.STACK_ROOT_MISMATCH, f"{path!r} is no path from the root of the repository.")
        )
    target = LinkTarget(
        mapping=_whole_repository(repository),
        repository=repository,
        installation=stored.installation if stored else None,
        path=path,
        line=request.frame.line,
        frame_commit=request.frame.commit,
        release_commit=None,
    )
    outcome = LinkBuilder(services, organization).build(target)
    return Followed([SourcePage(outcome, repository, None)]) if isinstance(outcome, Link) else Followed((), outcome)


_ADD_REPOSITORY: Final = "Add the repository to scmhost, or correct its URL there."


def _whole_repository(repository: Repository) -> CodeMapping:
    """Return a mapping, which is not saved, of paths that are those of the repository."""
    return CodeMapping(
        id=0,
        organization_id=repository.organization_id,
        project_id=0,
        repository_id=repository.id,
        stack_root="./",
        source_root="",
        default_branch=None,
        generated=False,
        created_at=repository.created_at,
    )


def _nothing(
    services: Services,
    organization: Organization,
    request: RedirectRequest,
    projects: Sequence[Project],
    *,
    counted: bool,
) -> Followed:
    if not projects:
        text = (
            f"Organization {organization.slug!r} has no project {request.project!r}."
            if request.project
            else f"Organization {organization.slug!r} has no project."
        )
        return Followed((), no_link(Reason.NO_CODE_MAPPINGS, text))
    explained = _tried(services, organization, request, projects)
    linked = [SourcePage(outcome, repository, project) for project, outcome, repository in _linked(explained)]
    if linked:
        # A mapping of the first project matches and gives no link, or another one was made meanwhile.
        return Followed(_unique(iter(linked)))
    nearest, outcome = explained[0]
    missing = outcome.resolved.outcome
    assert isinstance(missing, NoLink)  # noqa: S101 - it is no link
    if counted:
        # Tools such as Sentry name no project, and the mapping is mostly missing in the nearest one.
        count_missing(services, organization, nearest, [(request.frame, missing)])
    return Followed((), missing, explained)


def _tried(
    services: Services, organization: Organization, request: RedirectRequest, projects: Sequence[Project]
) -> list[tuple[Project, ExplainedFrame]]:
    """Return what the first projects have for a frame, the nearest to a link first."""
    options = LinkOptions(request.release, derive=True, with_file_status=True)
    tried = [
        (project, explain_links(services, organization, project, [request.frame], options)[0])
        for project in projects[:_EXPLAINED_PROJECTS]
    ]
    return sorted(tried, key=lambda item: _distance(item[1].resolved))


def _linked(explained: Iterable[tuple[Project, ExplainedFrame]]) -> Iterator[tuple[Project, Link, Repository]]:
    for project, frame in explained:
        if isinstance(frame.resolved.outcome, Link) and frame.resolved.repository:
            yield project, frame.resolved.outcome, frame.resolved.repository


def _distance(resolved: ResolvedFrame) -> int:
    """Return how far a frame is from a link: least if a mapping matched, most if its project has no mappings."""
    if resolved.tried:
        return 0
    is_without = isinstance(resolved.outcome, NoLink) and resolved.outcome.reason is Reason.NO_CODE_MAPPINGS
    return 2 if is_without else 1
