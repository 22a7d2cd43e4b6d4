"""How often each hook was called."""

from scmhost.plugins.counters import Count, Counters, Tally
from scmhost.plugins.errors import Origin
from scmhost.sdk import ProviderForbidden, ProviderUnavailable

ORIGIN = Origin("forge", "acme-forge", "scm_commit_url")


def test_no_call_is_lost_between_two_tallies() -> None:
    """A hook's calls are all counted, in whichever thread they ran and however often its plugin was admitted."""
    counters, before, after = Counters(), Tally(), Tally()
    counters.add(ORIGIN, 0.5, fault=True)
    for tally in (before, before, after):
        counters.beside(ORIGIN, tally)
        tally.add(0.25)
    assert counters.all() == {("forge", "scm_commit_url"): Count(calls=4, faults=1, slowest=0.5)}


def test_refusals_are_counted_beside_faults() -> None:
    """What a plugin says on purpose is no fault; how long its host has been away is the number of the latest calls."""
    counters = Counters()
    counters.refuse(ORIGIN, 0.5, ProviderUnavailable("down"))
    counters.add(ORIGIN, 0.5)
    for _ in range(2):
        counters.refuse(ORIGIN, 0.5, ProviderUnavailable("down"))
    key = (ORIGIN.plugin, ORIGIN.hook)
    assert counters.all()[key] == Count(calls=4, slowest=0.5, refusals=3, unavailable=2)
    counters.refuse(ORIGIN, 0.5, ProviderForbidden("not yours"))
    assert counters.all()[key] == Count(calls=5, slowest=0.5, refusals=4)


def test_one_good_answer_shows_that_the_host_is_there() -> None:
    """Calls in a lane and calls in their caller's thread are counted apart; either may be the latest."""
    counters, tally = Counters(), Tally()
    counters.refuse(ORIGIN, 0.5, ProviderUnavailable("down"))
    counters.beside(ORIGIN, tally)
    assert counters.all()[ORIGIN.plugin, ORIGIN.hook].unavailable == 1
    tally.add(0.5)
    assert counters.all()[ORIGIN.plugin, ORIGIN.hook].unavailable == 0
