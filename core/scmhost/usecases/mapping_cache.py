"""A project's code mappings, indexed once per version of them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from scmhost.mapping import MappingIndex, Rule, rules_of
from scmhost.store.values import CodeMapping, Project

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
    return list(rules_of(mapping.id, mapping.stack_root, mapping.source_root, generated=mapping.generated))
