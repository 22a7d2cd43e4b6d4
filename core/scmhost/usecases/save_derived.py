"""Save code mappings that frames and files tell, or tell what would be saved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from scmhost.kernel.errors import InvalidInput
from scmhost.mapping import Unmapped, map_frame
from scmhost.sdk import Organization, Repository
from scmhost.sdk.confidence import Confidence
from scmhost.store import code_mappings
from scmhost.store.engine import Transaction
from scmhost.store.values import CodeMapping, MappingDraft, Project

from . import audit
from .code_mappings import check_limit, check_mapping
from .derive_mappings import derived_drafts
from .frame_query import FrameQuery
from .list_files import list_files_now
from .mapping_cache import index_mappings
from .services import Services

Action = Literal["create", "update", "keep", "skip"]

_SUREST: Final[Sequence[Confidence]] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Derivation:
    """A mapping that frames and files tell, and what becomes of it. ``detail`` says why it is skipped."""

    draft: MappingDraft
    repository: Repository
    action: Action
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
    list_files_now(services, organization)
    with services.store.write() if how.save else services.store.read() as tx:
        saved = code_mappings.for_project(tx, organization.id, project.id)
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
        made = code_mappings.create(self._tx, self._organization.id, draft, self._services.clock.now())
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
            self._record("code-mapping.edit", code_mappings.update(self._tx, self._organization.id, known.id, draft))
        return Derivation(draft, repository, "update", mapping_id=known.id)

    def _record(self, action: audit.Action, mapping: CodeMapping) -> None:
        target, details = audit.of_mapping(mapping), audit.mapping_details(mapping)
        audit.record(self._tx, self._services, self._organization, action, target, details)

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
