"""Rules that decide whether a provider is on for an organization. The first rule that applies decides."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from scmhost.plugins.config.schema import Settings
from scmhost.plugins.isolation.circuit_breaker import Suspension
from scmhost.sdk import Organization

RuleName = Literal["environment", "kill", "enabled", "health", "deny", "allow", "rollout", "default", "flags_provider"]
Outcome = Literal["passes", "decides", "not reached"]

BUCKETS: Final = 100_000
"""The buckets of a rollout."""

_MASK: Final = 0xFFFFFFFF

FIRM: Final[frozenset[RuleName]] = frozenset({"environment", "kill", "enabled", "health"})
"""Rules that a flags provider cannot override."""


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """A decision with its reason and its source.

    Attributes:
        on: whether the provider is on.
        reason: a sentence for operators.
        source: the file and line of the rule, like ``plugins.toml:12``, or the environment.
        rule: the rule that decided.
        generation: the generation of the configuration that was in use.
        public: a sentence for the organization's members, where the reason shows lines of plugins.toml, other plugins
            or the text of a fault; else empty.
    """

    on: bool
    reason: str
    source: str
    rule: RuleName = "default"
    generation: int = 0
    public: str = ""

    @property
    def public_reason(self) -> str:
        """The reason as answers of the API contain it."""
        return self.public or self.reason


@dataclass(frozen=True, slots=True)
class Question:
    """The input of the rules. ``unusable`` is the reason why the plugin cannot be used, if there is one."""

    plugin: str
    organization: Organization
    requires_flag: bool = True
    unusable: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that was tried or not reached. ``on`` is the decision of the rule that decides."""

    rule: RuleName
    outcome: Outcome
    explanation: str
    source: str
    on: bool | None = None


Rule = Callable[[Settings, Question], FlagDecision | None]


def decide(settings: Settings, question: Question) -> FlagDecision:
    """Return the decision of the first rule that applies."""
    answers = (rule(settings, question) for rule in _RULES.values())
    return next(answer for answer in answers if answer is not None)


def with_suspensions(decision: FlagDecision, question: Question, suspensions: Sequence[Suspension]) -> FlagDecision:
    """Return the decision with the plugin's suspended hooks in its reason.

    The provider stays on: its other hooks work, and a suspended one raises its own error until its next try.
    """
    own = [f"{item.hook} is {item.description}" for item in suspensions if item.plugin == question.plugin]
    return replace(decision, reason="; ".join([decision.reason, *own])) if decision.on and own else decision


def trace(settings: Settings, question: Question) -> list[Step]:
    """Return all rules in their order: those that pass, the one that decides, and those after it."""
    answer = decide(settings, question)
    names = list(_RULES)
    decider = names.index(answer.rule)
    return [
        *(Step(name, "passes", _PASSES[name], _place(settings, question, name)) for name in names[:decider]),
        Step(answer.rule, "decides", answer.reason, answer.source, answer.on),
        *(Step(name, "not reached", "", _place(settings, question, name)) for name in names[decider + 1 :]),
    ]


def bucket_of(settings: Settings, question: Question) -> int:
    """Return the organization's bucket for this plugin, which a flags provider may compare with a number."""
    rollout = settings.of(question.plugin).rollout
    # By default each plugin has buckets of its own, so that the same organizations are not always the first.
    salt = (rollout.salt if rollout else None) or question.plugin
    return bucket(salt, question.organization.id)


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """An organization for which a change turns a plugin on or off."""

    plugin: str
    organization: Organization
    before: FlagDecision
    after: FlagDecision


@dataclass(frozen=True, slots=True)
class Counts:
    """How many organizations a change turns on and off."""

    on: int = 0
    off: int = 0


def switched(
    before: Settings, after: Settings, organizations: Iterable[Organization], unflagged: frozenset[str] = frozenset()
) -> Iterator[DecisionChange]:
    """Yield every organization that a change of plugins.toml turns on or off, by plugin.

    Only the files are compared: plugins count as usable, and as requiring a flag unless they are ``unflagged``.
    """
    plugins = sorted({*before.plugins, *after.plugins})
    organizations = list(organizations)
    for plugin in plugins:
        # Most changes concern one plugin; the others need no decision for each organization.
        if before.plugins.get(plugin) == after.plugins.get(plugin) and before.plugins_off == after.plugins_off:
            continue
        for organization in organizations:
            question = Question(plugin, organization, plugin not in unflagged)
            old, new = decide(before, question), decide(after, question)
            if old.on is not new.on:
                yield DecisionChange(plugin, organization, old, new)


def counted(changes: Iterable[DecisionChange]) -> Mapping[str, Counts]:
    """Return the number of organizations that are turned on and off, by plugin."""
    counts: dict[str, Counts] = {}
    for item in changes:
        so_far = counts.get(item.plugin, Counts())
        counts[item.plugin] = Counts(so_far.on + item.after.on, so_far.off + item.before.on)
    return counts


