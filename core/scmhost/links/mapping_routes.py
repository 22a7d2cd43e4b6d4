"""Code mappings: stack root to source root."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import AliasChoices, BaseModel, Field

from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import RequestedPage, Wire
from scmhost.organizations.access import (
    AuditedServices,
    CallerDep,
    ForLoose,
    NumericId,
    ProjectToRead,
    ServicesDep,
    parse_id,
)
from scmhost.organizations.create import ALL_PROJECTS, find_project
from scmhost.sdk import Organization
from scmhost.services import Services

from .bulk_mappings import Roots, RootsResult, save_mappings
from .code_mappings import change_mapping, create_mapping, delete_mapping, link_repository, list_mappings
from .schemas import CodeMappingOut, code_mapping_out
from .values import MappingDraft

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/code-mappings", tags=["code mappings"])


def _either(camel: str, snake: str) -> AliasChoices:
    return AliasChoices(camel, snake)


class MappingIn(BaseModel):
    """The fields of a code mapping. Camel case and snake case are both accepted."""

    # Ids end below 2**53, the largest integer that JavaScript clients read exactly.
    repository_id: int = Field(validation_alias=_either("repositoryId", "repository_id"), ge=0, lt=2**53)
    project_id: int = Field(validation_alias=_either("projectId", "project_id"), ge=0, lt=2**53)
    stack_root: str = Field(validation_alias=_either("stackRoot", "stack_root"), max_length=4096)
    source_root: str = Field(validation_alias=_either("sourceRoot", "source_root"), max_length=4096)
    default_branch: str | None = Field(
        default=None, validation_alias=_either("defaultBranch", "default_branch"), max_length=255
    )

    def draft(self) -> MappingDraft:
        """Return the mapping to save."""
        return MappingDraft(self.project_id, self.repository_id, self.stack_root, self.source_root, self.default_branch)


class NewMapping(MappingIn):
    """A code mapping to create, and the installation of its repository."""

    integration_id: int | None = Field(
        default=None, validation_alias=_either("integrationId", "integration_id"), ge=0, lt=2**53
    )


@router.get("/")
def mappings_list(
    services: ServicesDep,
    organization: ForLoose,
    page: RequestedPage,
    integration_id: Annotated[int | None, Query(alias="integrationId", ge=0, lt=2**53)] = None,
    project: Annotated[list[str] | None, Query()] = None,
) -> Sequence[CodeMappingOut]:
    """Code mappings by id, filtered by installation or project."""
    listed = list_mappings(
        services,
        organization,
        page.request,
        project_ids=_project_ids(services, organization, project),
        installation_id=integration_id,
    )
    return page.answer(listed, [code_mapping_out(services, item) for item in listed.items])


@router.post("/", status_code=201)
def mappings_add(services: AuditedServices, organization: ForLoose, new: NewMapping) -> CodeMappingOut:
    """Create a code mapping."""
    # Sentry checks this before the other fields and answers with this text.
    if not new.integration_id:
        raise InvalidInput("Missing param: integrationId")
    return code_mapping_out(services, create_mapping(services, organization, new.integration_id, new.draft()))


class RootsIn(BaseModel):
    """A stack root and its source root."""

    stack_root: str = Field(validation_alias=_either("stackRoot", "stack_root"), max_length=4096)
    source_root: str = Field(validation_alias=_either("sourceRoot", "source_root"), max_length=4096)


class BulkIn(BaseModel):
    """Code mappings of a project and a repository, by their names."""

    # A slug or an id; scripts send ids as numbers too.
    project: str | int
    repository: str
    default_branch: str | None = Field(
        default=None, validation_alias=_either("defaultBranch", "default_branch"), max_length=255
    )
    mappings: list[RootsIn]


class SavedRootsOut(Wire):
    stack_root: str
    source_root: str
    status: str = Field(description="created, updated or error.")
    detail: str | None = None


class BulkMappingsOut(Wire):
    created: int
    updated: int
    errors: int
    mappings: list[SavedRootsOut]


@router.post("/bulk/", responses={207: {"model": BulkMappingsOut, "description": "Some could not be saved."}})
def mappings_add_many(
    services: AuditedServices, organization: ForLoose, bulk: BulkIn, response: Response
) -> BulkMappingsOut:
    """Create or change many code mappings of a project and a repository. A wrong one does not stop the others.

    A source root replaces the one that the project has for its stack root, unless the request lists both.
    """
    pairs = [Roots(roots.stack_root, roots.source_root) for roots in bulk.mappings]
    names = str(bulk.project), bulk.repository
    # An empty branch means none here, unlike in the form of a single mapping.
    answer = _bulk_answer(save_mappings(services, organization, names, bulk.default_branch or None, pairs))
    # As in Sentry: some mappings were saved and others were not.
    response.status_code = 207 if answer.errors else 200
    return answer


@router.put("/{mapping_id}/")
def mappings_change(
    services: AuditedServices, organization: ForLoose, mapping_id: NumericId, fields: MappingIn
) -> CodeMappingOut:
    """Replace a code mapping's fields. Its repository must stay in the same installation."""
    saved = change_mapping(services, organization, parse_id(mapping_id, "code mapping"), fields.draft())
    return code_mapping_out(services, saved)


@router.delete("/{mapping_id}/", status_code=204, response_class=Response)
def mappings_delete(services: AuditedServices, organization: ForLoose, mapping_id: NumericId) -> None:
    """Delete a code mapping."""
    delete_mapping(services, organization, parse_id(mapping_id, "code mapping"))


def _bulk_answer(results: Sequence[RootsResult]) -> BulkMappingsOut:
    count = Counter(result.status for result in results)
    return BulkMappingsOut(
        created=count["created"],
        updated=count["updated"],
        errors=count["error"],
        mappings=[
            SavedRootsOut(
                stack_root=result.roots.stack_root,
                source_root=result.roots.source_root,
                status=result.status,
                detail=result.detail,
            )
            for result in results
        ],
    )


def _project_ids(services: Services, organization: Organization, projects: list[str] | None) -> list[int] | None:
    # Sentry's clients send project=-1 for all projects.
    if not projects or ALL_PROJECTS in projects:
        return None
    return [find_project(services, organization, project).id for project in projects]


project_repository_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["code mappings"])


class NewProjectRepository(BaseModel):
    """A repository to link to a project."""

    repository_id: int = Field(alias="repositoryId", ge=0, lt=2**53)


class ProjectRepositoryOut(Wire):
    id: str
    project_id: str
    repository_id: str
    source: str = "manual"
    created: bool


@project_repository_router.post(
    "/repo/", status_code=201, responses={200: {"model": ProjectRepositoryOut, "description": "It was linked already."}}
)
def project_repositories_add(
    services: AuditedServices, project: ProjectToRead, caller: CallerDep, new: NewProjectRepository, response: Response
) -> ProjectRepositoryOut:
    """Link a repository to a project: commits that its builds send as `origin` then belong to it."""
    id_, created = link_repository(services, caller.organization, project, new.repository_id)
    response.status_code = 201 if created else 200
    return ProjectRepositoryOut(
        id=str(id_), project_id=str(project.id), repository_id=str(new.repository_id), created=created
    )
