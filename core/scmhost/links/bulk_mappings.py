"""Save many code mappings of a project and a repository at once, as ``sentry-cli code-mappings upload`` does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scmhost.audit.queries import Action, record
from scmhost.commits.find_repository import find_named
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.organizations.quotas import take_rows
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.services import Services

from . import queries
from .code_mappings import audit_details, check_count, check_mapping
from .values import CodeMapping, MappingDraft


@dataclass(frozen=True, slots=True)
class Roots:
    """A stack root and the source root that replaces it."""

    stack_root: str
    source_root: str


@dataclass(frozen=True, slots=True)
class RootsResult:
    """The result for a pair of roots. ``detail`` is the problem of one that was not saved."""

    roots: Roots
    status: Literal["created", "updated", "error"]
    detail: str | None = None


def save_mappings(
    services: Services,
    organization: Organization,
    names: tuple[str, str],
    default_branch: str | None,
    pairs: Sequence[Roots],
) -> list[RootsResult]:
    """Create mappings, or change those whose stack root the project has. A wrong one does not stop the others.

    The stack root is the key: a source root replaces the one that the project has for it, and with it repository and
    branch, as in Sentry's API. If a request lists several source roots for one stack root, the project has all of them
    afterwards, and the known files decide which one a frame gets.

    Args:
        services: the services bundle.
        organization: the tenant.
        names: the project's slug or id, and the repository's name.
        default_branch: the branch for frames without a commit.
        pairs: the roots.

    Raises:
        InvalidInput: there are no roots or too many, or the repository has no installation.
        NotFound: the organization has no such project or repository.
    """
    if not pairs:
        raise InvalidInput("At least one mapping is required.", "mappings")
    most = services.limits.mappings_per_request
    # The limit and the message are those of sentry-cli's endpoint in Sentry, which prints the message.
    if len(pairs) > most:
        message = f"A maximum of {most} mappings can be submitted at once (limits.mappings_per_request)."
        raise InvalidInput(message, "mappings")
    # Before the transaction, which other writers wait for. Invalid roots are an item of the answer, not an error of the
    # request: sentry-cli lists them.
    problems = {roots: _problem(roots, default_branch) for roots in dict.fromkeys(pairs)}
    # One transaction: a failure of the database must not leave half of an uploaded file.
    with services.store.write() as tx:
        project, repository = _project(tx, organization, names[0]), _repository(tx, organization, names[1])
        # Two uploads at once would both read that a stack root has no mapping, and each would create one.
        organization_queries.lock_project(tx, organization.id, project.id)
        drafts = {
            roots: MappingDraft(project.id, repository.id, roots.stack_root, roots.source_root, default_branch)
            for roots, problem in problems.items()
            if problem is None
        }
        saver = _BulkSaver(tx, services, organization, project, list(drafts.values()))
        results = {roots: _saved(saver, roots, drafts.get(roots), problem) for roots, problem in problems.items()}
    return _in_order(pairs, results)


def _problem(roots: Roots, default_branch: str | None) -> str | None:
    try:
        check_mapping(MappingDraft(0, 0, roots.stack_root, roots.source_root, default_branch))
    except InvalidInput as error:
        return str(error)
    return None


def _saved(saver: "_BulkSaver", roots: Roots, draft: MappingDraft | None, problem: str | None) -> RootsResult:
    if draft is None:
        return RootsResult(roots, "error", problem)
    try:
        return RootsResult(roots, saver.save(draft))
    except InvalidInput as error:
        return RootsResult(roots, "error", str(error))


def _in_order(pairs: Sequence[Roots], results: Mapping[Roots, RootsResult]) -> list[RootsResult]:
    """Return a result for each pair that was sent. Of equal pairs only the first creates a mapping."""
    seen: set[Roots] = set()
    answers = []
    for roots in pairs:
        result = results[roots]
        answers.append(replace(result, status="updated") if roots in seen and result.status == "created" else result)
        seen.add(roots)
    return answers


def assign_ids(existing: Sequence[CodeMapping], drafts: Sequence[MappingDraft]) -> dict[str, int | None]:
    """Return, for each source root of one stack root, the id of the mapping that it replaces; None creates a mapping.

    A mapping that exists already replaces itself. The others replace mappings that the request does not list: those of
    their own repository first, then the oldest ones. What remains is kept: a request never deletes mappings.
    """
    repository_id = drafts[0].repository_id if drafts else 0
    unchanged = {mapping.source_root: mapping.id for mapping in existing if mapping.repository_id == repository_id}
    roots = dict.fromkeys(draft.source_root for draft in drafts)
    free = [
        mapping for mapping in existing if mapping.repository_id != repository_id or mapping.source_root not in roots
    ]
    # By id in the end, so that a repeated upload makes the same choice on every database.
    free.sort(key=lambda mapping: (mapping.repository_id != repository_id, mapping.id))
    free_ids = iter([mapping.id for mapping in free])
    return {root: unchanged[root] if root in unchanged else next(free_ids, None) for root in roots}


class _BulkSaver:
    """Saves the different, valid drafts of one request, one after the other."""

    def __init__(
        self,
        tx: Transaction,
        services: Services,
        organization: Organization,
        project: Project,
        drafts: Sequence[MappingDraft],
    ) -> None:
        self._tx = tx
        self._services = services
        self._organization = organization
        # Counted once: counting a hundred thousand mappings for each new one would take minutes.
        self._count = queries.count(tx, organization.id, project.id)
        by_root: dict[str, list[MappingDraft]] = {}
        for draft in drafts:
            by_root.setdefault(draft.stack_root, []).append(draft)
        # Once per stack root: a mapping that one pair creates must not be replaced by the next pair.
        self._ids = {
            root: assign_ids(queries.with_root(tx, organization.id, project.id, root), own)
            for root, own in by_root.items()
        }

    def save(self, draft: MappingDraft) -> Literal["created", "updated"]:
        """Save one draft.

        Raises:
            InvalidInput: the project has as many mappings as the limit allows.
        """
        tx, organization_id = self._tx, self._organization.id
        mapping_id = self._ids[draft.stack_root][draft.source_root]
        if mapping_id is None:
            check_count(self._services, self._count)
            self._record("code-mapping.create", queries.create(tx, organization_id, draft, self._services.clock.now()))
            take_rows(tx, self._services, self._organization, {"code_mappings": 1})
            self._count += 1
            return "created"
        before = queries.get(tx, organization_id, mapping_id)
        saved = queries.update(tx, organization_id, mapping_id, draft)
        # A repeated upload changes nothing, and must not fill the audit log.
        if saved != before:
            self._record("code-mapping.edit", saved)
        return "updated"

    def _record(self, action: Action, mapping: CodeMapping) -> None:
        target = (mapping.id, mapping.stack_root)
        record(self._tx, self._services, self._organization, action, target, audit_details(mapping))


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
