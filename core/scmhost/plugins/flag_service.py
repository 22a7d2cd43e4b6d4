"""Another provider of OpenFeature that the operator names: asked about organizations before the file's rules are.

What the file says goes along as the default, so that nothing but a real answer changes it: a provider that is not
ready, raises, hangs or gives rubbish leaves the file's answer standing, and the reason says so.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from threading import Lock
from time import monotonic
from typing import Any, Final, Self

import structlog
from openfeature import api
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from .errors import ConfigError, Origin, PluginFault, Problem
from .flag_seat import FLAG_PREFIX, context_of
from .guard import Guard
from .schema import FlagsProvider, Source
from .suggestions import did_you_mean
from .switches import Question, Switch

_log = structlog.get_logger(__name__)

GROUP: Final = "scmhost.flags"
"""The group of entry points under which distributions offer providers: each a callable that gets the settings."""

KEPT_SECONDS: Final = 1.0
"""For how long an answer is kept. A provider that says when its flags change is asked anew at once."""

REST_SECONDS: Final = 5.0
"""For how long a provider that raised or hung is left alone, so that it does not hold up every request."""

_LOAD_SECONDS: Final = 10.0
_READY_SECONDS: Final = 5.0
_MOST_KEPT: Final = 100_000
_LONGEST_TEXT: Final = 200


class FlagService:
    """The operator's flag service. Safe to use from many threads."""

    def __init__(self, table: FlagsProvider, guard: Guard, domain: str, clock: Callable[[], float] = monotonic) -> None:
        self._table = table
        self._guard = guard
        self._domain = domain
        self._clock = clock
        self._client = api.get_client(domain)
        self._client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self._forget)
        self._lock = Lock()
        self._kept: dict[tuple[str, int, str, int], tuple[Switch, float]] = {}
        self._told: set[str] = set()
        self._rests = (0.0, "")

    @classmethod
    def open(cls, table: FlagsProvider, source: Source, guard: Guard, domain: str) -> Self:
        """Import and start a provider. One that does not get ready in time may do so later.

        Raises:
            ConfigError: there is no such provider, or it cannot be made with these settings.
        """
        service = cls(table, guard, domain)
        try:
            provider = service._watched("load", partial(_made, table, source), _LOAD_SECONDS, (ConfigError,))
        except PluginFault as fault:
            hint = "mend its settings, or take the table away"
            raise ConfigError(_problem(source, str(fault), hint)) from fault
        service._start(provider)
        return service

    @classmethod
    def absent(cls, table: FlagsProvider, guard: Guard, domain: str, fault: str) -> Self:
        """A service that could not be opened: the file's answers stand, and say why."""
        service = cls(table, guard, domain)
        service._rests = (float("inf"), fault)
        return service

    def ask(self, question: Question, place: int, answer: Switch) -> Switch:
        """What the provider says of an organization, or the file's answer where it says nothing that counts."""
        key = (question.plugin, question.organization.id, question.organization.slug, answer.generation)
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None and now < kept[1]:
            return kept[0]
        until, fault = self._rests
        if now < until:
            return self._stands(answer, fault)
        found = self._ask(question, place, answer)
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (found, now + KEPT_SECONDS)
        return found

    def close(self) -> None:
        """Let the provider go. OpenFeature shuts it down in a thread of its own, for it may hang."""
        # An application may have taken all handlers away, and a host may be closed twice.
        with suppress(ValueError):
            self._client.remove_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self._forget)
            api.set_provider(NoOpProvider(), self._domain)

    def _start(self, provider: FeatureProvider) -> None:
        wait = partial(api.set_provider_and_wait, provider, self._domain)
        try:
            self._watched("start", wait, _READY_SECONDS)
        except PluginFault as fault:
            self._tell(f"it is not ready: {fault}")

    def _forget(self, _details: EventDetails) -> None:
        with self._lock:
            self._kept.clear()

    def _ask(self, question: Question, place: int, answer: Switch) -> Switch:
        flag = f"{FLAG_PREFIX}{question.plugin}"
        context = context_of(question.plugin, question.organization, place)
        work = partial(self._client.get_boolean_details, flag, answer.on, context)
        try:
            details = self._watched("ask", work, self._table.timeout)
        except PluginFault as fault:
            self._rests = (self._clock() + REST_SECONDS, self._tell(str(fault)))
            return self._stands(answer, str(fault))
        return self._judged(flag, details, answer)

    def _judged(self, flag: str, details: FlagEvaluationDetails[bool], answer: Switch) -> Switch:
        if details.error_code is ErrorCode.FLAG_NOT_FOUND:
            return self._stands(answer, f"it has no flag {flag}")
        if details.error_code is not None or not isinstance(details.value, bool):
            text = f"{details.error_code or 'rubbish'}: {details.error_message or ''}".strip(" :")
            return self._stands(answer, self._tell(text))
        variant = f", variant {_short(details.variant)}" if details.variant else ""
        reason = f"{self._name} says {'on' if details.value else 'off'} ({_short(details.reason)}{variant})"
        return replace(answer, on=details.value, reason=reason, source=self._name, rule="flags_provider")

    def _stands(self, answer: Switch, fault: str) -> Switch:
        return replace(answer, reason=f"{answer.reason} ({self._name} gave no answer: {fault})")

    def _tell(self, fault: str) -> str:
        """Log a fault once."""
        fault = _short(fault)
        with self._lock:
            new = fault not in self._told and len(self._told) < _LONGEST_TEXT
            self._told.add(fault)
        if new:
            _log.warning("flags provider fault", provider=self._table.provider, fault=fault)
        return fault

    def _watched(
        self, step: str, work: Callable[[], Any], seconds: float, meant: tuple[type[Exception], ...] = ()
    ) -> Any:
        return self._guard.watch(Origin("flags_provider", self._table.provider, step), work, seconds, meant)

    @property
    def _name(self) -> str:
        return f"flags provider {self._table.provider}"


def _made(table: FlagsProvider, source: Source) -> FeatureProvider:
    factory = _entry_point(table.provider, source).load()
    provider: FeatureProvider = factory(**table.settings)
    if not callable(getattr(provider, "resolve_boolean_details", None)):
        hint = "it must give a provider of the OpenFeature SDK"
        raise ConfigError(_problem(source, f"{table.provider!r} gives {type(provider).__name__!r}", hint))
    return provider


def _entry_point(provider: str, source: Source) -> EntryPoint:
    if ":" in provider:
        return EntryPoint("flags_provider", provider, GROUP)
    known = entry_points(group=GROUP)
    found = [point for point in known if point.name == provider]
    if len(found) != 1:
        problem = f"{len(found) or 'no'} entry points of the group {GROUP} are named {provider!r}"
        hint = "uninstall one" if found else f"{did_you_mean(provider, known.names)}; or write module:object"
        raise ConfigError(_problem(source, problem, hint))
    return found[0]


def _problem(source: Source, problem: str, hint: str) -> Problem:
    key = ("flags_provider", "provider")
    return Problem(source.file, source.line(*key), ".".join(key), problem, hint)


def _short(text: object) -> str:
    """A foreign text as one line of bounded length."""
    return " ".join(str(text).split())[:_LONGEST_TEXT]