def _environment(settings: Settings, question: Question) -> FlagDecision | None:
    if settings.off_by_environment(question.plugin):
        reason = "switched off by the environment"
        return FlagDecision(on=False, reason=reason, source=_ENVIRONMENT, rule="environment")
    return None


def _kill(settings: Settings, question: Question) -> FlagDecision | None:
    if settings.of(question.plugin).kill:
        return _from_file(settings, question, "kill", on=False, reason="kill = true: off for everyone")
    return None


def _enabled(settings: Settings, question: Question) -> FlagDecision | None:
    if settings.of(question.plugin).enabled:
        return None
    reason = "enabled is not true: the plugin is not loaded"
    return _from_file(settings, question, "enabled", on=False, reason=reason)


def _health(settings: Settings, question: Question) -> FlagDecision | None:
    if question.unusable is None:
        return None
    return replace(_from_file(settings, question, "health", on=False, reason=question.unusable), public=_UNUSABLE)


def _deny(settings: Settings, question: Question) -> FlagDecision | None:
    organization = question.organization
    if settings.of(question.plugin).deny.name(organization.slug, organization.id):
        return _from_file(settings, question, "deny", on=False, reason=f"deny names {organization.slug!r}")
    return None


def _allow(settings: Settings, question: Question) -> FlagDecision | None:
    organization = question.organization
    if settings.of(question.plugin).allow.name(organization.slug, organization.id):
        return _from_file(settings, question, "allow", on=True, reason=f"allow names {organization.slug!r}")
    return None


def _rollout(settings: Settings, question: Question) -> FlagDecision | None:
    rollout = settings.of(question.plugin).rollout
    # A provider that needs no flag is on for everyone.
    if rollout is None or not question.requires_flag:
        return None
    number = bucket_of(settings, question)
    on = within(rollout.percent, number)
    reason = f"rollout of {rollout.percent} %: bucket {number} of {BUCKETS} is {'inside' if on else 'outside'}"
    return _from_file(settings, question, "rollout", on=on, reason=reason)


def _default(settings: Settings, question: Question) -> FlagDecision:
    if not question.requires_flag:
        reason = "the provider needs no flag"
        return _from_file(settings, question, "default", on=True, reason=reason, key=())
    on = settings.of(question.plugin).default
    reason = f"no rule names the organization; default is {str(on).lower()}"
    return _from_file(settings, question, "default", on=on, reason=reason)


def _from_file(
    settings: Settings, question: Question, rule: RuleName, *, on: bool, reason: str, key: tuple[str, ...] | None = None
) -> FlagDecision:
    path = _KEYS[rule] if key is None else key
    named = question.plugin in settings.plugins
    place = settings.source.place(*(("plugins", question.plugin, *path) if named else ()))
    return FlagDecision(on=on, reason=reason, source=place, rule=rule)


def _place(settings: Settings, question: Question, rule: RuleName) -> str:
    """Return the file and line of a rule, or nothing where it is not written."""
    path = ("plugins", question.plugin, *_KEYS[rule])
    return settings.source.place(*path) if _KEYS[rule] and path in settings.source.lines else ""


_UNUSABLE: Final = (
    "its plugin cannot be used at present; the operator of this host gets the reason with: scmhost plugins why"
)
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
# The key of a plugin's table that holds the rule.
_KEYS: Final[Mapping[RuleName, tuple[str, ...]]] = {
    name: () if name in ("environment", "health") else (name,) for name in _RULES
}
_PASSES: Final[Mapping[RuleName, str]] = {
    "environment": "SCMHOST_PLUGINS_OFF does not name it",
    "kill": "kill is not set",
    "enabled": "the plugin is enabled",
    "health": "the plugin is loaded and works",
    "deny": "deny does not name the organization",
    "allow": "allow does not name the organization",
    "rollout": "there is no rollout, or the provider needs no flag",
}


def bucket(salt: str, organization_id: int) -> int:
    """Return the organization's bucket among 100,000 for this salt."""
    # The high bits of the hash decide, so that every bucket has almost the same size.
    return (murmur3(f"{salt}:{organization_id}".encode()) * BUCKETS) >> 32


def within(percent: Decimal, place: int) -> bool:
    """Return whether a bucket is among the first ``percent`` of 100. A growing percentage drops no bucket."""
    # Decimal: a float could move the border of a percentage by one bucket.
    return place < percent * (BUCKETS // 100)


def murmur3(data: bytes) -> int:
    """Return the MurmurHash3 of data: x86, 32 bits, seed 0."""
    state = 0
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        state ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotate(state, 13) * 5 + 0xE6546B64) & _MASK
    state ^= _scramble(int.from_bytes(data[whole:], "little"))
    return _finish(state ^ len(data))


def _scramble(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _MASK


def _finish(state: int) -> int:
    state = ((state ^ (state >> 16)) * 0x85EBCA6B) & _MASK
    state = ((state ^ (state >> 13)) * 0xC2B2AE35) & _MASK
    return state ^ (state >> 16)
