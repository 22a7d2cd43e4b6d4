"""Create, list, change and delete code mappings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from scmhost.audit.queries import Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import Page, PageRequest
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import InvalidForm, get_installation
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from . import queries
from .values import CodeMapping, MappingDraft

_BRANCH: Final = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_./-]*(?<!/)", re.ASCII)
_BAD_ROOT: Final = re.compile(r"[\s'\"\x00-\x1f]")
_BRANCH_RULE: Final = (
    "Branch name may only have letters, numbers, underscores, forward slashes, dashes, and periods. "
    "Branch name may not start or end with a forward slash."
)


@dataclass(frozen=True, slots=True)
class ShownMapping:
    """A code mapping with what it belongs to."""

    mapping: CodeMapping
    project: Project
    repository: Repository


def create_mapping(
    services: Services, organization: Organization, installation_id: int, draft: MappingDraft
) -> ShownMapping:
    """Save a code mapping of a repository that the installation has.

    Raises:
        NotFound: the project or the installation is not there.
        InvalidForm: a field is wrong; the messages are those that Sentry's clients know.
    """
    with services.store.read() as tx:
        project = _project(tx, organization, draft.project_id)
        installation = installation_queries.get(tx, organization.id, installation_id)
    if installation is None:
        raise NotFound("Could not find this integration installed on your organization")
    check_mapping(draft)
    with services.store.write() as tx:
        repository = _repository(tx, organization, draft.repository_id, installation_id)
        check_limit(tx, services, organization, draft.project_id)
        try:
            saved = queries.create(tx, organization.id, draft, services.clock.now())
        except Duplicate as error:
            raise _taken() from error
        record(tx, services, organization, "code-mapping.create", (saved.id, saved.stack_root), mapping_details(saved))
    return ShownMapping(saved, project, repository)


def change_mapping(
    services: Services, organization: Organization, mapping_id: int, draft: MappingDraft
) -> ShownMapping:
    """Replace a mapping's fields. The repository must be of the same installation as before."""
    check_mapping(draft)
    with services.store.write() as tx:
        known = _require(tx, organization, mapping_id)
        before = repository_queries.get(tx, organization.id, known.repository_id)
        repository = _repository(tx, organization, draft.repository_id, before.installation_id if before else None)
        project = _project(tx, organization, draft.project_id)
        try:
            saved = queries.update(tx, organization.id, mapping_id, replace(draft, generated=False))
        except Duplicate as error:
            raise _taken() from error
        if saved != known:
            record(
                tx, services, organization, "code-mapping.edit", (saved.id, saved.stack_root), mapping_details(saved)
            )
    return ShownMapping(saved, project, repository)


def delete_mapping(services: Services, organization: Organization, mapping_id: int) -> None:
    """Delete a code mapping."""
    with services.store.write() as tx:
        known = _require(tx, organization, mapping_id)
        queries.delete(tx, organization.id, mapping_id)
        record(tx, services, organization, "code-mapping.delete", (known.id, known.stack_root), mapping_details(known))


def list_mappings(
    services: Services,
    organization: Organization,
    request: PageRequest,
    *,
    project_ids: Sequence[int] | None = None,
    installation_id: int | None = None,
) -> Page[ShownMapping]:
    """Code mappings in the order of their ids."""
    if installation_id is not None:
        get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        page = queries.page(tx, organization.id, request, project_ids=project_ids, installation_id=installation_id)
        of_projects = organization_queries.get_projects(
            tx, organization.id, {mapping.project_id for mapping in page.items}
        )
        of_repositories = repository_queries.get_many(tx, organization.id, {item.repository_id for item in page.items})
    shown = [
        ShownMapping(mapping, of_projects[mapping.project_id], of_repositories[mapping.repository_id])
        for mapping in page.items
    ]
    return page.showing(shown)


def check_mapping(draft: MappingDraft) -> None:
    """Check roots and branch.

    Raises:
        InvalidForm: with every field that is wrong.
    """
    problems = problems_of(draft)
    if problems:
        raise InvalidForm(problems)


def problems_of(draft: MappingDraft) -> dict[str, list[str]]:
    """What is wrong with each field, in the words that Sentry's clients know."""
    problems: dict[str, list[str]] = {}
    for field, root in (("stackRoot", draft.stack_root), ("sourceRoot", draft.source_root)):
        if _BAD_ROOT.search(root):
            problems[field] = ["Path may not contain spaces or quotations"]
    if draft.default_branch == "":
        problems["defaultBranch"] = ["This field is required."]
    elif draft.default_branch is not None and not _BRANCH.fullmatch(draft.default_branch):
        problems["defaultBranch"] = [_BRANCH_RULE]
    return problems


def _repository(
    tx: Transaction, organization: Organization, repository_id: int, installation_id: int | None
) -> Repository:
    repository = repository_queries.get(tx, organization.id, repository_id)
    if repository is None or repository.installation_id != installation_id:
        raise InvalidForm({"repositoryId": ["Repository does not exist"]})
    return repository


def _project(tx: Transaction, organization: Organization, project_id: int) -> Project:
    project = organization_queries.get_projects(tx, organization.id, [project_id]).get(project_id)
    if project is None:
        raise NotFound("Could not find project")
    return project


def _require(tx: Transaction, organization: Organization, mapping_id: int) -> CodeMapping:
    known = queries.get(tx, organization.id, mapping_id)
    if known is None:
        raise NotFound(f"Organization {organization.slug!r} has no code mapping with the id {mapping_id}.")
    return known


def check_limit(tx: Transaction, services: Services, organization: Organization, project_id: int) -> None:
    """Refuse one more code mapping of a project than a project may have."""
    most = services.limits.mappings_per_project
    if queries.count(tx, organization.id, project_id) >= most:
        raise InvalidInput(f"A project has at most {most} code mappings (limits.mappings_per_project).")


def _taken() -> InvalidForm:
    return InvalidForm({"nonFieldErrors": ["Code path config already exists with this project and stack trace root"]})


def mapping_details(mapping: CodeMapping) -> Details:
    """What a code mapping says."""
    return {
        "projectId": mapping.project_id,
        "repositoryId": mapping.repository_id,
        "sourceRoot": mapping.source_root,
        "defaultBranch": mapping.default_branch,
    }
