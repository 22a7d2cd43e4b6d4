"""Settings as they may be shown: without what is secret, and without running a line of the plugin's code."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, JsonValue, SecretBytes, SecretStr

from .variables import Variable, variables_in

HIDDEN: Final = "(hidden)"
UNKNOWN: Final = "(not shown: only a loaded plugin says which of its settings are secret)"

_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS: Final = frozenset({
    "apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "dsn", "hmac", "key", "keys",
    "passphrase", "passwd", "password", "passwords", "pat", "pin", "private", "pwd", "salt", "secret", "secrets",
    "session", "signature", "token", "tokens",
})  # fmt: skip
# User and password of a URL, wherever it stands in a text.
_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s]*@")
# A validator of the plugin's may have built a circle.
_DEEPEST: Final = 10
_SHORTEST: Final = 6
# What is told by a text of the standard library's own.
_TOLD: Final = (date, datetime, time, timedelta, Decimal, PurePath, UUID)


def shown(settings: BaseModel) -> dict[str, JsonValue]:
    """The settings of a plugin that is loaded. What its model, or its name, marks as a secret is hidden."""
    # Not ``model_dump``: serializers are foreign code, and would run outside of the guard.
    return _of_names(vars(settings))


def unseen(settings: Mapping[str, object]) -> dict[str, JsonValue]:
    """The names of the settings of a plugin that is not loaded: which of them are secret nobody knows."""
    return {str(name): repr(value) if isinstance(value, Variable) else UNKNOWN for name, value in settings.items()}


def naming_variables(told: Mapping[str, JsonValue], written: Mapping[str, object]) -> dict[str, JsonValue]:
    """Settings as they are shown, with the variable's name for each value that stands in the environment.

    What the plugin's model has put under another name is hidden all the same.
    """
    values = [item.value for _, item in variables_in(written) if item.value and len(item.value) >= _SHORTEST]
    return {name: _naming(value, written.get(name), values) for name, value in told.items()}


def _naming(told: JsonValue, written: object, values: Sequence[str]) -> JsonValue:
    if isinstance(written, Variable):
        return repr(written)
    match told:
        case dict():
            inner = written if isinstance(written, dict) else {}
            return {name: _naming(value, inner.get(name), values) for name, value in told.items()}
        case list():
            return [_naming(value, None, values) for value in told]
        case str():
            return without(told, values)
    return told


def secrets_of(*settings: BaseModel | Mapping[str, object]) -> frozenset[str]:
    """The texts among settings that are secret. Short ones would be found in too many harmless words."""
    tables = (vars(item) if isinstance(item, BaseModel) else item for item in settings)
    return frozenset(text for table in tables for text in _secrets(table) if len(text) >= _SHORTEST)


def without(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets that got into it, as into an exception's."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def sounds_secret(name: str) -> bool:
    """Whether a setting of this name is likely to be a secret. Rather one too many than one too few."""
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def _of_names(values: Mapping[Any, Any], depth: int = 0) -> dict[str, JsonValue]:
    return {
        str(name): _hidden(value) if sounds_secret(str(name)) else _value(value, depth + 1)
        for name, value in values.items()
    }


def _secrets(values: Mapping[Any, Any], depth: int = 0) -> Iterator[str]:
    for name, value in values.items():
        yield from _secrets_in(value, depth, secret=sounds_secret(str(name)))


def _secrets_in(value: object, depth: int, *, secret: bool) -> Iterator[str]:
    match value:
        case _ if depth > _DEEPEST:
            return
        case Variable():
            yield value.value or ""
        case SecretStr() | SecretBytes():
            bare = value.get_secret_value()
            yield bare if isinstance(bare, str) else bare.decode(errors="replace")
        case str() if secret:
            yield value
        case BaseModel():
            yield from _secrets(vars(value), depth + 1)
        case dict():
            yield from _secrets(value, depth + 1)
        case list() | tuple():
            for item in value:
                yield from _secrets_in(item, depth + 1, secret=secret)


def _hidden(value: object) -> JsonValue:
    """That a secret is not set is no secret."""
    return None if value is None else HIDDEN


def _value(value: object, depth: int) -> JsonValue:
    match value:
        case SecretStr() | SecretBytes():
            return HIDDEN
        case _ if depth > _DEEPEST:
            return "..."
        case BaseModel():
            return _of_names(vars(value), depth)
        case Enum():
            return _value(value.value, depth + 1)
    # By the exact type: what a subclass of the plugin's says of itself is its code.
    return _plain(value, depth) if type(value).__module__ in _STANDARD else f"({type(value).__name__})"


_STANDARD: Final = frozenset({"builtins", *(kind.__module__ for kind in _TOLD), "pathlib", "pathlib._local"})


def _plain(value: object, depth: int) -> JsonValue:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _LOGIN.sub(f"{HIDDEN}@", value)
        case dict():
            return _of_names(value, depth)
        case list() | tuple() | set() | frozenset():
            return [_value(item, depth + 1) for item in value]
        case _ if isinstance(value, _TOLD):
            return str(value)
        case _:
            return f"({type(value).__name__})"
