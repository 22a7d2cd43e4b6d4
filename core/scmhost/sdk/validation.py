"""What the host and the conformance suite refuse of a plugin as a whole: its entry point and its providers' models.

Both use what follows, so that they accept the same plugins.
"""

import inspect
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, PydanticUndefinedAnnotation, PydanticUserError, create_model

from .provider import Provider


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
