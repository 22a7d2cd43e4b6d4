"""Caches of mappings and page templates, and the negative cache of failing providers."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, TypeVar

from scmhost.mapping import MappingIndex, Rule, rules_of_mapping
from scmhost.organizations.queries import Project

from .values import CodeMapping

MOST_PROJECTS: Final = 256


@dataclass(frozen=True, slots=True)
class ProjectMappings:
    """The mappings of a project at one version."""

    version: int
    by_id: Mapping[int, CodeMapping]
    index: MappingIndex


class MappingCache:
    """Keeps the indexes of the projects asked for last.

    Every change of a mapping raises its project's version in the same transaction, so that workers need not tell
    each other anything.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[int, ProjectMappings] = OrderedDict()
        self._lock = Lock()

    def get(self, project: Project) -> ProjectMappings | None:
        """The index for this version of the project's mappings, if it is kept."""
        with self._lock:
            found = self._kept.get(project.id)
            if found is None or found.version != project.mappings_version:
                return None
            self._kept.move_to_end(project.id)
            return found

    def put(self, project: Project, rows: Sequence[CodeMapping]) -> ProjectMappings:
        """Index the mappings of this version and keep them."""
        built = index_mappings(project.mappings_version, rows)
        with self._lock:
            self._kept[project.id] = built
            self._kept.move_to_end(project.id)
            if len(self._kept) > MOST_PROJECTS:
                self._kept.popitem(last=False)
        return built


def index_mappings(version: int, rows: Sequence[CodeMapping]) -> ProjectMappings:
    """The index of a list of mappings."""
    rules = [rule for row in rows for rule in rules_for(row)]
    return ProjectMappings(version, {row.id: row for row in rows}, MappingIndex(rules))


def rules_for(mapping: CodeMapping) -> list[Rule]:
    """A mapping as rules see it; the first has the mapping's own roots."""
    return list(rules_of_mapping(mapping.id, mapping.stack_root, mapping.source_root, generated=mapping.generated))


K = TypeVar("K")
V = TypeVar("V")

SILENCE: Final = timedelta(seconds=10)
MOST_SILENCES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Question:
    """A hook that asks an installation's host about one of its repositories."""

    hook: str
    installation: int
    repository: int


class Silences:
    """The questions of this process that rest; safe to use from many threads.

    One repository alone may be what is wrong, so it rests alone. Once a second one of the installation has no answer
    either, without a good one in between, the hook rests for the whole installation.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun: OrderedDict[tuple[str, int, int | None], datetime] = OrderedDict()
        self._last: OrderedDict[tuple[str, int], int] = OrderedDict()

    def rests(self, question: Question, now: datetime) -> bool:
        """Whether it is not to be asked now."""
        with self._lock:
            return any(self._is_new(begun, now) for begun in map(self._begun.get, _keys(question)))

    def begin(self, question: Question, now: datetime) -> None:
        """It had no answer."""
        one, all_ = _keys(question)
        with self._lock:
            alone = self._last.get(all_[:2], question.repository) == question.repository
            _put(self._last, all_[:2], question.repository)
            _put(self._begun, one, now)
            if not alone:
                _put(self._begun, all_, now)

    def end(self, question: Question) -> None:
        """It had an answer: the host is there."""
        # Most answers end nothing, and need no lock to find that out.
        if (question.hook, question.installation) in self._last:
            with self._lock:
                self._last.pop((question.hook, question.installation), None)

    def _is_new(self, begun: datetime | None, now: datetime) -> bool:
        # A clock that was set back must not make a silence longer.
        return begun is not None and begun <= now < begun + SILENCE


def _keys(question: Question) -> tuple[tuple[str, int, int | None], tuple[str, int, int | None]]:
    return (question.hook, question.installation, question.repository), (question.hook, question.installation, None)


def _put(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > MOST_SILENCES:
        kept.popitem(last=False)
