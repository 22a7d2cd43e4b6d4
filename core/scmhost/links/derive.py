"""Derive code mappings from frames and known files, and save them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from scmhost.audit.record import Action, record
from scmhost.commits.find_repository import is_stand_in
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.mapping import CLASS_PLATFORMS, Unmapped, derive_mappings, file_names, map_frame
from scmhost.organizations.values import Project
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.sdk.reasons import Confidence
from scmhost.services import Services

from . import queries
from .caches import index_mappings
from .code_mappings import check_limit, check_mapping, mapping_details
from .values import CodeMapping, FrameQuery, MappingDraft

# A trace has some dozen files of its own; the rest are of libraries.
_MOST_NAMES: Final = 200
# As much as a person looks at.
_MOST_EVIDENCE: Final = 20


def derived_drafts(
    tx: Transaction, services: Services, organization: Organization, frames: Iterable[FrameQuery], project_id: int
) -> list[tuple[MappingDraft, Repository]]:
    """The mappings that frames of a project's own code and the files of active repositories tell."""
    own = [frame.info for frame in frames if frame.in_app is not False or frame.info.platform in CLASS_PLATFORMS]
    names = file_names(own)[:_MOST_NAMES]
    found = file_queries.named(tx, organization.id, names, services.limits.derived_from_files)
    rows = repository_queries.get_many(tx, organization.id, found)
    paths = {str(id_): found[id_] for id_, row in rows.items() if _is_usable(row)}
    return [
        (
            MappingDraft(
                project_id=project_id,
                repository_id=int(derived.repository),
                stack_root=derived.roots.stack_root,
                source_root=derived.roots.source_root,
                default_branch=_only_branch(tx, organization, int(derived.repository)),
                generated=True,
                confidence=derived.confidence,
                derived_from=derived.derived_from[:_MOST_EVIDENCE],
            ),
            rows[int(derived.repository)],
        )
        for derived in derive_mappings(own, paths, whole=False)
    ]


def derived_for(
    tx: Transaction, services: Services, organization: Organization, frames: Iterable[FrameQuery]
) -> list[CodeMapping]:
    """The mappings that frames and files tell, for one request: they have ids below 0, and no project."""
    drafts = derived_drafts(tx, services, organization, frames, 0)
    now = services.clock.now()
    return [
        CodeMapping(
            id=-number,
            organization_id=organization.id,
            project_id=draft.project_id,
            repository_id=draft.repository_id,
            stack_root=draft.stack_root,
            source_root=draft.source_root,
            default_branch=draft.default_branch,
            generated=True,
            created_at=now,
            confidence=draft.confidence,
            derived_from=draft.derived_from,
        )
        for number, (draft, _) in enumerate(drafts, start=1)
    ]


def _is_usable(repository: Repository) -> bool:
    return repository.status is RepositoryStatus.ACTIVE and not is_stand_in(repository)


def _only_branch(tx: Transaction, organization: Organization, repository_id: int) -> str | None:
    """The branch that the repository's mappings agree on."""
    known = queries.branches(tx, organization.id, repository_id)
    return next(iter(known)) if len(known) == 1 else None


DerivationAction = Literal["create", "update", "keep", "skip"]

_SUREST: Final[Sequence[Confidence]] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Derivation:
    """A mapping that frames and files tell, and what becomes of it. ``detail`` says why it is skipped."""

    draft: MappingDraft
    repository: Repository
    action: DerivationAction
    detail: str | None = None
    mapping_id: int | None = None


@dataclass(frozen=True, slots=True)
class Derive:
    """What is to be done with what is derived.

    Attributes:
        save: whether mappings are saved; else it is only told what would be done.
        least: how sure a mapping has to be to be saved.
        default_branch: the branch of new mappings; else the one that their repository's other mappings agree on.
    """

    save: bool = False
    least: Confidence = "medium"
    default_branch: str | None = None


def derive_for_project(
    services: Services, organization: Organization, project: Project, frames: Sequence[FrameQuery], how: Derive
) -> list[Derivation]:
    """Derive mappings for the frames that no person's mapping fits. What people made is never changed.

    Done again with the same frames and files, it changes nothing.

    Raises:
        InvalidForm: the branch is none.
    """
    check_mapping(MappingDraft(project.id, 0, "", "", how.default_branch))
    with services.store.write() if how.save else services.store.read() as tx:
        saved = queries.for_project(tx, organization.id, project.id)
        by_people = index_mappings(0, [mapping for mapping in saved if not mapping.generated]).index
        left = [frame for frame in frames if isinstance(map_frame(by_people, frame.info), Unmapped)]
        drafts = derived_drafts(tx, services, organization, left, project.id)
        deciding = _Deciding(tx, services, organization, saved, how)
        return [deciding.decide(draft, repository) for draft, repository in drafts]


class _Deciding:
    """Decides what becomes of the drafts of one request, and does it if that is asked for."""

    def __init__(
        self,
        tx: Transaction,
        services: Services,
        organization: Organization,
        saved: Sequence[CodeMapping],
        how: Derive,
    ) -> None:
        self._tx = tx
        self._services = services
        self._organization = organization
        self._saved = {_key(mapping): mapping for mapping in saved}
        self._how = how

    def decide(self, draft: MappingDraft, repository: Repository) -> Derivation:
        """What becomes of a mapping."""
        known = self._saved.get(_key(draft))
        if known is not None:
            return self._known(known, draft, repository)
        draft = replace(draft, default_branch=self._how.default_branch or draft.default_branch)
        detail = self._hindrance(draft, repository)
        if detail:
            return Derivation(draft, repository, "skip", detail)
        if not self._how.save:
            return Derivation(draft, repository, "create")
        made = queries.create(self._tx, self._organization.id, draft, self._services.clock.now())
        self._record("code-mapping.create", made)
        return Derivation(draft, repository, "create", mapping_id=made.id)

    def _known(self, known: CodeMapping, draft: MappingDraft, repository: Repository) -> Derivation:
        """What was derived before is told more surely, or stays; what a person made stays."""
        draft = replace(draft, default_branch=known.default_branch)
        if not known.generated or _SUREST.index(draft.confidence or "low") >= _SUREST.index(known.confidence or "low"):
            told = (known.generated, known.confidence, known.derived_from)
            stays = replace(draft, generated=told[0], confidence=told[1], derived_from=told[2])
            return Derivation(stays, repository, "keep", mapping_id=known.id)
        if self._how.save:
            self._record("code-mapping.edit", queries.update(self._tx, self._organization.id, known.id, draft))
        return Derivation(draft, repository, "update", mapping_id=known.id)

    def _record(self, action: Action, mapping: CodeMapping) -> None:
        target, details = (mapping.id, mapping.stack_root), mapping_details(mapping)
        record(self._tx, self._services, self._organization, action, target, details)

    def _hindrance(self, draft: MappingDraft, repository: Repository) -> str | None:
        """Why a mapping is not saved."""
        if _SUREST.index(draft.confidence or "low") > _SUREST.index(self._how.least):
            return f"Its confidence is {draft.confidence}; to save it, ask for that instead of {self._how.least}."
        if repository.installation_id is None:
            return "Repository is not associated with an integration. Claim it through an installation first."
        try:
            check_mapping(draft)
            check_limit(self._tx, self._services, self._organization, draft.project_id)
        except InvalidInput as problem:
            return str(problem)
        return None


def _key(mapping: CodeMapping | MappingDraft) -> tuple[int, str, str]:
    return mapping.repository_id, mapping.stack_root, mapping.source_root
