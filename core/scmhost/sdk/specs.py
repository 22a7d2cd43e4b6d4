"""The contract as whoever calls a hook needs it: its arguments, and what checks its result.

The host and the conformance suite both use it, so that what one accepts the other does not refuse.
"""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from . import hooks
from .markers import PROMISES

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: tuple(inspect.signature(getattr(hooks, name)).parameters) for name in PROMISES}
)


@cache
def result_adapter(hook: str) -> TypeAdapter[Any]:
    """What validates the values that a hook gives back."""
    annotation: Any = get_type_hints(getattr(hooks, hook), include_extras=True)["return"]
    if get_origin(annotation) is not Mapping:
        annotation = Annotated[annotation, BeforeValidator(_no_dict)]
    return TypeAdapter(annotation)


def _no_dict(result: object) -> object:
    """An empty dict would else pass for a ``NoUrl``, all of whose fields have defaults."""
    if isinstance(result, dict):
        raise ValueError("a dict is no value of the contract")  # noqa: TRY004 - pydantic wants it so
    return result


@cache
def result_text(hook: str) -> str:
    """What a hook gives back, as a plugin's author reads it in the contract."""
    return _NAMED.get(hook) or _written(inspect.signature(getattr(hooks, hook)).return_annotation)


@cache
def definition(hook: str) -> str:
    """The line that defines a hook, as its author writes it: ``def scm_commit_url(sha: str, ...) -> str | NoUrl``."""
    parameters = inspect.signature(getattr(hooks, hook)).parameters
    told = ", ".join(f"{name}: {_written(parameter.annotation)}" for name, parameter in parameters.items())
    return f"def {hook}({told}) -> {result_text(hook)}"


def _written(annotation: object) -> str:
    return _MODULES.sub("", inspect.formatannotation(annotation))


def misfit(expected: str, result: object, error: ValidationError) -> str:
    """What should have come and what came. Values are not repeated: their text is foreign code and may be secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    inside = f" (at {place}: {first['msg']})" if place else ""
    return f"gave back {type(result).__name__!r} where {expected} is expected{inside}"


_NAMED: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
_MODULES: Final = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")
