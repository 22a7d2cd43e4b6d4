"""Our answers as flags of OpenFeature, on a domain of their own: an embedding application keeps its global provider.

A flag is ``plugins.NAME``, a boolean, with the name of a plugin or the key of a provider. It is asked with the context
that ``context_of`` makes, or one with the same ``organization_id`` and ``organization_slug``.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Final, NoReturn

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import (
    FlagNotFoundError,
    InvalidContextError,
    ProviderNotReadyError,
    TargetingKeyMissingError,
    TypeMismatchError,
)
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider
from openfeature.provider.metadata import Metadata

from scmhost.sdk import Organization

from .switches import RuleName, Switch

DOMAIN: Final = "scmhost.plugins"
FLAG_PREFIX: Final = "plugins."

Decide = Callable[[str, Organization], Switch | None]
"""A plugin's or provider's name and an organization -> the answer, or None where nothing has that name."""

_REASONS: Final[Mapping[RuleName, Reason]] = {
    "deny": Reason.TARGETING_MATCH,
    "allow": Reason.TARGETING_MATCH,
    "rollout": Reason.SPLIT,
    "default": Reason.DEFAULT,
    "flags_provider": Reason.TARGETING_MATCH,
}


def context_of(plugin: str, organization: Organization, place: int) -> EvaluationContext:
    """What a flag is asked with. ``place`` is the organization's bucket for this plugin, 0 to 99999."""
    attributes: dict[str, FlagValueType] = {
        "organization_id": organization.id,
        "organization_slug": organization.slug,
        "plugin": plugin,
        "bucket": place,
    }
    return EvaluationContext(f"org:{organization.id}", attributes)


class FlagSeat(AbstractProvider):
    """A provider of OpenFeature that gives the answers of one host, or of none while its seat is free."""

    def __init__(self, domain: str) -> None:
        super().__init__()
        self.domain = domain
        self.decide: Decide | None = None

    def get_metadata(self) -> Metadata:
        return Metadata(name="scmhost")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - the SDK's signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """The answer of the switchboard, with its rule and source as the flag's metadata."""
        del default_value
        if self.decide is None:
            raise ProviderNotReadyError("no scmhost is open on this domain")
        switch = self.decide(flag_key.removeprefix(FLAG_PREFIX), _organization(evaluation_context))
        if switch is None or not flag_key.startswith(FLAG_PREFIX):
            raise FlagNotFoundError(f"there is no flag {flag_key!r}; flags are named {FLAG_PREFIX}NAME of a plugin")
        return FlagResolutionDetails(
            value=switch.on,
            reason=_REASONS.get(switch.rule, Reason.DISABLED),
            variant="on" if switch.on else "off",
            flag_metadata={
                "rule": switch.rule,
                "told": switch.reason,
                "source": switch.source,
                "generation": switch.generation,
            },
        )

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        _refuse(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        _refuse(flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        _refuse(flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        _refuse(flag_key, default_value, evaluation_context)


class _Seats:
    """The seats of this process. OpenFeature forgets no domain, so one that is free is taken again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seats: list[FlagSeat] = []

    def take(self, decide: Decide) -> FlagSeat:
        with self._lock:
            seat = next((seat for seat in self._seats if seat.decide is None), None) or self._another()
            seat.decide = decide
        # An application may have taken all providers away meanwhile.
        if api.get_client(seat.domain).provider is not seat:
            api.set_provider_and_wait(seat, seat.domain)
        return seat

    def _another(self) -> FlagSeat:
        number = len(self._seats) + 1
        seat = FlagSeat(DOMAIN if number == 1 else f"{DOMAIN}.{number}")
        self._seats.append(seat)
        return seat


_SEATS: Final = _Seats()


def take_seat(decide: Decide) -> FlagSeat:
    """Offer a host's answers: the first one in a process on ``scmhost.plugins``, others with a number behind it."""
    return _SEATS.take(decide)


def leave_seat(seat: FlagSeat) -> None:
    """Offer them no more: whoever still asks gets their own default."""
    seat.decide = None


def _organization(context: EvaluationContext | None) -> Organization:
    attributes = context.attributes if context else {}
    id_, slug = attributes.get("organization_id"), attributes.get("organization_slug")
    if id_ is None and slug is None:
        raise TargetingKeyMissingError("the context names no organization; send organization_id and organization_slug")
    if not isinstance(id_, int) or isinstance(id_, bool) or not isinstance(slug, str):
        raise InvalidContextError("send organization_id, a whole number, and organization_slug, a text")
    return Organization(id=id_, slug=slug, name=slug)


def _refuse(flag_key: str, _default: object, _context: object) -> NoReturn:
    raise TypeMismatchError(f"flag {flag_key!r} is a boolean")
