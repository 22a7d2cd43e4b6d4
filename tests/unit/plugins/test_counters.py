"""The counts of each hook's calls."""

from scmhost.plugins.isolation.circuit_breaker import Count, Counters
from scmhost.sdk import ProviderForbidden, ProviderUnavailable

KEY = ("forge", "scm_commit_url")


def test_calls_faults_and_the_slowest_call_are_counted() -> None:
    """Each call counts once, and the longest time is kept."""
    counters = Counters()
    counters.add(KEY, 0.5, fault=True)
    for _ in range(3):
        counters.add(KEY, 0.25)
    counters.add(("forge", "scm_install"), 2.0)
    assert counters.all() == {
        KEY: Count(calls=4, faults=1, slowest=0.5),
        ("forge", "scm_install"): Count(calls=1, slowest=2.0),
    }


def test_refusals_are_counted_beside_faults() -> None:
    """An error on purpose is no fault. ``unavailable`` counts the latest calls in a row that found no code host."""
    counters = Counters()
    counters.refuse(KEY, 0.5, ProviderUnavailable("down"))
    counters.add(KEY, 0.5)
    for _ in range(2):
        counters.refuse(KEY, 0.5, ProviderUnavailable("down"))
    assert counters.all()[KEY] == Count(calls=4, slowest=0.5, refusals=3, unavailable=2)
    counters.refuse(KEY, 0.5, ProviderForbidden("not yours"))
    assert counters.all()[KEY] == Count(calls=5, slowest=0.5, refusals=4)


def test_a_good_answer_resets_unavailable() -> None:
    """One successful call shows that the code host answers again."""
    counters = Counters()
    counters.refuse(KEY, 0.5, ProviderUnavailable("down"))
    assert counters.all()[KEY].unavailable == 1
    counters.add(KEY, 0.5)
    assert counters.all()[KEY].unavailable == 0
