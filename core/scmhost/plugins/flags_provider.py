"""A flags provider: an OpenFeature provider that the operator names under ``[flags_provider]``.

It is evaluated before the file's rules on organizations. The file's decision is the default value, so that only a real
answer changes it: for a provider that is not ready, raises, hangs or returns a wrong type, the file's decision applies,
and the reason names the fault. Nothing imports this module, and OpenFeature, unless the table is there.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from itertools import count
from threading import Lock
from time import monotonic
from typing import Any, Final, Self

from cachetools import LRUCache, TTLCache
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from scmhost.plugins.config.schema import FlagsProvider, Source
from scmhost.plugins.errors import ConfigError, Origin, PluginFault, Problem
from scmhost.plugins.isolation.faults import safe_text
from scmhost.plugins.isolation.guard import Guard
from scmhost.sdk import Organization
from scmhost.sdk.validation import did_you_mean

from .flag_rules import FlagDecision, Question

_log = logging.getLogger(__name__)

GROUP: Final = "scmhost.flags"
"""The group of entry points under which distributions offer providers: each a callable that gets the settings."""

FLAG_PREFIX: Final = "plugins."

CACHED_SECONDS: Final = 1.0
"""How long an answer is cached. A provider that announces changes clears the cache at once."""

SUSPENDED_SECONDS: Final = 5.0
"""How long a provider that raised or hung is not called, because it would delay every request."""

MAX_CACHED: Final = 100_000
_LOAD_SECONDS: Final = 10.0
_READY_SECONDS: Final = 5.0
_MAX_TEXT: Final = 200
_MAX_LOGGED: Final = 200

AnswerKey = tuple[str, int, str, int]
"""A plugin, an organization's id and slug, and the generation of the configuration."""


