"""Credentials of an installation: its secrets, renewed ones, and the secrets among the fields of a model."""

import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainValidator, Secret, SecretBytes, SecretStr

from .frozen import FrozenDict, Value

MOST_SECRETS: Final = 20
LONGEST_SECRET: Final = 16_384
"""How many characters one secret may have: enough for a private key with its chain of certificates."""

MOST_CHARACTERS: Final = 65_536
"""How many characters all secrets of an installation may have together."""

MASK: Final = "*" * 10
"""What pydantic writes for a ``SecretStr`` when it makes JSON of a model."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def _checked(secrets: object) -> FrozenDict[str, SecretStr]:
    """Return secrets by name. The errors repeat neither, because a plugin may confuse a name with its value."""
    if not isinstance(secrets, Mapping):
        raise ValueError("secrets are a mapping of names to SecretStr")  # noqa: TRY004 - pydantic reports ValueError only
    if len(secrets) > MOST_SECRETS:
        raise ValueError(f"an installation has at most {MOST_SECRETS} secrets")
    checked: dict[str, SecretStr] = {}
    for name, value in secrets.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError("the name of a secret is a letter and at most 63 letters, digits, _ and -")
        secret = SecretStr(value) if isinstance(value, str) else value
        if not isinstance(secret, SecretStr) or not 1 <= len(secret.get_secret_value()) <= LONGEST_SECRET:
            raise ValueError(f"each secret is a SecretStr of 1 to {LONGEST_SECRET:,} characters")
        checked[name] = secret
    if sum(len(secret.get_secret_value()) for secret in checked.values()) > MOST_CHARACTERS:
        raise ValueError(f"the secrets of an installation have at most {MOST_CHARACTERS:,} characters together")
    return FrozenDict(checked)


Secrets = Annotated[dict[str, SecretStr], PlainValidator(_checked)]
"""Secrets by name. The mapping is immutable, and its text does not show the values."""

NO_SECRETS: Final[FrozenDict[str, SecretStr]] = FrozenDict()


class RefreshedCredentials(Value):
    """Renewed credentials of an installation, to save in place of the old ones.

    Attributes:
        secrets: the new values by name; a secret that is left out keeps its value. Not part of dumps.
        expires_at: when the host has to renew them again, with a UTC offset; None if that is not known.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    secrets: Secrets = Field(exclude=True, repr=False)
    expires_at: AwareDatetime | None = None


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that are a ``SecretStr``, or may be one."""
    return frozenset(name for name, field in model.model_fields.items() if _members(field.annotation) == {SecretStr})


def enclosed_secrets(model: type[BaseModel]) -> list[str]:
    """Return the fields of a model that have a secret inside of another value, which the host cannot store."""
    own = secret_fields(model)
    return [
        name
        for name, field in model.model_fields.items()
        if name not in own and _encloses(field.annotation, frozenset({model}))
    ]


def _members(kind: Any) -> set[Any]:
    """Return the types of a union, without None and without annotations."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return {member for item in get_args(kind) for member in _members(item)}
    return set() if kind is NoneType else {kind}


def _encloses(kind: Any, seen: frozenset[Any]) -> bool:
    plain = get_origin(kind) or kind
    if isinstance(plain, type) and issubclass(plain, SecretStr | SecretBytes | Secret):
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = () if kind in seen else kind.model_fields.values()
        return any(_encloses(field.annotation, seen | {kind}) for field in fields)
    return any(_encloses(item, seen) for item in get_args(kind))
