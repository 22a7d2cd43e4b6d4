"""Which of the installed plugins are to be loaded, and what becomes of the others. Imports none."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from . import reports
from .discovery import Candidate
from .reports import PluginReport
from .schema import Settings
from .suggestions import did_you_mean


def enrol(settings: Settings, candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[PluginReport]]:
    """The plugins to load, in their order, and reports of those that are not."""
    wanted: list[Candidate] = []
    others: list[PluginReport] = []
    for name in sorted({candidate.name for candidate in candidates} | set(settings.plugins)):
        claimants = [candidate for candidate in candidates if candidate.name == name]
        found = _owner(settings, name, claimants) if claimants else _missing(settings, name, candidates)
        if isinstance(found, Candidate) and settings.wants(name):
            wanted.append(found)
        else:
            others.append(reports.off(found, _why_off(settings, name)) if isinstance(found, Candidate) else found)
    return sorted(wanted, key=lambda candidate: (settings.of(candidate.name).order, candidate.name)), others


def _owner(settings: Settings, name: str, claimants: Sequence[Candidate]) -> Candidate | PluginReport:
    """The one distribution that may own a name. Two claimants are a conflict, never a coin flip."""
    pinned = settings.of(name).distribution
    owners = [candidate for candidate in claimants if pinned is None or _same(candidate.distribution, pinned)]
    if len(owners) == 1:
        return owners[0]
    reason = _conflict(name, owners) if owners else _foreign(settings, name, claimants)
    return _not_loaded(settings, name, reason)


def _same(one: str, other: str) -> bool:
    return canonicalize_name(one) == canonicalize_name(other)


def _conflict(name: str, owners: Sequence[Candidate]) -> str:
    told = " and ".join(candidate.distribution for candidate in owners)
    hint = f"write distribution = {owners[0].distribution!r} (or the other) under [plugins.{name}], or uninstall one"
    return f"the name is claimed by {told}; {hint}"


def _foreign(settings: Settings, name: str, claimants: Sequence[Candidate]) -> str:
    told = " and ".join(candidate.distribution for candidate in claimants)
    place = settings.source.place("plugins", name, "distribution")
    pinned = settings.of(name).distribution
    return f"the name is claimed by {told}, but {place} gives it to {pinned}; install that, or change the line"


def _missing(settings: Settings, name: str, candidates: Sequence[Candidate]) -> PluginReport:
    hint = did_you_mean(name, {candidate.name for candidate in candidates})
    place = settings.source.place("plugins", name)
    return _not_loaded(
        settings, name, f"{place} names it, but no such plugin is installed; install it, or mend the name ({hint})"
    )


def _not_loaded(settings: Settings, name: str, reason: str) -> PluginReport:
    """What cannot be loaded is broken if it was wanted, and off if it was not."""
    report = PluginReport(name, None, None, "broken", reason)
    if settings.wants(name):
        return report
    return replace(report, state="off", reason=_why_off(settings, name), notes=(reason,))


def _why_off(settings: Settings, name: str) -> str:
    return next(_reasons(settings, name))


def _reasons(settings: Settings, name: str) -> Iterator[str]:
    if settings.off_by_environment(name):
        yield "switched off by the environment SCMHOST_PLUGINS_OFF"
    if name not in settings.plugins:
        source = settings.source
        write = f"enabled = true under [plugins.{name}]"
        if source.absent:
            yield f"{source.place()}; to load it write one with {write}"
        yield f"{source.file} does not name it; to load it write {write}"
    yield f"enabled is not true ({settings.source.place('plugins', name, 'enabled')})"
