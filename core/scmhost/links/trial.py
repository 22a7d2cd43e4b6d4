"""Try a change of code mappings on frames, without saving it: the links before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.infra.db.base import ID_LIMIT
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services

from .resolve import LinkTargets, ProjectMappings, ResolvedFrame, build_links, index_mappings, map_frames, read_mappings
from .values import CodeMapping, FrameQuery, Link, LinkOptions, MappingDraft, NoLink

# A new mapping is the youngest of the project, and the id decides last.
_NEW: Final = ID_LIMIT - 1


@dataclass(frozen=True, slots=True)
class MappingChange:
    """A change of a project's code mappings.

    Attributes:
        draft: the mapping to add; None: one is deleted.
        replaces: the id of the mapping that it replaces or that is deleted; None: the mapping is new.
    """

    draft: MappingDraft | None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class TriedFrame:
    """A frame with its outcome before and after a change."""

    frame: FrameQuery
    before: ResolvedFrame
    after: ResolvedFrame

    @property
    def differs(self) -> bool:
        """Whether the change gives another link, or another reason."""
        first, second = self.before.outcome, self.after.outcome
        if isinstance(first, Link) and isinstance(second, Link):
            return first.url != second.url
        if isinstance(first, NoLink) and isinstance(second, NoLink):
            return first.reason is not second.reason
        return True


def try_change(
    services: Services,
    organization: Organization,
    project: Project,
    change: MappingChange,
    frames: Sequence[FrameQuery],
    options: LinkOptions,
) -> list[TriedFrame]:
    """Return the outcome of each frame before and after a change, in order. Nothing is saved."""
    rows = services.store.caches.of(organization, services.clock.now())
    with services.store.read() as tx:
        current = read_mappings(tx, services, project)
        changed = _changed(services, organization, current, change)
        targets: list[LinkTargets] = [
            map_frames(tx, services, rows, mappings, frames, options) for mappings in (current, changed)
        ]
    # Without a transaction, because plugins are called.
    before, after = (build_links(services, organization, each) for each in targets)
    return [TriedFrame(*each) for each in zip(frames, before, after, strict=True)]


def _changed(
    services: Services, organization: Organization, current: ProjectMappings, change: MappingChange
) -> ProjectMappings:
    kept = [mapping for mapping in current.by_id.values() if mapping.id != change.replaces]
    if change.draft is None:
        return index_mappings(current.version, kept)
    draft = change.draft
    added = CodeMapping(
        id=change.replaces or _NEW,
        organization_id=organization.id,
        project_id=draft.project_id,
        repository_id=draft.repository_id,
        stack_root=draft.stack_root,
        source_root=draft.source_root,
        default_branch=draft.default_branch,
        # A mapping that a person changes becomes that person's.
        generated=False,
        created_at=services.clock.now(),
    )
    return index_mappings(current.version, [*kept, added])
