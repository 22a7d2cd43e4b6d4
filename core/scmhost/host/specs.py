"""The contract as the host needs it: each hook's arguments, and what checks its result."""

import inspect
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter

from scmhost.sdk import PROMISES, hooks

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
    annotation = inspect.signature(getattr(hooks, hook)).return_annotation
    text = inspect.formatannotation(annotation)
    return _NAMED.get(hook, text.replace("scmhost.sdk.values.", "").replace("scmhost.sdk.", ""))


_NAMED: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
