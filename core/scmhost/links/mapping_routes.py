"""Code mappings: stack root to source root."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import AliasChoices, BaseModel, Field

from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import Wanted
from scmhost.installations.schemas import ProviderShort, provider_short
from scmhost.organizations.access import ActingServices, ForLoose, NumericId, ServicesOf, numeric
from scmhost.organizations.create import ALL_PROJECTS, find_project
from scmhost.sdk import Organization
from scmhost.services import Services

from .bulk_mappings import Roots, SavedRoots, save_mappings
from .code_mappings import ShownMapping, change_mapping, create_mapping, delete_mapping, list_mappings
from .schemas import BulkMappingsOut, CodeMappingOut, SavedRootsOut, evidence_out
from .values import MappingDraft

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/code-mappings", tags=["code mappings"])


def _either(camel: str, snake: str) -> AliasChoices:
    return AliasChoices(camel, snake)


class MappingIn(BaseModel):
    """A code mapping's fields; camel case and snake case are both taken."""

    repository_id: int = Field(validation_alias=_either("repositoryId", "repository_id"), ge=0, lt=2**53)
    project_id: int = Field(validation_alias=_either("projectId", "project_id"), ge=0, lt=2**53)
    stack_root: str = Field(validation_alias=_either("stackRoot", "stack_root"), max_length=4096)
    source_root: str = Field(validation_alias=_either("sourceRoot", "source_root"), max_length=4096)
    default_branch: str | None = Field(
        default=None, validation_alias=_either("defaultBranch", "default_branch"), max_length=255
    )

    def draft(self) -> MappingDraft:
        """The mapping to save."""
        return MappingDraft(self.project_id, self.repository_id, self.stack_root, self.source_root, self.default_branch)


class NewMapping(MappingIn):
    """A code mapping to create, through the installation that has its repository."""

    integration_id: int | None = Field(
        default=None, validation_alias=_either("integrationId", "integration_id"), ge=0, lt=2**53
    )


@router.get("/")
def mappings_list(
    services: ServicesOf,
    organization: ForLoose,
    page: Wanted,
    integration_id: Annotated[int | None, Query(alias="integrationId", ge=0, lt=2**53)] = None,
    project: Annotated[list[str] | None, Query()] = None,
) -> Sequence[CodeMappingOut]:
    """Code mappings in the order of their ids, of an installation or of projects."""
    found = list_mappings(
        services,
        organization,
        page.request,
        project_ids=_project_ids(services, organization, project),
        installation_id=integration_id,
    )
    return page.answer(found, [shown_mapping(services, mapping) for mapping in found.items])


@router.post("/", status_code=201)
def mappings_add(services: ActingServices, organization: ForLoose, new: NewMapping) -> CodeMappingOut:
    """Create a code mapping."""
    if not new.integration_id:
        raise InvalidInput("Missing param: integrationId")
    return shown_mapping(services, create_mapping(services, organization, new.integration_id, new.draft()))


class RootsIn(BaseModel):
    """A stack root and its source root."""

    stack_root: str = Field(validation_alias=_either("stackRoot", "stack_root"), max_length=4096)
    source_root: str = Field(validation_alias=_either("sourceRoot", "source_root"), max_length=4096)


class BulkIn(BaseModel):
    """Code mappings of a project and a repository, by name."""

    project: str | int
    repository: str
    default_branch: str | None = Field(
        default=None, validation_alias=_either("defaultBranch", "default_branch"), max_length=255
    )
    mappings: list[RootsIn]


@router.post("/bulk/", responses={207: {"model": BulkMappingsOut, "description": "Some could not be saved."}})
def mappings_add_many(
    services: ActingServices, organization: ForLoose, bulk: BulkIn, response: Response
) -> BulkMappingsOut:
    """Create or change many code mappings of a project and a repository; one that is wrong costs no other.

    A source root takes the place of the one that the project has for its stack root, unless the request lists both.
    """
    listed = [Roots(roots.stack_root, roots.source_root) for roots in bulk.mappings]
    names = str(bulk.project), bulk.repository
    saved = save_mappings(services, organization, names, bulk.default_branch or None, listed)
    answer = _bulk_answer(saved)
    response.status_code = 207 if answer.errors else 200
    return answer


@router.put("/{mapping_id}/")
def mappings_change(
    services: ActingServices, organization: ForLoose, mapping_id: NumericId, fields: MappingIn
) -> CodeMappingOut:
    """Replace a code mapping's fields; it stays with its installation."""
    saved = change_mapping(services, organization, numeric(mapping_id, "code mapping"), fields.draft())
    return shown_mapping(services, saved)


@router.delete("/{mapping_id}/", status_code=204, response_class=Response)
def mappings_delete(services: ActingServices, organization: ForLoose, mapping_id: NumericId) -> None:
    """Delete a code mapping."""
    delete_mapping(services, organization, numeric(mapping_id, "code mapping"))


def shown_mapping(services: Services, shown: ShownMapping) -> CodeMappingOut:
    """A code mapping on the wire."""
    mapping, repository = shown.mapping, shown.repository
    return CodeMappingOut(
        id=str(mapping.id),
        project_id=str(shown.project.id),
        project_slug=shown.project.slug,
        repo_id=str(repository.id),
        repo_name=repository.name,
        integration_id=str(repository.installation_id) if repository.installation_id is not None else None,
        provider=_provider(services, repository.provider),
        stack_root=mapping.stack_root,
        source_root=mapping.source_root,
        default_branch=mapping.default_branch,
        automatically_generated=mapping.generated,
        confidence=mapping.confidence,
        derived_from=evidence_out(mapping.derived_from),
    )


def _bulk_answer(saved: Sequence[SavedRoots]) -> BulkMappingsOut:
    count = Counter(item.status for item in saved)
    return BulkMappingsOut(
        created=count["created"],
        updated=count["updated"],
        errors=count["error"],
        mappings=[
            SavedRootsOut(
                stack_root=item.roots.stack_root,
                source_root=item.roots.source_root,
                status=item.status,
                detail=item.detail,
            )
            for item in saved
        ],
    )


def _project_ids(services: Services, organization: Organization, wanted: list[str] | None) -> list[int] | None:
    if not wanted or ALL_PROJECTS in wanted:
        return None
    return [find_project(services, organization, project).id for project in wanted]


def _provider(services: Services, key: str | None) -> ProviderShort | None:
    if key is None:
        return None
    return provider_short(key, services.plugins.provider_name(key), services.plugins.provider(key))
