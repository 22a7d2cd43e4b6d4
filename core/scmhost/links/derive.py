"""Derive code mappings from frames and known files: for one request, or to save them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from scmhost.audit.queries import Action, record
from scmhost.commits.find_repository import is_placeholder
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.mapping import (
    CLASS_PLATFORMS,
    DerivedMapping,
    MappingIndex,
    Unmapped,
    derive_mappings,
    file_names,
    map_frame,
)
from scmhost.organizations.queries import Project
from scmhost.organizations.quotas import take_rows
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.sdk.reasons import Confidence
from scmhost.services import Services

from . import queries
from .code_mappings import audit_details, check_limit, check_mapping
from .values import CodeMapping, FrameQuery, MappingDraft

# A trace has some dozen files of its own; the rest are files of libraries.
_MAX_NAMES: Final = 200
# A person reads no more of them.
_MAX_EVIDENCE: Final = 20

_MOST_CONFIDENT_FIRST: Final[Sequence[Confidence]] = ("high", "medium", "low")

DerivationAction = Literal["create", "update", "keep", "skip"]


@dataclass(frozen=True, slots=True)
class DerivationOptions:
    """The treatment of derived mappings.

    Attributes:
        save: whether they are saved. Otherwise the actions are only listed.
        min_confidence: the least confidence of a mapping that is saved.
        default_branch: the branch of new mappings. Without it, the one that all other mappings of their repository
            have is used.
    """

    save: bool = False
    min_confidence: Confidence = "medium"
    default_branch: str | None = None


@dataclass(frozen=True, slots=True)
class Derivation:
    """A derived mapping, and the action for it. ``detail`` is the reason why it is skipped."""

    draft: MappingDraft
    repository: Repository
    action: DerivationAction
    detail: str | None = None
    mapping_id: int | None = None


def derive_for_request(
    tx: Transaction, services: Services, organization: Organization, frames: Iterable[FrameQuery]
) -> list[CodeMapping]:
    """Return mappings for one request. They are not saved: they have ids below 0, and no project."""
    now = services.clock.now()
    return [
        draft.as_saved(-number, organization.id, now)
        for number, (draft, _) in enumerate(_drafts(tx, services, organization, frames, project_id=0), start=1)
    ]


def derive_for_project(
    services: Services,
    organization: Organization,
    project: Project,
    frames: Sequence[FrameQuery],
    options: DerivationOptions,
    notes: list[str] | None = None,
) -> list[Derivation]:
    """Derive mappings for the frames that no mapping of a person matches. Mappings of people are never changed.

    A second call with the same frames and files changes nothing. ``notes`` receives what was left out.

    Raises:
        InvalidForm: the default branch is malformed.
    """
    # Only the branch can be wrong here. It is checked first, because it would fail for every mapping.
    check_mapping(MappingDraft(project.id, 0, "", "", options.default_branch))
    # A preview takes no write lock: SQLite has one for the whole file.
    with services.store.write() if options.save else services.store.read() as tx:
        saved = queries.for_project(tx, organization.id, project.id)
        # Derived mappings are left out, so that more evidence can raise their confidence.
        by_people = MappingIndex([rule for mapping in saved if not mapping.generated for rule in mapping.rules])
        unmatched = [frame for frame in frames if isinstance(map_frame(by_people, frame.info), Unmapped)]
        drafts = _drafts(tx, services, organization, unmatched, project.id, notes)
        saver = _DerivationSaver(tx, services, organization, saved, options)
        return [saver.process(draft, repository) for draft, repository in drafts]


class _DerivationSaver:
    """Chooses the action for each derived mapping of a request, and executes it if ``options.save`` is set."""

    def __init__(
        self,
        tx: Transaction,
        services: Services,
        organization: Organization,
        saved: Sequence[CodeMapping],
        options: DerivationOptions,
    ) -> None:
        self._tx = tx
        self._services = services
        self._organization = organization
        self._saved = {_key(mapping): mapping for mapping in saved}
        self._options = options

    def process(self, draft: MappingDraft, repository: Repository) -> Derivation:
        """Save a mapping if it should be saved, and return the action."""
        # A repeated derivation finds its own mapping here, and changes nothing.
        existing = self._saved.get(_key(draft))
        if existing is not None:
            return self._update(existing, draft, repository)
        draft = replace(draft, default_branch=self._options.default_branch or draft.default_branch)
        problem = self._problem(draft, repository)
        if problem:
            return Derivation(draft, repository, "skip", problem)
        if not self._options.save:
            return Derivation(draft, repository, "create")
        created = queries.create(self._tx, self._organization.id, draft, self._services.clock.now())
        take_rows(self._tx, self._services, self._organization, {"code_mappings": 1})
        self._record("code-mapping.create", created)
        return Derivation(draft, repository, "create", mapping_id=created.id)

    def _update(self, existing: CodeMapping, draft: MappingDraft, repository: Repository) -> Derivation:
        """Raise the confidence of a derived mapping. A person's mapping stays as it is."""
        # Somebody may have set the branch of a derived mapping; a derivation must not undo that.
        draft = replace(draft, default_branch=existing.default_branch)
        # The confidence never falls: a later trace may have fewer frames, which disprove nothing.
        if not existing.generated or _rank(draft.confidence) >= _rank(existing.confidence):
            kept = replace(
                draft,
                generated=existing.generated,
                confidence=existing.confidence,
                derived_from=existing.derived_from,
            )
            return Derivation(kept, repository, "keep", mapping_id=existing.id)
        if self._options.save:
            self._record("code-mapping.edit", queries.update(self._tx, self._organization.id, existing.id, draft))
        return Derivation(draft, repository, "update", mapping_id=existing.id)

    def _problem(self, draft: MappingDraft, repository: Repository) -> str | None:
        """Return why a mapping is not saved, or None if it can be."""
        least = self._options.min_confidence
        if _rank(draft.confidence) > _rank(least):
            return (
                f"Its confidence is {draft.confidence}, and the least to save is {least}; send a lower one to save it."
            )
        # Sentry's message for the same case: a mapping without an installation could not build URLs.
        if repository.installation_id is None:
            return "Repository is not associated with an integration. Claim it through an installation first."
        try:
            check_mapping(draft)
            check_limit(self._tx, self._services, self._organization, draft.project_id)
        except InvalidInput as error:
            return str(error)
        return None

    def _record(self, action: Action, mapping: CodeMapping) -> None:
        target = (mapping.id, mapping.stack_root)
        record(self._tx, self._services, self._organization, action, target, audit_details(mapping))


