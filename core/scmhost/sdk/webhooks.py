"""How a webhook shows that its sender knows the secret.

Compared in constant time. Whatever was sent, the answer is yes or no; an empty secret fits nothing, because everybody
knows it.
"""

import hashlib
import hmac


def check_signature(secret: str, body: bytes, signature: str) -> bool:
    """Whether a signature is the HMAC-SHA256 of the raw body in hex, with or without ``sha256=`` before it."""
    expected = hmac.new(_bytes(secret), body, hashlib.sha256).hexdigest()
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(_bytes(expected), _bytes(given))


def same_secret(secret: str, given: str) -> bool:
    """Whether a host that sends the secret itself has sent this one."""
    return bool(secret) and hmac.compare_digest(_bytes(secret), _bytes(given))


def _bytes(text: str) -> bytes:
    # Halves of characters are no UTF-8, and may still come in a header.
    return text.encode("utf-8", "surrogatepass")
