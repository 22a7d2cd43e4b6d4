"""What a flag's answer costs, warm, in look-ups in a dict of as many entries; and the same through OpenFeature."""

import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final

import dispatch
from openfeature import api

from scmhost.plugins import PluginHost
from scmhost.plugins.flag_seat import context_of
from scmhost.sdk import Organization

KEY: Final = "forge0"
ORGANIZATIONS: Final = [Organization(id=number, slug=f"o{number}", name="O") for number in range(1, 1_001)]
ROUNDS: Final = 40


def ratios() -> dict[str, float]:
    """How many look-ups an answer costs. A look-up is some 30 ns, so that 150 of them are 5 microseconds."""
    host = dispatch.host(1)
    try:
        bare, contexts = _dict(), [context_of(KEY, organization, 0) for organization in ORGANIZATIONS]
        client = api.get_client(host.flags_domain)
        answer = partial(client.get_boolean_value, f"plugins.{KEY}", False)  # noqa: FBT003 - the SDK's signature
        ways: dict[str, Callable[[], float]] = {
            "flags/decide": partial(_decide, host),
            "flags/openfeature": lambda: _seconds(lambda: [answer(context) for context in contexts]),
        }
        # Each answer is worked out once; it is the warm ones that count.
        _decide(host)
        return {name: _ratio(bare, way) for name, way in ways.items()}
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
    """In rounds that take turns, so that the machine's other work falls on both."""
    rounds = [(bare(), way()) for _ in range(ROUNDS)]
    return median(way for _, way in rounds) / median(bare for bare, _ in rounds)


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