def _notes(count: int, too_common: Sequence[str], most: int) -> Iterator[str]:
    """Yield a sentence for each limit that left something out."""
    if count > _MAX_NAMES:
        yield f"The frames have {count} different file names; the first {_MAX_NAMES} were compared."
    if too_common:
        yield (
            f"More than {most} files have the name {too_common[0]!r}{' or others' if len(too_common) > 1 else ''} "
            "(limits.derived_from_files); frames of such files were left out."
        )


def _drafts(
    tx: Transaction,
    services: Services,
    organization: Organization,
    frames: Iterable[FrameQuery],
    project_id: int,
    notes: list[str] | None = None,
) -> list[tuple[MappingDraft, Repository]]:
    """Return the mappings that frames of the project's own code and the files of active repositories support."""
    # SDKs mark classes as ``in_app`` by configured packages, which few projects set, so that it proves nothing there.
    own = [frame.info for frame in frames if frame.in_app is not False or frame.info.platform in CLASS_PLATFORMS]
    names = file_names(own)
    too_common: set[str] = set()
    most = services.limits.derived_from_files
    files = file_queries.paths_by_name(tx, organization.id, names[:_MAX_NAMES], most, too_common)
    if notes is not None:
        notes += _notes(len(names), sorted(too_common), most)
    repositories = {
        str(id_): repository
        for id_, repository in repository_queries.get_many(tx, organization.id, files).items()
        # A placeholder holds commits whose repository is unknown, and has no pages to link to.
        if repository.status is RepositoryStatus.ACTIVE and not is_placeholder(repository)
    }
    paths = {key: files[repository.id] for key, repository in repositories.items()}
    return [
        (
            MappingDraft(
                project_id=project_id,
                repository_id=int(derived.repository),
                stack_root=derived.roots.stack_root,
                source_root=derived.roots.source_root,
                default_branch=_common_branch(tx, organization, int(derived.repository)),
                generated=True,
                confidence=derived.confidence,
                derived_from=derived.derived_from[:_MAX_EVIDENCE],
                evidence=_sentence(derived),
            ),
            repositories[derived.repository],
        )
        # Not whole: the query above reads only files with the names of frames.
        for derived in derive_mappings(own, paths, whole=False)
    ]


def _sentence(derived: DerivedMapping) -> str:
    """Return how many files of the trace a mapping explains, in words."""
    explained, files = derived.share
    folder = derived.roots.source_root or "the top folder"
    return f"files of the trace in {folder}: {explained} of {files}"


def _common_branch(tx: Transaction, organization: Organization, repository_id: int) -> str | None:
    """Return the default branch that all mappings of a repository have, if they have one."""
    branches = queries.branches(tx, organization.id, repository_id)
    # If mappings differ, neither branch can be preferred.
    return branches.pop() if len(branches) == 1 else None


def _key(mapping: CodeMapping | MappingDraft) -> tuple[int, str, str]:
    return mapping.repository_id, mapping.stack_root, mapping.source_root


def _rank(confidence: Confidence | None) -> int:
    return _MOST_CONFIDENT_FIRST.index(confidence or "low")
