"""The contract as the host needs it: each hook's arguments, and what checks its result."""

import inspect
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter

from scmhost.sdk import PROMISES, hooks

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: tuple(inspect.signature(getattr(hooks, name)).parameters) for name in PROMISES}
)


@cache
def result_adapter(hook: str) -> TypeAdapter[Any]:
    """What validates the values that a hook gives back."""
    return TypeAdapter(get_type_hints(getattr(hooks, hook), include_extras=True)["return"])


@cache
def result_text(hook: str) -> str:
    """What a hook gives back, as a plugin's author reads it in the contract."""
    annotation = inspect.signature(getattr(hooks, hook)).return_annotation
    text = inspect.formatannotation(annotation)
    return _NAMED.get(hook, text.replace("scmhost.sdk.values.", "").replace("scmhost.sdk.", ""))


_NAMED: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
