"""Which plugins are installed: read from metadata, without importing any."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import Final, TypeAlias

from scmhost.sdk import PROJECT_NAME

from .watching import FileState

_RANGE: Final = re.compile(r"scmhost-api\s*(?=[<>=!~])")
_OPERATOR: Final = tuple("<>=!~")


InstalledState: TypeAlias = tuple[FileState | None, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installed plugin that was not looked into yet.

    Attributes:
        name: the entry point's name, which is the plugin's.
        value: what the entry point refers to: ``module`` or ``module:object``.
        distribution: who installed it.
        version: the distribution's version.
        api_range: the versions of the contract that it supports, like ``>=1.0,<2``, or None when it states none.
    """

    name: str
    value: str
    distribution: str
    version: str
    api_range: str | None = None

    @property
    def where(self) -> str:
        """Distribution and entry point, for messages."""
        return f"{self.distribution} {self.version}, entry point {self.name} = {self.value}"


def discover() -> list[Candidate]:
    """All installed plugins, by name and distribution: never in the order of a directory."""
    found = [candidate for point in entry_points(group=PROJECT_NAME) for candidate in _candidates(point)]
    return sorted(found, key=lambda candidate: (candidate.name, candidate.distribution))


def installed_state() -> InstalledState:
    """The folders of installed distributions. While it is equal, what is installed is the same."""
    return tuple(FileState.of(Path(folder)) for folder in sys.path)


def stated_range(keywords: str) -> str | None:
    """The range of contract versions among a distribution's keywords, which metadata joins with commas."""
    parts: list[str] = []
    for word in map(str.strip, keywords.split(",")):
        if _RANGE.match(word):
            parts.append(_RANGE.sub("", word))
        elif parts and word.startswith(_OPERATOR):
            parts.append(word)
    return ",".join(parts) or None


def _candidates(point: EntryPoint) -> Iterator[Candidate]:
    distribution: Distribution | None = point.dist
    if distribution is not None:
        keywords = ",".join(distribution.metadata.get_all("Keywords") or [])
        yield Candidate(point.name, point.value, distribution.name, distribution.version, stated_range(keywords))
