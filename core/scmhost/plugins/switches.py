"""Whether a provider is on for an organization, and who says so: the first rule that applies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from scmhost.sdk import Organization

from .breakers import Suspension
from .rollout import BUCKETS, bucket, within
from .schema import Settings

RuleName = Literal["environment", "kill", "enabled", "health", "deny", "allow", "rollout", "default", "flags_provider"]
Outcome = Literal["passes", "decides", "not reached"]

FIRM: Final[frozenset[RuleName]] = frozenset({"environment", "kill", "enabled", "health"})
"""The rules over which no other flag service has a say."""


@dataclass(frozen=True, slots=True)
class Switch:
    """An answer with its reason and where it comes from: ``plugins.toml:12`` or the environment.

    Attributes:
        on: the answer.
        reason: a sentence for people.
        source: the file and line of the rule, or what else it stands in.
        rule: the rule that decided.
        generation: which reading of the switchboard this process was at.
    """

    on: bool
    reason: str
    source: str
    rule: RuleName = "default"
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """Is this plugin's provider on for this organization? ``ill`` says why the plugin cannot be used, if so."""

    plugin: str
    organization: Organization
    requires_flag: bool = True
    ill: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that was tried, or not reached. ``on`` is the answer of the one that decides."""

    rule: RuleName
    outcome: Outcome
    told: str
    source: str
    on: bool | None = None


Rule = Callable[[Settings, Question], Switch | None]


def decide(settings: Settings, question: Question) -> Switch:
    """The answer of the first rule that applies."""
    answers = (rule(settings, question) for rule in _RULES.values())
    return next(answer for answer in answers if answer is not None)


def with_suspensions(switch: Switch, question: Question, suspensions: Sequence[Suspension]) -> Switch:
    """The answer, with the plugin's hooks that are suspended.

    It stays on: the other hooks work, and a suspended one says so itself until its next try.
    """
    own = [f"{item.hook} is {item.told}" for item in suspensions if item.plugin == question.plugin]
    return replace(switch, reason="; ".join([switch.reason, *own])) if switch.on and own else switch


def trace(settings: Settings, question: Question) -> list[Step]:
    """All rules in their order: those that pass, the one that decides, and those behind it."""
    answer = decide(settings, question)
    names = list(_RULES)
    decider = names.index(answer.rule)
    return [
        *(Step(name, "passes", _PASSES[name], _place(settings, question, name)) for name in names[:decider]),
        Step(answer.rule, "decides", answer.reason, answer.source, answer.on),
        *(Step(name, "not reached", "", _place(settings, question, name)) for name in names[decider + 1 :]),
    ]


def place_of(settings: Settings, question: Question) -> int:
    """The organization's bucket for this plugin, which another flag service may compare with a number."""
    rollout = settings.of(question.plugin).rollout
    salt = (rollout.salt if rollout else None) or question.plugin
    return bucket(salt, question.organization.id)


def _environment(settings: Settings, question: Question) -> Switch | None:
    if settings.off_by_environment(question.plugin):
        reason = "switched off by the environment"
        return Switch(on=False, reason=reason, source=_ENVIRONMENT, rule="environment")
    return None


def _kill(settings: Settings, question: Question) -> Switch | None:
    if settings.of(question.plugin).kill:
        return _from_file(settings, question, "kill", on=False, reason="kill = true: off for everyone")
    return None


def _enabled(settings: Settings, question: Question) -> Switch | None:
    if settings.of(question.plugin).enabled:
        return None
    reason = "enabled is not true: the plugin is not loaded"
    return _from_file(settings, question, "enabled", on=False, reason=reason)


def _health(settings: Settings, question: Question) -> Switch | None:
    if question.ill is None:
        return None
    return _from_file(settings, question, "health", on=False, reason=question.ill)


def _deny(settings: Settings, question: Question) -> Switch | None:
    organization = question.organization
    if settings.of(question.plugin).deny.name(organization.slug, organization.id):
        return _from_file(settings, question, "deny", on=False, reason=f"deny names {organization.slug!r}")
    return None


def _allow(settings: Settings, question: Question) -> Switch | None:
    organization = question.organization
    if settings.of(question.plugin).allow.name(organization.slug, organization.id):
        return _from_file(settings, question, "allow", on=True, reason=f"allow names {organization.slug!r}")
    return None


def _rollout(settings: Settings, question: Question) -> Switch | None:
    """A provider that needs no flag is on for all: a part of them would be a flag."""
    rollout = settings.of(question.plugin).rollout
    if rollout is None or not question.requires_flag:
        return None
    place = place_of(settings, question)
    on = within(rollout.percent, place)
    reason = f"rollout of {rollout.percent} %: bucket {place} of {BUCKETS} is {'inside' if on else 'outside'}"
    return _from_file(settings, question, "rollout", on=on, reason=reason)


def _default(settings: Settings, question: Question) -> Switch:
    if not question.requires_flag:
        reason = "the provider needs no flag"
        return _from_file(settings, question, "default", on=True, reason=reason, key=())
    on = settings.of(question.plugin).default
    reason = f"no rule names the organization; default is {str(on).lower()}"
    return _from_file(settings, question, "default", on=on, reason=reason)


def _from_file(
    settings: Settings, question: Question, rule: RuleName, *, on: bool, reason: str, key: tuple[str, ...] | None = None
) -> Switch:
    path = _KEYS[rule] if key is None else key
    named = question.plugin in settings.plugins
    place = settings.source.place(*(("plugins", question.plugin, *path) if named else ()))
    return Switch(on=on, reason=reason, source=place, rule=rule)


def _place(settings: Settings, question: Question, rule: RuleName) -> str:
    """Where a rule is written, or nothing where it is not."""
    path = ("plugins", question.plugin, *_KEYS[rule])
    return settings.source.place(*path) if _KEYS[rule] and path in settings.source.lines else ""


_ENVIRONMENT: Final = "environment SCMHOST_PLUGINS_OFF"

_RULES: Final[Mapping[RuleName, Rule]] = {
    "environment": _environment,
    "kill": _kill,
    "enabled": _enabled,
    "health": _health,
    "deny": _deny,
    "allow": _allow,
    "rollout": _rollout,
    "default": _default,
}
# The key of a plugin's table in which a rule is written.
_KEYS: Final[Mapping[RuleName, tuple[str, ...]]] = {
    name: () if name in ("environment", "health") else (name,) for name in _RULES
}
_PASSES: Final[Mapping[RuleName, str]] = {
    "environment": "SCMHOST_PLUGINS_OFF does not name it",
    "kill": "kill is not set",
    "enabled": "the plugin is enabled",
    "health": "the plugin is loaded and well",
    "deny": "deny does not name the organization",
    "allow": "allow does not name the organization",
    "rollout": "there is no rollout, or the provider needs no flag",
}
