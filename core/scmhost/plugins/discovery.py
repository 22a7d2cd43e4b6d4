"""Find installed plugins by their metadata, and select those to load. Nothing is imported."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import TypeAlias

from packaging.utils import canonicalize_name

from scmhost.sdk import PROJECT_NAME
from scmhost.sdk.validation import did_you_mean, stated_range

from .config.files import FileState
from .config.schema import Settings

InstalledState: TypeAlias = tuple[FileState | None, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installed plugin, before its import.

    Attributes:
        name: the entry point's name, which is the plugin's.
        value: the entry point's reference: ``module`` or ``module:object``.
        distribution: the distribution that contains it.
        version: the distribution's version.
        api_range: the contract versions that it supports, like ``>=1.0,<2``, or None when it states none.
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


@dataclass(frozen=True, slots=True)
class NotSelected:
    """A plugin that is not loaded, because it is off, missing, or claimed by more than one distribution.

    Attributes:
        candidate: the plugin, if exactly one distribution may own the name.
        broken: whether it is enabled, so that the operator must act.
        notes: the problems of a plugin that is off anyway.
    """

    name: str
    candidate: Candidate | None
    broken: bool
    reason: str
    notes: tuple[str, ...] = ()


def discover() -> list[Candidate]:
    """Return all installed plugins, sorted by name and distribution."""
    # Without sorting, the order would be that of a folder on the disk, and differ between machines.
    found = [candidate for point in entry_points(group=PROJECT_NAME) for candidate in _candidates(point)]
    return sorted(found, key=lambda candidate: (candidate.name, candidate.distribution))


def installed_state() -> InstalledState:
    """Return the state of the folders of installed distributions. While it is equal, nothing was installed."""
    return tuple(FileState.of(Path(folder)) for folder in sys.path)


def select(settings: Settings, candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[NotSelected]]:
    """Return the plugins to load, in their order, and those that are not loaded."""
    selected: list[Candidate] = []
    others: list[NotSelected] = []
    # A plugin that only the file names is reported too: it may be misspelled or not installed yet.
    for name in sorted({candidate.name for candidate in candidates} | set(settings.plugins)):
        found = _owner(settings, name, candidates)
        if isinstance(found, Candidate) and settings.enables(name):
            selected.append(found)
        elif isinstance(found, Candidate):
            others.append(NotSelected(name, found, broken=False, reason=_off_reason(settings, name)))
        elif settings.enables(name):
            others.append(NotSelected(name, None, broken=True, reason=found))
        else:
            others.append(NotSelected(name, None, broken=False, reason=_off_reason(settings, name), notes=(found,)))
    return sorted(selected, key=lambda candidate: (settings.of(candidate.name).order, candidate.name)), others


def _candidates(point: EntryPoint) -> Iterator[Candidate]:
    distribution: Distribution | None = point.dist
    # An entry point without a distribution has no version, so that its contract range cannot be checked.
    if distribution is not None:
        # Each property of a distribution parses its metadata again.
        metadata = distribution.metadata
        keywords = ",".join(metadata.get_all("Keywords") or [])
        yield Candidate(point.name, point.value, metadata["Name"], metadata["Version"], stated_range(keywords))


def _owner(settings: Settings, name: str, candidates: Sequence[Candidate]) -> Candidate | str:
    """Return the one candidate that may own a name, or the reason why there is none."""
    claimants = [candidate for candidate in candidates if candidate.name == name]
    pinned = settings.of(name).distribution
    owners = [
        candidate for candidate in claimants if pinned is None or _is_same_distribution(candidate.distribution, pinned)
    ]
    if len(owners) == 1:
        return owners[0]
    names = " and ".join(candidate.distribution for candidate in owners or claimants)
    if owners:
        # A conflict is reported instead of resolved: any choice could load the wrong code.
        write = f"write distribution = {owners[0].distribution!r} (or the other) under [plugins.{name}]"
        return f"the name is claimed by {names}; {write}, or uninstall one"
    if claimants:
        place = settings.source.place("plugins", name, "distribution")
        return f"the name is claimed by {names}, but {place} gives it to {pinned}; install that, or change the line"
    hint = did_you_mean(name, {candidate.name for candidate in candidates})
    place = settings.source.place("plugins", name)
    return f"{place} names it, but no such plugin is installed; install it, or fix the name ({hint})"


def _is_same_distribution(one: str, other: str) -> bool:
    # Names of distributions are compared without regard to case, dashes and underscores.
    return canonicalize_name(one) == canonicalize_name(other)


def _off_reason(settings: Settings, name: str) -> str:
    source = settings.source
    if settings.off_by_environment(name):
        return "switched off by the environment SCMHOST_PLUGINS_OFF"
    if name in settings.plugins:
        return f"enabled is not true ({source.place('plugins', name, 'enabled')})"
    write = f"enabled = true under [plugins.{name}]"
    if source.absent:
        return f"{source.place()}; to load it write one with {write}"
    return f"{source.file} does not name it; to load it write {write}"
