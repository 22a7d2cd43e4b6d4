"""Derive code mappings from frames and the files that commits named."""

from collections.abc import Iterable
from typing import Final

from scmhost.mapping import CLASS_PLATFORMS, derive_mappings, file_names
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.store import code_mappings, known_files, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import CodeMapping, MappingDraft

from .find_home import is_stand_in
from .frame_query import FrameQuery
from .services import Services

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
    found = known_files.named(tx, organization.id, names, services.limits.derived_from_files)
    rows = repositories.get_many(tx, organization.id, found)
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
    known = code_mappings.branches(tx, organization.id, repository_id)
    return next(iter(known)) if len(known) == 1 else None
