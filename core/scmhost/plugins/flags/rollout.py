"""The organizations that a percentage selects: version 1, the same on every machine and in every release."""

from decimal import Decimal
from typing import Final

BUCKETS: Final = 100_000
_MASK: Final = 0xFFFFFFFF


def bucket(salt: str, organization_id: int) -> int:
    """Return the organization's bucket among 100,000 for this salt."""
    return (murmur3(f"{salt}:{organization_id}".encode()) * BUCKETS) >> 32


def included(percent: Decimal, salt: str, organization_id: int) -> bool:
    """Return whether the organization is among the first ``percent`` of 100. A growing percentage drops nobody."""
    return within(percent, bucket(salt, organization_id))


def within(percent: Decimal, place: int) -> bool:
    """Return whether a bucket is among the first ``percent`` of 100."""
    return place < percent * (BUCKETS // 100)


def murmur3(data: bytes) -> int:
    """Return the MurmurHash3 of data: x86, 32 bits, seed 0."""
    state = 0
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        state ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotate(state, 13) * 5 + 0xE6546B64) & _MASK
    state ^= _scramble(int.from_bytes(data[whole:], "little"))
    return _finish(state ^ len(data))


def _scramble(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _MASK


def _finish(state: int) -> int:
    state = ((state ^ (state >> 16)) * 0x85EBCA6B) & _MASK
    state = ((state ^ (state >> 13)) * 0xC2B2AE35) & _MASK
    return state ^ (state >> 16)
