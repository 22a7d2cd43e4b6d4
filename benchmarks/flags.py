"""The cost of a decision about an organization, warm, in look-ups in a dict of as many entries."""

import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final

import dispatch

from scmhost.plugins import PluginHost
from scmhost.sdk import Organization

KEY: Final = "forge0"
ORGANIZATIONS: Final = [Organization(id=number, slug=f"o{number}", name="O") for number in range(1, 1_001)]
ROUNDS: Final = 40


def ratios() -> dict[str, float]:
    """Return how many look-ups a decision costs. A look-up takes about 30 ns, so that 150 take 5 microseconds."""
    host = dispatch.host(1)
    try:
        # Each decision is computed once; the cached ones count.
        _decide(host)
        return {"flags/decide": _ratio(_dict(), partial(_decide, host))}
    finally:
        host.close()


def main() -> None:
    """Print each ratio."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.1f}")


def _dict() -> Callable[[], float]:
    known = {(KEY, organization.id, organization.slug): True for organization in ORGANIZATIONS}
    keys = list(known)
    return lambda: _seconds(lambda: [known[key] for key in keys])


def _decide(host: PluginHost) -> float:
    return _seconds(lambda: [host.decide(KEY, organization) for organization in ORGANIZATIONS])


def _ratio(bare: Callable[[], float], way: Callable[[], float]) -> float:
    """Return the ratio over rounds that take turns, so that the machine's other work falls on both."""
    rounds = [(bare(), way()) for _ in range(ROUNDS)]
    return median(way for _, way in rounds) / median(bare for bare, _ in rounds)


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
