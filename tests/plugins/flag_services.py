"""OpenFeature providers of third parties: one that works, and several that fail."""

import sys
from collections.abc import Mapping
from threading import Event
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryProvider

released = Event()


class Service(InMemoryProvider):
    """Resolves flags from a table by organization, counts its calls and emits changes."""

    def __init__(self, flags: Mapping[str, Any] | None = None) -> None:
        super().__init__({})
        self.flags = dict(flags or {})
        self.evaluations: list[tuple[str, bool, EvaluationContext]] = []
        self.ended = Event()
        made.append(self)

    def change(self, flags: Mapping[str, Any]) -> None:
        self.flags = dict(flags)
        self.emit_provider_configuration_changed(ProviderEventDetails())

    def shutdown(self) -> None:
        self.ended.set()

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        assert evaluation_context is not None
        self.evaluations.append((flag_key, default_value, evaluation_context))
        if flag_key not in self.flags:
            raise FlagNotFoundError
        return FlagResolutionDetails(self.flags[flag_key], reason=Reason.STATIC, variant="v1")


made: list[Service] = []


class Raising(Service):
    def resolve_boolean_details(self, *_: Any, **__: Any) -> FlagResolutionDetails[bool]:
        raise RuntimeError("the service\nis down")


class Exiting(Service):
    def resolve_boolean_details(self, *_: Any, **__: Any) -> FlagResolutionDetails[bool]:
        sys.exit(3)


class Hanging(Service):
    def resolve_boolean_details(self, *_: Any, **__: Any) -> FlagResolutionDetails[bool]:
        self.evaluations.append(("", False, EvaluationContext()))
        released.wait(30)
        return FlagResolutionDetails(value=True)


class Rubbish(Service):
    def resolve_boolean_details(self, *_: Any, **__: Any) -> Any:
        return FlagResolutionDetails(value="yes")


class Nothing(Service):
    def resolve_boolean_details(self, *_: Any, **__: Any) -> Any:
        return None


class NeverReady(Service):
    def initialize(self, evaluation_context: EvaluationContext) -> None:
        raise ConnectionError("nobody is there")

    def resolve_boolean_details(self, *_: Any, **__: Any) -> FlagResolutionDetails[bool]:
        raise ConnectionError("nobody is there")


class NoProvider:
    """Not a provider."""


def broken(**_: Any) -> None:
    """A factory that fails."""
    raise OSError("no such file")
