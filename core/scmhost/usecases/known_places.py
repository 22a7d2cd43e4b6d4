"""What the store knows of the places that mapped frames may be of: read at once for all frames."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scmhost.mapping import Mapped, Standing, Unmapped
from scmhost.sdk import Installation, Organization, Reason, Repository
from scmhost.store import installations, known_files, releases, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import CodeMapping, KnownFile

from .find_release import require_release
from .frame_query import FrameQuery, Wish
from .link_building import Place

Found = tuple[Mapped, ...] | Unmapped


@dataclass(frozen=True, slots=True)
class Mappings:
    """The code mappings by id: those that are saved, and, with ids below 0, those that a request derives."""

    derived: Mapping[int, CodeMapping]
    saved: Mapping[int, CodeMapping]

    def of(self, candidate: Mapped) -> CodeMapping:
        """The mapping of a candidate."""
        return (self.derived if candidate.rule.id < 0 else self.saved)[candidate.rule.id]


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The frames' mappings, the repositories that they name, and what is known of the files there."""

    mappings: Mappings
    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    heads: Mapping[int, str]
    files: Mapping[tuple[int, str], KnownFile]

    @property
    def why_none(self) -> Reason:
        """The reason for frames that no mapping leads anywhere."""
        return Reason.STACK_ROOT_MISMATCH if self.mappings.saved else Reason.NO_CODE_MAPPINGS

    def standing(self, candidate: Mapped) -> Standing:
        """What the known commits say of the file that a candidate leads to."""
        file = self._file(candidate)
        if file is None:
            return Standing.UNKNOWN
        return Standing.DELETED if file.deleted else Standing.LISTED

    def place(self, frame: FrameQuery, candidate: Mapped) -> Place | None:
        """Where a candidate leads, with all that is known there.

        None when its repository was deleted since the mappings were read, or when it is a guess that no commit bears
        out.
        """
        mapping = self.mappings.of(candidate)
        repository = self.repositories.get(mapping.repository_id)
        standing = self.standing(candidate)
        if repository is None or (mapping.id < 0 and standing is not Standing.LISTED):
            return None
        file = self._file(candidate)
        return Place(
            mapping=mapping,
            repository=repository,
            installation=self.installations.get(repository.installation_id or 0),
            path=candidate.source_path,
            line=frame.line,
            frame_commit=frame.commit,
            release_commit=self.heads.get(repository.id),
            standing=standing,
            newest_commit=file.sha if file and not file.deleted else None,
        )

    def _file(self, candidate: Mapped) -> KnownFile | None:
        return self.files.get((self.mappings.of(candidate).repository_id, candidate.source_path))


def know(
    tx: Transaction,
    organization: Organization,
    mappings: Mappings,
    found: Iterable[tuple[FrameQuery, Found]],
    wish: Wish,
) -> KnownPlaces:
    """What is known of the places that frames may be of."""
    mapped = [(frame, one) for frame, one in found if not isinstance(one, Unmapped)]
    wanted = {mappings.of(candidate).repository_id for _, one in mapped for candidate in one}
    rows = repositories.get_many(tx, organization.id, wanted)
    heads = _heads(tx, organization, wish.release)
    paths: defaultdict[int, set[str]] = defaultdict(set)
    for frame, one in mapped:
        if wish.tell_files or _is_open(mappings, heads, frame, one):
            for candidate in one:
                paths[mappings.of(candidate).repository_id].add(candidate.source_path)
    return KnownPlaces(
        mappings=mappings,
        repositories=rows,
        installations=_installations(tx, organization, rows.values()),
        heads=heads,
        files=known_files.standing(tx, organization.id, paths),
    )


def _is_open(mappings: Mappings, heads: Mapping[int, str], frame: FrameQuery, candidates: tuple[Mapped, ...]) -> bool:
    """Whether what the commits say of files decides: which mapping is used, whether it is, and to which commit."""
    first = mappings.of(candidates[0])
    has_ref = frame.commit or heads.get(first.repository_id) or first.default_branch
    return len(candidates) > 1 or first.id < 0 or not has_ref or first.catches_all


def _installations(tx: Transaction, organization: Organization, rows: Iterable[Repository]) -> dict[int, Installation]:
    wanted = {row.installation_id for row in rows if row.installation_id is not None}
    found = installations.get_many(tx, organization.id, wanted)
    return {key: stored.installation for key, stored in found.items()}


def _heads(tx: Transaction, organization: Organization, version: str | None) -> dict[int, str]:
    if version is None:
        return {}
    release = require_release(tx, organization, version)
    return {head.repository_id: head.sha for head in releases.heads(tx, organization.id, release.id)}
