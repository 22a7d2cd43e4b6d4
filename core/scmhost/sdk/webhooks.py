"""Check that the sender of a webhook has the shared secret.

Comparisons take constant time. An empty secret matches nothing, because everybody can send it.
"""

import hashlib
import hmac


def check_signature(secret: str, body: bytes, signature: str) -> bool:
    """Return whether a signature is the HMAC-SHA256 of the raw body, in hexadecimal, with or without ``sha256=``."""
    expected = hmac.new(_bytes(secret), body, hashlib.sha256).hexdigest()
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(_bytes(expected), _bytes(given))


def same_secret(secret: str, given: str) -> bool:
    """Return whether two secrets are equal, for hosts that send the secret itself."""
    return bool(secret) and hmac.compare_digest(_bytes(secret), _bytes(given))


def _bytes(text: str) -> bytes:
    # Lone surrogates cannot be encoded as UTF-8, but a header may contain them.
    return text.encode("utf-8", "surrogatepass")
