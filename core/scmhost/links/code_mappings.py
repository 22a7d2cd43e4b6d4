"""Create, list, change and delete code mappings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from scmhost.audit.queries import Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import InvalidForm, get_installation
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.organizations.quotas import take_rows
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.services import Services

from . import queries
from .values import CodeMapping, MappingDraft

_BRANCH: Final = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_./-]*(?<!/)", re.ASCII)
# The database takes no lone surrogates. Requests cannot hold them, but roots that are derived from frames can.
_BAD_ROOT: Final = re.compile(r"[\s'\"\x00-\x1f\ud800-\udfff]")
_BRANCH_RULE: Final = (
    "Branch name may only have letters, numbers, underscores, forward slashes, dashes, and periods. "
    "Branch name may not start or end with a forward slash."
)


@dataclass(frozen=True, slots=True)
class MappingDetails:
    """A code mapping with its project and its repository."""

    mapping: CodeMapping
    project: Project
    repository: Repository


def create_mapping(
    services: Services, organization: Organization, installation_id: int, draft: MappingDraft
) -> MappingDetails:
    """Save a code mapping for a repository of an installation.

    Raises:
        NotFound: the organization has no such project or installation.
        InvalidForm: a field is wrong; the messages are those that Sentry's clients show.
    """
    with services.store.read() as tx:
        project = _project(tx, organization, draft.project_id)
        installation = installation_queries.get(tx, organization.id, installation_id)
    if installation is None:
        # The text is Sentry's; its clients show it as it is.
        raise NotFound("Could not find this integration installed on your organization")
    check_mapping(draft)
    with services.store.write() as tx:
        repository = _repository(tx, organization, draft.repository_id, installation_id)
        check_limit(tx, services, organization, draft.project_id)
        try:
            saved = queries.create(tx, organization.id, draft, services.clock.now())
        except Duplicate as error:
            raise _duplicate() from error
        take_rows(tx, services, organization, {"code_mappings": 1})
        # In the same transaction: there is no change without its entry, and no entry without its change.
        record(tx, services, organization, "code-mapping.create", (saved.id, saved.stack_root), audit_details(saved))
    return MappingDetails(saved, project, repository)


def link_repository(
    services: Services, organization: Organization, project: Project, repository_id: int
) -> tuple[int, bool]:
    """Link a repository to a project, so that commits of its builds are found without a code mapping.

    Returns:
        The id of the link, and whether it is new.

    Raises:
        NotFound: the organization has no such active repository.
    """
    with services.store.write() as tx:
        repository = repository_queries.get(tx, organization.id, repository_id)
        if repository is None or repository.status is not RepositoryStatus.ACTIVE:
            # The text is Sentry's.
            raise NotFound("Repository not found.")
        id_, created = queries.link_repository(tx, organization.id, project.id, repository.id, services.clock.now())
        if created:
            details: Details = {"repository": repository.name}
            record(tx, services, organization, "project.link-repository", (project.id, project.slug), details)
    return id_, created


def change_mapping(
    services: Services, organization: Organization, mapping_id: int, draft: MappingDraft
) -> MappingDetails:
    """Replace a mapping's fields. The new repository must belong to the same installation as the old one.

    Raises:
        NotFound: the organization has no such mapping or project.
        InvalidForm: a field is wrong; the messages are those that Sentry's clients show.
    """
    check_mapping(draft)
    with services.store.write() as tx:
        existing = _require_mapping(tx, organization, mapping_id)
        # The update has no integrationId: the installation is the one of the current repository, as in Sentry.
        before = repository_queries.get(tx, organization.id, existing.repository_id)
        repository = _repository(tx, organization, draft.repository_id, before.installation_id if before else None)
        project = _project(tx, organization, draft.project_id)
        try:
            # A derived mapping that a person changes becomes that person's.
            saved = queries.update(tx, organization.id, mapping_id, replace(draft, generated=False))
        except Duplicate as error:
            raise _duplicate() from error
        if saved != existing:
            target = (saved.id, saved.stack_root)
            record(tx, services, organization, "code-mapping.edit", target, audit_details(saved))
    return MappingDetails(saved, project, repository)


def delete_mapping(services: Services, organization: Organization, mapping_id: int) -> None:
    """Delete a code mapping.

    Raises:
        NotFound: the organization has no such mapping.
    """
    with services.store.write() as tx:
        # Read first, because the audit entry has the roots of the deleted row.
        mapping = _require_mapping(tx, organization, mapping_id)
        queries.delete(tx, organization.id, mapping_id)
        target = (mapping.id, mapping.stack_root)
        record(tx, services, organization, "code-mapping.delete", target, audit_details(mapping))


def list_mappings(
    services: Services,
    organization: Organization,
    request: PageQuery,
    *,
    project_ids: Sequence[int] | None = None,
    installation_id: int | None = None,
) -> Page[MappingDetails]:
    """Return a page of code mappings in the order of their ids.

    Raises:
        NotFound: the organization has no such installation.
    """
    if installation_id is not None:
        # An unknown installation is an error, not an empty page: the caller may have a wrong id.
        get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        page = queries.page(tx, organization.id, request, project_ids=project_ids, installation_id=installation_id)
        projects = organization_queries.get_projects(tx, organization.id, {item.project_id for item in page.items})
        repositories = repository_queries.get_many(tx, organization.id, {item.repository_id for item in page.items})
    return page.showing(
        [MappingDetails(item, projects[item.project_id], repositories[item.repository_id]) for item in page.items]
    )


def mappings_in_order(
    services: Services, organization: Organization, project: Project, most: int
) -> tuple[list[MappingDetails], int]:
    """Return the first code mappings of a project in the order in which they are tried, and how many more it has."""
    with services.store.read() as tx:
        saved = queries.for_project(tx, organization.id, project.id)
        shown = nsmallest(most, saved, key=lambda mapping: mapping.rules[0].rank)
        repositories = repository_queries.get_many(tx, organization.id, {item.repository_id for item in shown})
    details = [MappingDetails(item, project, repositories[item.repository_id]) for item in shown]
    return details, len(saved) - len(shown)


def get_mapping(services: Services, organization: Organization, project: Project, mapping_id: int) -> MappingDetails:
    """Return a code mapping of a project.

    Raises:
        NotFound: the project has no such mapping.
    """
    with services.store.read() as tx:
        mapping = _require_mapping(tx, organization, mapping_id)
        repository = repository_queries.get(tx, organization.id, mapping.repository_id)
    if mapping.project_id != project.id or repository is None:
        raise NotFound(f"Project {project.slug!r} has no code mapping with the id {mapping_id}.")
    return MappingDetails(mapping, project, repository)


def check_mapping(draft: MappingDraft) -> None:
    """Check roots and branch.

    Raises:
        InvalidForm: with every field that is wrong.
    """
    problems = problems_of(draft)
    if problems:
        raise InvalidForm(problems)


def problems_of(draft: MappingDraft) -> dict[str, list[str]]:
    """Return the problems of each field, in the words that Sentry's clients show."""
    problems: dict[str, list[str]] = {}
    for field, root in (("stackRoot", draft.stack_root), ("sourceRoot", draft.source_root)):
        # Key and message of each problem are those of the form in Sentry's settings.
        if _BAD_ROOT.search(root):
            problems[field] = ["Path may not contain spaces or quotations"]
    if draft.default_branch == "":
        problems["defaultBranch"] = ["This field is required."]
    elif draft.default_branch is not None and not _BRANCH.fullmatch(draft.default_branch):
        problems["defaultBranch"] = [_BRANCH_RULE]
    return problems


