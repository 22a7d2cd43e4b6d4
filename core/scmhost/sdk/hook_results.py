"""The arguments and the results of hooks: their names, types and validators.

The host and the conformance suite both validate with this module, so that they accept the same plugins.
"""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from . import hooks
from .hooks import HOOK_SPECS
from .values import refuse_dict

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: tuple(inspect.signature(getattr(hooks, name)).parameters) for name in HOOK_SPECS}
)
"""The arguments of each hook, by the hook's name."""

# The alias's long form in the signature is harder to read than the names of its members.
_RESULT_TEXTS: Final[Mapping[str, str]] = {"scm_dispatch_repository": "Claim | Create | Refusal"}
# Names of modules would make a signature too long to read, and plugins import from ``scmhost.sdk`` only.
_MODULES: Final = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")


# Making a validator is much slower than a validation.
@cache
def result_adapter(hook: str) -> TypeAdapter[Any]:
    """Return the validator of a hook's result."""
    annotation: Any = get_type_hints(getattr(hooks, hook), include_extras=True)["return"]
    # Only ``scm_serialize_repository`` returns a mapping of its own.
    if get_origin(annotation) is not Mapping:
        annotation = Annotated[annotation, BeforeValidator(refuse_dict)]
    return TypeAdapter(annotation)


@cache
def result_text(hook: str) -> str:
    """Return the type of a hook's result as plugin authors write it."""
    return _RESULT_TEXTS.get(hook) or _annotation_text(inspect.signature(getattr(hooks, hook)).return_annotation)


@cache
def definition(hook: str) -> str:
    """Return the ``def`` line of a hook, such as ``def scm_commit_url(sha: str, ...) -> str | NoUrl``."""
    parameters = inspect.signature(getattr(hooks, hook)).parameters
    arguments = ", ".join(f"{name}: {_annotation_text(item.annotation)}" for name, item in parameters.items())
    return f"def {hook}({arguments}) -> {result_text(hook)}"


def _annotation_text(annotation: object) -> str:
    return _MODULES.sub("", inspect.formatannotation(annotation))


def describe_mismatch(expected: str, result: object, error: ValidationError) -> str:
    """Describe an invalid result: the expected type, the actual type and the first wrong field.

    Values are left out, because their text is produced by the plugin and may be secret.
    """
    # The context of an error may contain the value too.
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"]))
    detail = f" (at {field}: {first['msg']})" if field else ""
    return f"returned {type(result).__name__!r} where {expected} is expected{detail}"
