"""Hashes that stand in keys for texts that are longer than an index takes."""

from hashlib import blake2b

from .columns import checked_text


def hash_of(text: str) -> int:
    """Of 64 bits: among ten thousand texts two are alike once in a hundred thousand million times.

    Raises:
        BadText: no database takes the text.
    """
    digest = blake2b(checked_text(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
