"""Encryption of what the database must not reveal, with keys of the operator."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from .errors import Unavailable

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

# 32 bytes in URL-safe base64: the form of Fernet's keys.
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}=")
_KEY_ID_LENGTH: Final = 16


class KeyLost(Unavailable):
    """No key of this process decrypts a stored text."""


def new_key() -> str:
    """Return a new random key."""
    return urlsafe_b64encode(token_bytes(32)).decode()


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key."""
    return _KEY.fullmatch(text) is not None


class SecretBox:
    """Encrypts with the first of its keys, and decrypts with all of them. Without keys it can do neither."""

    def __init__(self, keys: Sequence[SecretStr] = ()) -> None:
        self._ids = tuple(_id_of(key.get_secret_value()) for key in keys)
        self._fernet = _fernet(keys) if keys else None

    def __repr__(self) -> str:
        return f"SecretBox({len(self._ids)} keys)"

    @property
    def key_id(self) -> str | None:
        """The id of the key that encrypts, which does not reveal the key; None without keys."""
        return self._ids[0] if self._ids else None

    def encrypt(self, text: str) -> str:
        """Return a text that only the key reveals.

        Raises:
            KeyLost: there is no key.
        """
        if self._fernet is None:
            raise KeyLost("this host has no key to encrypt with")
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the text.

        Raises:
            KeyLost: it was encrypted with another key, or was changed.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - most hosts store no secrets

        try:
            if self._fernet is not None:
                return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            pass
        # Outside of the handler: an exception of the library has nothing to add.
        raise KeyLost("none of the host's secret_keys decrypts it")


NO_KEYS: Final = SecretBox()
"""The box of a host without keys."""


def _id_of(key: str) -> str:
    # The key is 256 random bits, so that its hash can be published.
    return sha256(key.encode()).hexdigest()[:_KEY_ID_LENGTH]


def _fernet(keys: Sequence[SecretStr]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - most hosts store no secrets

    return MultiFernet([Fernet(key.get_secret_value()) for key in keys])