def check_limit(tx: Transaction, services: Services, organization: Organization, project_id: int) -> None:
    """Check that a project may have one more code mapping.

    Raises:
        InvalidInput: the project has as many as the limit allows.
    """
    check_count(services, queries.count(tx, organization.id, project_id))


def check_count(services: Services, count: int) -> None:
    """Check that a project that has so many code mappings may have one more.

    Raises:
        InvalidInput: it has as many as the limit allows.
    """
    # All mappings of a project are indexed in memory, in each process that links its frames.
    most = services.limits.mappings_per_project
    if count >= most:
        raise InvalidInput(f"A project has at most {most} code mappings (limits.mappings_per_project).")


def audit_details(mapping: CodeMapping) -> Details:
    """Return the fields of a code mapping that the audit log keeps."""
    return {
        "projectId": mapping.project_id,
        "repositoryId": mapping.repository_id,
        "sourceRoot": mapping.source_root,
        "defaultBranch": mapping.default_branch,
    }


def _repository(
    tx: Transaction, organization: Organization, repository_id: int, installation_id: int | None
) -> Repository:
    repository = repository_queries.get(tx, organization.id, repository_id)
    # A repository of another installation gets the same answer, as in Sentry.
    if repository is None or repository.installation_id != installation_id:
        raise InvalidForm({"repositoryId": ["Repository does not exist"]})
    return repository


def _project(tx: Transaction, organization: Organization, project_id: int) -> Project:
    project = organization_queries.get_projects(tx, organization.id, [project_id]).get(project_id)
    if project is None:
        raise NotFound("Could not find project")
    return project


def _require_mapping(tx: Transaction, organization: Organization, mapping_id: int) -> CodeMapping:
    mapping = queries.get(tx, organization.id, mapping_id)
    if mapping is None:
        raise NotFound(f"Organization {organization.slug!r} has no code mapping with the id {mapping_id}.")
    return mapping


def _duplicate() -> InvalidForm:
    return InvalidForm({"nonFieldErrors": ["Code path config already exists with this project and stack trace root"]})
