"""What a change of the switchboard does: which organizations it switches on and off, and by which rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scmhost.sdk import Organization

from .schema import Settings
from .switches import Question, Switch, decide


@dataclass(frozen=True, slots=True)
class Switching:
    """An organization for which a plugin is on in one of two switchboards and off in the other."""

    plugin: str
    organization: Organization
    before: Switch
    after: Switch


def switched(
    before: Settings, after: Settings, organizations: Iterable[Organization], unflagged: frozenset[str] = frozenset()
) -> Iterator[Switching]:
    """Every organization that a change switches, by plugin.

    The files alone are compared: plugins are taken to be well, and to need a flag unless they are ``unflagged``.
    Other flag services are not asked.
    """
    plugins = sorted({*before.plugins, *after.plugins})
    everybody = list(organizations)
    for plugin in plugins:
        if before.plugins.get(plugin) == after.plugins.get(plugin) and before.plugins_off == after.plugins_off:
            continue
        for organization in everybody:
            question = Question(plugin, organization, plugin not in unflagged)
            old, new = decide(before, question), decide(after, question)
            if old.on is not new.on:
                yield Switching(plugin, organization, old, new)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many organizations a change switches."""

    on: int = 0
    off: int = 0


def counted(found: Iterable[Switching]) -> Mapping[str, Counts]:
    """How many are switched, by plugin."""
    counts: dict[str, Counts] = {}
    for item in found:
        so_far = counts.get(item.plugin, Counts())
        counts[item.plugin] = Counts(so_far.on + item.after.on, so_far.off + item.before.on)
    return counts
