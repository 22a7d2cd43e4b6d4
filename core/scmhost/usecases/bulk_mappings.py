"""Save many code mappings of a project and a repository at once, as ``sentry-cli code-mappings upload`` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scmhost.kernel.errors import InvalidInput, NotFound
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.store import code_mappings, projects
from scmhost.store.engine import Transaction
from scmhost.store.values import MappingDraft, Project

from .audit import mapping_details, of_mapping, record
from .code_mappings import check_limit, check_mapping
from .find_home import find_named
from .services import Services


@dataclass(frozen=True, slots=True)
class Roots:
    """A stack root and the source root that takes its place."""

    stack_root: str
    source_root: str


@dataclass(frozen=True, slots=True)
class SavedRoots:
    """What became of a pair of roots. ``detail`` says what is wrong with one that was not saved."""

    roots: Roots
    status: Literal["created", "updated", "error"]
    detail: str | None = None


def save_mappings(
    services: Services,
    organization: Organization,
    names: tuple[str, str],
    default_branch: str | None,
    listed: Sequence[Roots],
) -> list[SavedRoots]:
    """Create the mappings, or change those whose stack root the project has; one that is wrong costs no other.

    Args:
        services: what every use case works with.
        organization: the tenant.
        names: the project's slug or id, and the repository's name.
        default_branch: the branch for frames without a commit.
        listed: the roots; of two with one stack root the later one stands.

    Raises:
        InvalidInput: there are none or too many, or the repository has no installation.
        NotFound: the project or the repository is not there.
    """
    if not listed:
        raise InvalidInput("At least one mapping is required.", "mappings")
    most = services.limits.mappings_per_request
    if len(listed) > most:
        message = f"A maximum of {most} mappings can be submitted at once (limits.mappings_per_request)."
        raise InvalidInput(message, "mappings")
    with services.store.write() as tx:
        project, repository = _project(tx, organization, names[0]), _repository(tx, organization, names[1])
        saved = []
        for roots in listed:
            draft = MappingDraft(project.id, repository.id, roots.stack_root, roots.source_root, default_branch)
            saved.append(_save(tx, services, organization, draft))
        return saved


def _project(tx: Transaction, organization: Organization, name: str) -> Project:
    project = projects.find(tx, organization.id, name)
    if project is None:
        raise NotFound(f"Project not found: {name}")
    return project


def _repository(tx: Transaction, organization: Organization, name: str) -> Repository:
    repository = find_named(tx, organization, name)
    if repository is None or repository.status is not RepositoryStatus.ACTIVE:
        raise NotFound(f"Repository not found: {name}")
    if repository.installation_id is None:
        raise InvalidInput("Repository is not associated with an integration. Claim it through an installation first.")
    return repository


def _save(tx: Transaction, services: Services, organization: Organization, draft: MappingDraft) -> SavedRoots:
    roots = Roots(draft.stack_root, draft.source_root)
    try:
        check_mapping(draft)
        known = code_mappings.find(tx, organization.id, draft.project_id, draft.stack_root)
        if known is None:
            check_limit(tx, services, organization, draft.project_id)
            saved = code_mappings.create(tx, organization.id, draft, services.clock.now())
            record(tx, services, organization, "code-mapping.create", of_mapping(saved), mapping_details(saved))
        else:
            saved = code_mappings.update(tx, organization.id, known.id, draft)
            if saved != known:
                record(tx, services, organization, "code-mapping.edit", of_mapping(saved), mapping_details(saved))
    except InvalidInput as problem:
        return SavedRoots(roots, "error", str(problem))
    return SavedRoots(roots, "created" if known is None else "updated")
