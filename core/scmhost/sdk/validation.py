"""What the host and the conformance suite both check of a plugin: its entry point, its models, its hooks and results.

Both use this module, so that they accept the same plugins.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    PydanticUndefinedAnnotation,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    create_model,
)

from . import hooks
from .hooks import HOOK_SPECS
from .provider import Provider
from .values import refuse_dict

_MOST_NAMES: Final = 20
_RANGE: Final = re.compile(r"scmhost-api\s*(?=[<>=!~])")
_OPERATOR: Final = tuple("<>=!~")

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
    # A sequence is never made of a dict, and a mapping may be one.
    if get_origin(annotation) not in (Mapping, Sequence):
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
    # A part with brackets is pydantic's name of a sequence that is one of several types.
    field = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
    detail = f" (at {field}: {first['msg']})" if field else ""
    return f"returned {type(result).__name__!r} where {expected} is expected{detail}"


def unusable_object(plugin: object, *, has_hooks: bool) -> str:
    """Describe what an entry point names, with the next step, if it cannot be a plugin; else return an empty text."""
    if inspect.isclass(plugin):
        return f"the class {plugin.__name__!r}; name an instance of it (plugin = {plugin.__name__}()), or a module"
    if has_hooks:
        return ""
    hint = "mark functions like scm_register_providers with @hookimpl"
    if inspect.ismodule(plugin):
        return f"the module {plugin.__name__!r}, which has no hooks; {hint}"
    if inspect.isroutine(plugin):
        name = getattr(plugin, "__name__", "it")
        return f"the function {name!r}, which is not called; name its result (plugin = {name}()), or a module"
    if plugin is None:
        return "None; name a module or an object that has hooks"
    return (
        f"an object of the type {type(plugin).__name__!r}, which has no hooks; {hint}, or name a module that has some"
    )


def model_problems(provider: Provider) -> Iterator[str]:
    """Yield which of a provider's models have no JSON Schema. A model may build its schema with code of the plugin."""
    models = {
        "install form": provider.install_form,
        "configuration": provider.configuration,
        "settings": provider.settings,
    }
    for use, model in models.items():
        problem = _schema_problem(model) if model else None
        if model and problem:
            yield (
                f"provider {provider.key!r}: its {use} {model.__name__} has no JSON Schema: {problem}; give its fields "
                "types that JSON has, such as str, int, bool, list, dict, or a model of such fields"
            )


def _schema_problem(model: type[BaseModel]) -> str | None:
    try:
        schema = model.model_json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        field = next((name for name in model.model_fields if not _has_schema(model, name)), None)
        return f"the field {field!r} ({reason})" if field else reason
    try:
        # The schema is part of answers: one without JSON would break the whole catalogue of providers.
        json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"it contains what JSON cannot express ({error})"
    return None


def _has_schema(model: type[BaseModel], field: str) -> bool:
    info = model.model_fields[field]
    fields: dict[str, Any] = {field: (info.annotation, info)}
    try:
        # pydantic's error does not name the field.
        create_model(model.__name__, __config__=model.model_config, **fields).model_json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return False
    return True


def stated_range(keywords: str) -> str | None:
    """Return the range of contract versions among a distribution's keywords, which metadata joins with commas."""
    parts: list[str] = []
    for word in map(str.strip, keywords.split(",")):
        # A range with a comma, such as ``>=1.0,<2``, arrives as two keywords.
        if _RANGE.match(word):
            parts.append(_RANGE.sub("", word))
        elif parts and word.startswith(_OPERATOR):
            parts.append(word)
    return ",".join(parts) or None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known name, or with the known names when none is near."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"known are {', '.join(names[:_MOST_NAMES])}{more}" if names else "none is known"
