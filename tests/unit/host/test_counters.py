"""How often each hook was called."""

from scmhost.host.counters import Count, Counters, Tally
from scmhost.host.errors import Origin

ORIGIN = Origin("forge", "acme-forge", "scm_commit_url")


def test_no_call_is_lost_between_two_tallies() -> None:
    """A hook's calls are all counted, in whichever thread they ran and however often its plugin was admitted."""
    counters, before, after = Counters(), Tally(), Tally()
    counters.add(ORIGIN, 0.5, fault=True)
    for tally in (before, before, after):
        counters.beside(ORIGIN, tally)
        tally.add(0.25)
    assert counters.all() == {("forge", "scm_commit_url"): Count(calls=4, faults=1, slowest=0.5)}
