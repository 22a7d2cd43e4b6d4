"""Webhooks: those that the host registers at a code host, the route of a delivery, and the check of its signature."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr

from .errors import ProviderForbidden
from .frozen import FrozenDict, Value
from .values import FrozenJson


class RegisteredWebhook(Value):
    """A webhook that a plugin has registered at its code host.

    Attributes:
        external_id: its id at the code host. Repositories that share one webhook, such as that of a group, have the
            same id; the host removes it with the last of them.
        metadata: data of the plugin, which it gets back to unregister the webhook; no secrets.
    """

    external_id: Annotated[str, Field(min_length=1, max_length=200)]
    metadata: FrozenJson = Field(default_factory=FrozenDict)


class DeliveryRoute(Value):
    """The installation that a delivery to a provider's common address is for.

    Attributes:
        external_id: the external id of the installation, as the body names it.
        secret: the secret that signs the delivery, from the operator's settings; ``scm_read_push`` gets it to check the
            signature. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    external_id: Annotated[str, Field(min_length=1, max_length=64)]
    secret: Annotated[SecretStr, Field(min_length=1)] = Field(exclude=True, repr=False)


# Helpers for ``scm_read_push``. They take constant time. An empty secret matches nothing: everybody can send it.


def check_signature(secret: str, body: bytes, signature: str) -> bool:
    """Return whether a signature is the HMAC-SHA256 of the raw body, in hexadecimal, with or without ``sha256=``."""
    expected = hmac.new(_bytes(secret), body, hashlib.sha256).hexdigest()
    # Some hosts send the digits alone, and some in upper case.
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(_bytes(expected), _bytes(given))


def require_signature(headers: Mapping[str, str], body: bytes, secret: str, *names: str) -> None:
    """Check the signature of a delivery, which is in the first of some headers that it has; see ``check_signature``.

    Raises:
        ProviderForbidden: it is missing or wrong.
    """
    if not check_signature(secret, body, next((headers[name] for name in names if headers.get(name)), "")):
        known = " or ".join(name.title() for name in names)
        raise ProviderForbidden(f"{known} is missing, or was made with another secret or for another body.")


def same_secret(secret: str, given: str) -> bool:
    """Return whether two secrets are equal, for hosts that send the secret itself."""
    # Bytes, because ``compare_digest`` refuses text outside of ASCII.
    return bool(secret) and hmac.compare_digest(_bytes(secret), _bytes(given))


def _bytes(text: str) -> bytes:
    # Lone surrogates cannot be encoded as UTF-8, but a header may contain them.
    return text.encode("utf-8", "surrogatepass")