class _Domains:
    """The domains of OpenFeature that the hosts of this process use.

    OpenFeature has a registry for the whole process and never forgets a domain: a free one is used again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._used: set[str] = set()

    def acquire(self) -> str:
        with self._lock:
            domain = next(name for name in self._names() if name not in self._used)
            self._used.add(domain)
            return domain

    def release(self, domain: str) -> None:
        with self._lock:
            self._used.discard(domain)

    def _names(self) -> Iterator[str]:
        return (f"scmhost.plugins.{number}" for number in count(1))


_DOMAINS: Final = _Domains()


class FlagService:
    """The operator's flags provider. Safe to use from many threads."""

    def __init__(
        self,
        table: FlagsProvider,
        guard: Guard,
        clock: Callable[[], float] = monotonic,
        max_cached: int = MAX_CACHED,
    ) -> None:
        self._table = table
        self._guard = guard
        self._clock = clock
        self._domain = _DOMAINS.acquire()
        # A domain of its own: the application may use OpenFeature for its own flags.
        self._client = api.get_client(self._domain)
        self._client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self._clear_cache)
        self._lock = Lock()
        self._cached: TTLCache[AnswerKey, FlagDecision] = TTLCache(max_cached, CACHED_SECONDS, timer=clock)
        self._logged: LRUCache[str, bool] = LRUCache(_MAX_LOGGED)
        self._suspended_until, self._fault = 0.0, ""
        self._closed = False

    @classmethod
    def open(cls, table: FlagsProvider, source: Source, guard: Guard) -> Self:
        """Import and start a provider. One that is not ready in time may become ready later.

        Raises:
            ConfigError: there is no such provider, or it cannot be created with these settings.
        """
        service = cls(table, guard)
        try:
            provider = service._run("load", partial(_create_provider, table, source), _LOAD_SECONDS, (ConfigError,))
        except PluginFault as fault:
            service.close()
            raise ConfigError(_problem(source, str(fault), "fix its settings, or remove the table")) from fault
        except ConfigError:
            service.close()
            raise
        service.start(provider)
        return service

    @classmethod
    def absent(cls, table: FlagsProvider, guard: Guard, fault: str) -> Self:
        """Return a service that could not be opened: the file's decisions apply, with the fault in their reason."""
        service = cls(table, guard)
        service._suspended_until, service._fault = float("inf"), fault
        return service

    def start(self, provider: FeatureProvider) -> None:
        """Set the provider, and wait for some seconds until it is ready."""
        wait = partial(api.set_provider_and_wait, provider, self._domain)
        try:
            self._run("start", wait, _READY_SECONDS)
        except PluginFault as fault:
            self._log(f"it is not ready: {fault}")

    def evaluate(self, question: Question, bucket: int, answer: FlagDecision) -> FlagDecision:
        """Return the provider's decision for an organization, or the file's ``answer`` where there is none."""
        # With the generation: a reload changes the default value that the answer depends on.
        key = (question.plugin, question.organization.id, question.organization.slug, answer.generation)
        with self._lock:
            cached = self._cached.get(key)
        if cached is not None:
            return cached
        if self._clock() < self._suspended_until:
            return self._file_decision(answer, self._fault)
        found = self._evaluate_uncached(question, bucket, answer)
        with self._lock:
            self._cached[key] = found
        return found

    def close(self) -> None:
        """Release the provider. OpenFeature shuts it down in a thread of its own, because it may hang."""
        if self._closed:
            return
        self._closed = True
        # An application may have removed all handlers.
        with suppress(ValueError):
            self._client.remove_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self._clear_cache)
        # Replaced, because OpenFeature has no call that removes the provider of one domain.
        api.set_provider(NoOpProvider(), self._domain)
        _DOMAINS.release(self._domain)

    def _clear_cache(self, _details: EventDetails) -> None:
        with self._lock:
            self._cached.clear()

    def _evaluate_uncached(self, question: Question, bucket: int, answer: FlagDecision) -> FlagDecision:
        flag = f"{FLAG_PREFIX}{question.plugin}"
        context = context_of(question.plugin, question.organization, bucket)
        work = partial(self._client.get_boolean_details, flag, answer.on, context)
        try:
            details = self._run("evaluate", work, self._table.timeout)
        except PluginFault as fault:
            self._suspended_until, self._fault = self._clock() + SUSPENDED_SECONDS, self._log(str(fault))
            return self._file_decision(answer, str(fault))
        return self._decision_of(flag, details, answer)

    def _decision_of(self, flag: str, details: FlagEvaluationDetails[bool], answer: FlagDecision) -> FlagDecision:
        if details.error_code is ErrorCode.FLAG_NOT_FOUND:
            return self._file_decision(answer, f"it has no flag {flag}")
        if details.error_code is not None or not isinstance(details.value, bool):
            text = f"{details.error_code or 'malformed result'}: {_one_line(details.error_message or '')}".strip(" :")
            return self._file_decision(answer, self._log(text))
        variant = f", variant {_one_line(details.variant)}" if details.variant else ""
        reason = f"{self._name} returned {'on' if details.value else 'off'} ({_one_line(details.reason)}{variant})"
        public = f"a flag of the host's operator turns it {'on' if details.value else 'off'}"
        return replace(answer, on=details.value, reason=reason, source=self._name, rule="flags_provider", public=public)

    def _file_decision(self, answer: FlagDecision, fault: str) -> FlagDecision:
        reason = f"{answer.reason} ({self._name} gave no answer: {fault})"
        return replace(answer, reason=reason, public=answer.public_reason)

    def _log(self, fault: str) -> str:
        """Log a fault once, and return it as a short text."""
        fault = _one_line(fault)
        with self._lock:
            # A provider that is down fails for each organization and request; one log entry is enough.
            new = fault not in self._logged
            self._logged[fault] = True
        if new:
            _log.warning("flags provider fault", extra={"provider": self._table.provider, "fault": fault})
        return fault

    def _run(
        self, step: str, work: Callable[[], Any], seconds: float, expected: tuple[type[Exception], ...] = ()
    ) -> Any:
        return self._guard.run(Origin("flags_provider", self._table.provider, step), work, seconds, expected)

    @property
    def _name(self) -> str:
        return f"flags provider {self._table.provider}"


def context_of(plugin: str, organization: Organization, bucket: int) -> EvaluationContext:
    """Return the context of a flag's evaluation. The bucket is the organization's for this plugin, 0 to 99999."""
    return EvaluationContext(
        f"org:{organization.id}",
        {
            "organization_id": organization.id,
            "organization_slug": organization.slug,
            "plugin": plugin,
            "bucket": bucket,
        },
    )


def _create_provider(table: FlagsProvider, source: Source) -> FeatureProvider:
    factory = _entry_point(table.provider, source).load()
    provider: FeatureProvider = factory(**table.settings)
    if not callable(getattr(provider, "resolve_boolean_details", None)):
        hint = "it must return a provider of the OpenFeature SDK"
        raise ConfigError(_problem(source, f"{table.provider!r} gives {type(provider).__name__!r}", hint))
    return provider


def _entry_point(provider: str, source: Source) -> EntryPoint:
    known = entry_points(group=GROUP)
    found = [point for point in known if point.name == provider]
    # A reference such as os:system would let a file run any code that is installed.
    if len(found) != 1:
        problem = f"{len(found) or 'no'} entry points of the group {GROUP} are named {provider!r}"
        hint = "uninstall one" if found else f"{did_you_mean(provider, known.names)}; or install its distribution"
        raise ConfigError(_problem(source, problem, hint))
    return found[0]


def _problem(source: Source, problem: str, hint: str) -> Problem:
    key = ("flags_provider", "provider")
    return Problem(source.file, source.line(*key), ".".join(key), problem, hint)


def _one_line(text: object) -> str:
    """Return a foreign text as one short line."""
    return " ".join(safe_text(text).split())[:_MAX_TEXT]
