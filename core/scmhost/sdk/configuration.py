"""The configuration of an installation: its model's input, and what the host refuses to store of a draft.

The host and the conformance suite both use what follows, so that they accept the same plugins.
"""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, Final, get_args

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError

from .secrets import MASK, secret_fields
from .values import InstallationDraft

# A secret that is shorter may occur in other values by chance.
_SHORTEST: Final = 6


def model_input(
    model: type[BaseModel], configuration: Mapping[str, JsonValue], secrets: Mapping[str, SecretStr]
) -> dict[str, Any]:
    """Return a stored configuration as its model reads it: with its secrets, and by the names of a form.

    A field that was null is not stored.
    """
    own = secret_fields(model)
    values: dict[str, Any] = {**configuration, **{name: secret for name, secret in secrets.items() if name in own}}
    for name, info in model.model_fields.items():
        if name not in values and info.is_required() and NoneType in get_args(info.annotation):
            values[name] = None
    return {field_key(model, name): value for name, value in values.items()}


def field_key(model: type[BaseModel], name: str) -> str:
    """Return the key of a field in the input of its model."""
    info = model.model_fields.get(name)
    alias = info.validation_alias or info.alias if info else None
    return alias if isinstance(alias, str) else name


def separated(model: type[BaseModel] | None, draft: InstallationDraft) -> InstallationDraft:
    """Return a draft in which the secret fields of a configuration are secrets."""
    own = secret_fields(model) & draft.configuration.keys() if model else frozenset()
    moved = {name: SecretStr(value) for name in own if isinstance(value := draft.configuration[name], str)}
    if not own:
        return draft
    kept = {name: value for name, value in draft.configuration.items() if name not in own}
    update = {"configuration": kept, "secrets": {**moved, **draft.secrets}}
    return InstallationDraft.model_validate(draft.model_copy(update=update))


def mask_problem(draft: InstallationDraft) -> str | None:
    """Return where a draft has the mask of a secret in place of its value, as JSON of a model has it."""
    for place, text in _draft_texts(draft):
        if text == MASK:
            return f"{place} is the mask of a SecretStr, not its value; return the SecretStr in secrets instead"
    return None


def leak_problem(draft: InstallationDraft) -> str | None:
    """Return where a draft shows one of its secrets."""
    for place, text in _draft_texts(draft):
        for name, secret in draft.secrets.items():
            value = secret.get_secret_value()
            if len(value) >= _SHORTEST and value in text:
                return f"{place} contains the secret {name!r}; return it in secrets only"
    return None


def first_problem(error: ValidationError) -> str:
    """Return the first error of a model in one clause, without values."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _draft_texts(draft: InstallationDraft) -> Iterator[tuple[str, str]]:
    yield from (("name", draft.name), ("external_id", draft.external_id))
    yield from _texts(draft.metadata, "metadata")
    yield from _texts(draft.configuration, "configuration")


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text in JSON with its place. A key comes before its value, whose place contains it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{place} has a key that", name
            yield from _texts(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, place)
