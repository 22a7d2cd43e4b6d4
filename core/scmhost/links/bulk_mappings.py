"""Save many code mappings of a project and a repository at once, as ``sentry-cli code-mappings upload`` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scmhost.audit.queries import Action, record
from scmhost.commits.find_repository import find_named
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.services import Services

from . import queries
from .code_mappings import check_limit, check_mapping, mapping_details, problems_of
from .values import CodeMapping, MappingDraft


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

    What is sent is keyed on the stack root: a source root takes the place of the one that the project has for it, and
    with it repository and branch, as on Sentry's wire. Where a request lists several source roots for one stack root,
    the project has them all afterwards, and which one is used is decided for each file by where it is.

    Args:
        services: what every use case works with.
        organization: the tenant.
        names: the project's slug or id, and the repository's name.
        default_branch: the branch for frames without a commit.
        listed: the roots.

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
        drafts = [
            MappingDraft(project.id, repository.id, roots.stack_root, roots.source_root, default_branch)
            for roots in listed
        ]
        saving = _Saving(tx, services, organization, drafts)
        return [saving.save(draft) for draft in drafts]


def places(known: Sequence[CodeMapping], wanted: Sequence[MappingDraft]) -> dict[str, int | None]:
    """For each source root that one stack root is to have, the mapping that it takes the place of; None is new.

    A mapping that is there already is its own place. The others take the places of what is no longer wanted, those of
    their own repository first, then the older ones. What is left stays: sending never deletes.
    """
    repository_id = wanted[0].repository_id if wanted else 0
    there = {mapping.source_root: mapping.id for mapping in known if mapping.repository_id == repository_id}
    roots = dict.fromkeys(draft.source_root for draft in wanted)
    free = [mapping for mapping in known if mapping.repository_id != repository_id or mapping.source_root not in roots]
    left = iter(sorted(free, key=lambda mapping: (mapping.repository_id != repository_id, mapping.id)))
    missing = {root: getattr(next(left, None), "id", None) for root in roots if root not in there}
    return {root: there.get(root, missing.get(root)) for root in roots}


class _Saving:
    """Saves the drafts of one request, one after the other."""

    def __init__(
        self, tx: Transaction, services: Services, organization: Organization, drafts: Sequence[MappingDraft]
    ) -> None:
        self._tx = tx
        self._services = services
        self._organization = organization
        self._drafts = drafts
        self._places: dict[str, dict[str, int | None]] = {}

    def save(self, draft: MappingDraft) -> SavedRoots:
        """Save one, or say what is wrong with it."""
        roots = Roots(draft.stack_root, draft.source_root)
        try:
            check_mapping(draft)
            status = self._save(draft)
        except InvalidInput as problem:
            return SavedRoots(roots, "error", str(problem))
        return SavedRoots(roots, status)

    def _save(self, draft: MappingDraft) -> Literal["created", "updated"]:
        tx, id_ = self._tx, self._organization.id
        mine = self._of_root(draft.stack_root)
        place = mine[draft.source_root]
        if place is None:
            check_limit(tx, self._services, self._organization, draft.project_id)
            saved = queries.create(tx, id_, draft, self._services.clock.now())
            mine[draft.source_root] = saved.id
            self._record("code-mapping.create", saved)
            return "created"
        known = queries.get(tx, id_, place)
        saved = queries.update(tx, id_, place, draft)
        if saved != known:
            self._record("code-mapping.edit", saved)
        return "updated"

    def _record(self, action: Action, saved: CodeMapping) -> None:
        record(
            self._tx, self._services, self._organization, action, (saved.id, saved.stack_root), mapping_details(saved)
        )

    def _of_root(self, stack_root: str) -> dict[str, int | None]:
        """The places of a stack root's good source roots."""
        if stack_root not in self._places:
            wanted = [draft for draft in self._drafts if draft.stack_root == stack_root and not problems_of(draft)]
            project_id = self._drafts[0].project_id
            known = queries.with_root(self._tx, self._organization.id, project_id, stack_root)
            self._places[stack_root] = places(known, wanted)
        return self._places[stack_root]


def _project(tx: Transaction, organization: Organization, name: str) -> Project:
    project = organization_queries.find_project(tx, organization.id, name)
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
