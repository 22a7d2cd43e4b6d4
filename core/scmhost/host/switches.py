"""Whether a provider is on for an organization, and who says so: the first rule that applies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scmhost.sdk import Organization

from .breakers import Suspension
from .rollout import BUCKETS, bucket, included
from .schema import Settings


@dataclass(frozen=True, slots=True)
class Switch:
    """An answer with its reason and where it comes from: ``plugins.toml:12`` or the environment."""

    on: bool
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """Is this plugin's provider on for this organization? ``ill`` says why the plugin cannot be used, if so."""

    plugin: str
    organization: Organization
    requires_flag: bool = True
    ill: str | None = None


Rule = Callable[[Settings, Question], Switch | None]


def decide(settings: Settings, question: Question) -> Switch:
    """The answer of the first rule that applies."""
    answers = (rule(settings, question) for rule in _RULES)
    return next(answer for answer in answers if answer is not None)


def with_suspensions(switch: Switch, question: Question, suspensions: Sequence[Suspension]) -> Switch:
    """The answer, with the plugin's hooks that are suspended.

    It stays on: the other hooks work, and a suspended one says so itself until its next try.
    """
    own = [f"{item.hook} is {item.told}" for item in suspensions if item.plugin == question.plugin]
    return replace(switch, reason="; ".join([switch.reason, *own])) if switch.on and own else switch


def _environment(settings: Settings, question: Question) -> Switch | None:
    if settings.off_by_environment(question.plugin):
        return Switch(on=False, reason="switched off by the environment", source="environment SCMHOST_PLUGINS_OFF")
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
    return _from_file(settings, question, on=False, reason=question.ill)


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
    salt = rollout.salt or question.plugin
    place = bucket(salt, question.organization.id)
    on = included(rollout.percent, salt, question.organization.id)
    reason = f"rollout of {rollout.percent} %: bucket {place} of {BUCKETS} is {'inside' if on else 'outside'}"
    return _from_file(settings, question, "rollout", on=on, reason=reason)


def _default(settings: Settings, question: Question) -> Switch:
    if not question.requires_flag:
        return _from_file(settings, question, on=True, reason="the provider needs no flag")
    on = settings.of(question.plugin).default
    reason = f"no rule names the organization; default is {str(on).lower()}"
    return _from_file(settings, question, "default", on=on, reason=reason)


def _from_file(settings: Settings, question: Question, *key: str, on: bool, reason: str) -> Switch:
    named = question.plugin in settings.plugins
    place = settings.source.place("plugins", question.plugin, *key) if named else settings.source.file
    return Switch(on=on, reason=reason, source=place)


_RULES: Final[tuple[Rule, ...]] = (_environment, _kill, _enabled, _health, _deny, _allow, _rollout, _default)
