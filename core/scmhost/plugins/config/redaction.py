"""Redaction: settings as people may see them, without secrets and without running a line of the plugin's code."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from urllib.parse import quote, quote_plus
from uuid import UUID

from pydantic import BaseModel, JsonValue, SecretBytes, SecretStr

from .schema import EnvironmentReference, environment_references

HIDDEN: Final = "(hidden)"
UNKNOWN: Final = "(not shown: only the model of a loaded plugin marks its secrets)"

_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS: Final = frozenset({
    "apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "dsn", "hmac", "key", "keys",
    "passphrase", "passwd", "password", "passwords", "pat", "pin", "private", "pwd", "salt", "secret", "secrets",
    "session", "signature", "token", "tokens", "verifier",
})  # fmt: skip
# User and password of a URL, anywhere in a text.
_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s]*@")
# A validator of the plugin may have built a cycle, or a list of lists of lists ... that doubles at each level.
_DEEPEST: Final = 10
_MOST_VALUES: Final = 10_000
_CUT: Final = "..."
_SHORTEST: Final = 6
# Credentials are marked as secret by the plugin itself, but a text of three characters is none.
_SHORTEST_CREDENTIAL: Final = 4
_TEXT_TYPES: Final = frozenset({
    date, datetime, time, timedelta, Decimal, UUID, PurePath, PurePosixPath, PureWindowsPath, PosixPath, WindowsPath,
})  # fmt: skip


def shown(settings: BaseModel) -> dict[str, JsonValue]:
    """Return the settings of a loaded plugin. Values that their type or name marks as secret are hidden."""
    # ``model_dump`` would run the plugin's serializers outside of the guard.
    return _Redaction().table(vars(settings), 0)


def settings_of_unloaded(settings: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return the names of the settings of a plugin that is not loaded: any of the values may be secret."""
    return {
        str(name): repr(value) if isinstance(value, EnvironmentReference) else UNKNOWN
        for name, value in settings.items()
    }


def with_environment_names(redacted: Mapping[str, JsonValue], written: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return redacted settings in which each value from the environment is replaced by the variable's name.

    Values that the plugin's model stored under another name are hidden.
    """
    references = environment_references(written)
    values = [item.value for _, item in references if item.value and len(item.value) >= _SHORTEST]
    return {name: _with_name(value, written.get(name), values) for name, value in redacted.items()}


def _with_name(redacted: JsonValue, written: object, values: Sequence[str]) -> JsonValue:
    if isinstance(written, EnvironmentReference):
        return repr(written)
    match redacted:
        case dict():
            inner = written if isinstance(written, dict) else {}
            return {name: _with_name(value, inner.get(name), values) for name, value in redacted.items()}
        case list():
            return [_with_name(value, None, values) for value in redacted]
        case str():
            return without(redacted, values)
    return redacted


def secrets_of(*settings: BaseModel | Mapping[str, object]) -> frozenset[str]:
    """Return the secret texts among settings. Short ones are left out: they occur in too many harmless words."""
    found = (text for item in settings for text in _secrets_in(item, 0, set(), secret=False))
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def credential_texts(secrets: Iterable[SecretStr]) -> frozenset[str]:
    """Return the texts in which credentials may appear in an error, as clients and libraries write them."""
    texts = (text for secret in secrets for text in _forms_of(secret.get_secret_value()))
    return frozenset(text for text in texts if len(text) >= _SHORTEST_CREDENTIAL)


def _forms_of(secret: str) -> Iterator[str]:
    yield secret
    yield from (quote(secret, safe=safe, errors="replace") for safe in ("", "/"))
    yield quote_plus(secret, errors="replace")
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    # A key has several lines, and a library may show one of them.
    yield from (line for line in secret.splitlines() if len(line) >= _SHORTEST)
    data = secret.encode(errors="replace")
    # As in an Authorization header, after a name of any length: the first and last characters depend on what is around.
    for shift in range(3):
        inner = b64encode(bytes(shift) + data).decode().rstrip("=")[-(-shift * 8 // 6) : -1]
        if len(inner) >= _SHORTEST:
            yield inner


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text with its secrets hidden."""
    # The longest first: a secret may contain another one.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def is_secret_name(name: str) -> bool:
    """Return whether a setting of this name is likely to be a secret. Too many are better than too few."""
    # By words, so that ``apiKey`` and ``api_key`` are secret, but ``monkey`` is not.
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def _secrets_in(value: object, depth: int, seen: set[tuple[int, bool]], *, secret: bool) -> Iterator[str]:
    """Yield the secret texts of a value. Each container is visited once."""
    # With ``secret`` in the key: a container may be reached under a harmless and a secret name.
    if depth > _DEEPEST or (id(value), secret) in seen:
        return
    match value:
        case EnvironmentReference():
            yield value.value or ""
        case SecretStr() | SecretBytes():
            bare = value.get_secret_value()
            yield bare if isinstance(bare, str) else bare.decode(errors="replace")
        case str() if secret:
            # Exactly ``str``: the methods of a subclass are the plugin's code.
            yield str.__str__(value)
        case BaseModel() | dict():
            seen.add((id(value), secret))
            for name, inner in (vars(value) if isinstance(value, BaseModel) else value).items():
                yield from _secrets_in(inner, depth + 1, seen, secret=is_secret_name(str(name)))
        case list() | tuple():
            seen.add((id(value), secret))
            for item in value:
                yield from _secrets_in(item, depth + 1, seen, secret=secret)


class _Redaction:
    """One redaction. It shows a bounded number of values, however they refer to each other."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def table(self, values: Mapping[Any, Any], depth: int) -> dict[str, JsonValue]:
        return {
            str(name): self._hidden(value) if is_secret_name(str(name)) else self._value(value, depth + 1)
            for name, value in values.items()
        }

    def _hidden(self, value: object) -> JsonValue:
        # That a secret is not set is no secret.
        return None if value is None else HIDDEN

    def _value(self, value: object, depth: int) -> JsonValue:
        self._left -= 1
        match value:
            case SecretStr() | SecretBytes():
                return HIDDEN
            case _ if depth > _DEEPEST or self._left < 0:
                return _CUT
            case BaseModel():
                return self.table(vars(value), depth)
            case Enum():
                return self._value(value.value, depth + 1)
        return self._plain(value, depth)

    def _plain(self, value: object, depth: int) -> JsonValue:
        # By the exact type: the text of a subclass is the plugin's code.
        kind = type(value)
        if value is None or kind in (bool, int, float):
            return value  # type: ignore[return-value] # narrowed by its exact type
        if kind is str:
            return _LOGIN.sub(f"{HIDDEN}@", str(value))
        if isinstance(value, dict) and kind is dict:
            return self.table(value, depth)
        if isinstance(value, list | tuple | set | frozenset) and kind in (list, tuple, set, frozenset):
            return [self._value(item, depth + 1) for item in value]
        return str(value) if kind in _TEXT_TYPES else f"({kind.__name__})"
