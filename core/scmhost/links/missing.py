"""Counters of frames without a link, by reason and by the beginning of their paths: no text of a trace is kept.

Linking is a read, so that requests count in memory. The housekeeping of each worker adds its counters to the database
once a minute; what a worker that is killed has counted since then is lost.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from threading import Lock
from typing import Final

from scmhost.infra.errors import ScmhostError
from scmhost.mapping import paths_to_match
from scmhost.mapping.code_mapping import normalize_slashes
from scmhost.organizations.queries import Project, get_projects
from scmhost.sdk import Organization, Reason
from scmhost.services import Services

from . import queries
from .queries import MissingKey
from .values import FrameQuery, NoLink, no_link, no_link_message

KEPT_DAYS: Final = 14
"""How long counters are kept."""

SHOWN_DAYS: Final = 7

MOST_ROOTS: Final = 200
"""How many counters an organization may have for one day; further roots are counted together."""

OTHER_ROOTS: Final = "..."
"""The root under which further ones are counted. No path begins like this."""

_FOLDERS: Final = 2
_LONGEST_ROOT: Final = 200


@dataclass(frozen=True, slots=True)
class MissingFrames:
    """How many frames of a project had no link, by reason and root.

    Attributes:
        project: the project.
        reason: why they had none.
        root: the beginning of their paths, as a code mapping could have it; ``OTHER_ROOTS`` for rare ones; empty for
            frames without a folder.
        count: their number over the shown days.
        last_day: the last day with one of them, in UTC.
    """

    project: Project
    reason: Reason
    root: str
    count: int
    last_day: date

    @property
    def message(self) -> str:
        """The reason in a sentence."""
        return no_link_message(no_link(self.reason))

    @property
    def next_step(self) -> str:
        """What to do about them."""
        return no_link(self.reason).next_step

    @property
    def needs_mapping(self) -> bool:
        """Whether a code mapping with this root would help."""
        unmatched = self.reason in (Reason.NO_CODE_MAPPINGS, Reason.STACK_ROOT_MISMATCH)
        return unmatched and self.root not in ("", OTHER_ROOTS)


class MissingCounters:
    """The counters of one process that are not saved yet. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[MissingKey] = Counter()
        self._roots: defaultdict[tuple[int, date], int] = defaultdict(int)

    def add(self, keys: Iterable[MissingKey]) -> None:
        """Count frames."""
        with self._lock:
            for key in keys:
                self._counts[self._bounded(key)] += 1

    def take(self) -> Counter[MissingKey]:
        """Return the counters, and begin anew."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
            self._roots.clear()
        return taken

    def put_back(self, counts: Counter[MissingKey]) -> None:
        """Keep counters that could not be saved for the next attempt."""
        with self._lock:
            for key, count in counts.items():
                self._counts[self._bounded(key)] += count

    def _bounded(self, key: MissingKey) -> MissingKey:
        if key in self._counts:
            return key
        place = key.organization_id, key.day
        if self._roots[place] >= MOST_ROOTS:
            return key._replace(root=OTHER_ROOTS)
        self._roots[place] += 1
        return key


def count_missing(
    services: Services, organization: Organization, project: Project, frames: Iterable[tuple[FrameQuery, NoLink]]
) -> None:
    """Count frames that got no link. Nothing is written; without pages nobody would read the counters."""
    if not services.web.enabled:
        return
    today = services.clock.now().astimezone(UTC).date()
    services.shared(MissingCounters).add(
        MissingKey(organization.id, today, project.id, outcome.reason.value, root_of(frame))
        for frame, outcome in frames
    )


def root_of(frame: FrameQuery) -> str:
    """Return the first folders of a frame's path, with a final slash; an empty text if it has no folder."""
    munged, paths = paths_to_match(frame.info)
    path = normalize_slashes(munged or next(iter(paths), "") or frame.info.filename or "")
    root, named = "", 0
    for folder in path.split("/")[:-1]:
        if named == _FOLDERS or len(root) + len(folder) >= _LONGEST_ROOT:
            break
        root += f"{folder}/"
        named += bool(folder)
    # Neither a database nor a page takes control characters.
    return root if root.isprintable() and root != "/" else ""


def save_missing(services: Services) -> int:
    """Add the counters of this process to the database, and delete old ones; return how many were added."""
    counters = services.shared(MissingCounters)
    taken = counters.take()
    if not taken:
        return 0
    oldest = services.clock.now().astimezone(UTC).date() - timedelta(days=KEPT_DAYS)
    try:
        with services.store.write() as tx:
            queries.delete_missing_before(tx, oldest)
            return queries.add_missing(tx, taken, MOST_ROOTS, OTHER_ROOTS)
    except ScmhostError:
        counters.put_back(taken)
        raise


def missing_frames(services: Services, organization: Organization, limit: int) -> list[MissingFrames]:
    """Return the counters of an organization over the last days, the most frequent first, up to a limit."""
    since = services.clock.now().astimezone(UTC).date() - timedelta(days=SHOWN_DAYS - 1)
    with services.store.read() as tx:
        rows = queries.most_frequent_missing(tx, organization.id, since, limit)
        projects = get_projects(tx, organization.id, {row.project_id for row in rows})
    # A newer version may have counted reasons that this one does not have, during a rolling upgrade.
    known = frozenset(Reason)
    return [
        MissingFrames(projects[row.project_id], Reason(row.reason), row.root, row.count, row.last_day)
        for row in rows
        if row.reason in known
    ]
