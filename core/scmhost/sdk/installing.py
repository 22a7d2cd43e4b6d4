"""What installing in steps exchanges with a plugin, and how a draft's configuration is checked."""

import json
from collections.abc import Collection, Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError

from .frozen import FrozenDict, Value
from .secrets import MASK, secret_fields
from .urls.safety import safe_url
from .values import FrozenJson, InstallationDraft

MOST_SAVED: Final = 65_536
"""How many characters the JSON of ``RedirectTo.saved`` may have."""

_SHORTEST_SECRET: Final = 8


class RedirectTo(Value):
    """The page of the code host on which a person continues the installation.

    Attributes:
        url: the absolute http or https URL. It has to contain the ``state`` that the hook got, and no secret.
        saved: data for ``scm_finish_install``, such as the form's fields and a code verifier. The host encrypts it,
            shows it to nobody and deletes it after ten minutes. At most 65,536 characters of JSON. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^https?://")]
    saved: FrozenJson = Field(default_factory=FrozenDict, exclude=True, repr=False)


def redirect_problem(step: RedirectTo, state: str, secrets: Collection[str] = ()) -> str | None:
    """Return why a person cannot be sent to a page, or None. The text has neither the URL nor the saved data.

    ``secrets``: texts that the address must not have, in all forms in which they may appear there.
    """
    if not safe_url(step.url):
        return "url is not safe in a browser: it needs a host, and no user part, space or control character"
    # Browsers do not send the fragment, so that a state there never comes back.
    if state not in step.url.partition("#")[0]:
        return "url does not contain the state"
    # An address stays in the browser's history and in logs. Shorter texts occur in too many harmless addresses.
    if any(text in step.url for text in secrets if len(text) >= _SHORTEST_SECRET):
        return "url contains a secret of the form or the settings"
    return None


def saved_problem(step: RedirectTo) -> str | None:
    """Return why the saved data cannot be given back unchanged, or None. The text has none of the data."""
    try:
        text = json.dumps(step.saved, allow_nan=False)
    except ValueError:
        return "saved has a number that is NaN or infinite; JSON has no such numbers"
    if len(text) > MOST_SAVED:
        return f"saved has more than {MOST_SAVED:,} characters"
    if MASK in text:
        return "saved has a masked secret; call get_secret_value() of each SecretStr"
    return None


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
