"""Registry snapshots, and the cache of decisions about organizations."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from hosting import ACME, GOOD, candidate, enabled, host_of, report_of
from scmhost.infra.clock import SystemClock
from scmhost.plugins import PluginHost, Settings
from scmhost.plugins.isolation.guard import Guard
from scmhost.plugins.reloader import RegistryReloader
from scmhost.plugins.validation import Validator
from scmhost.sdk import Organization


def settings(**table: Any) -> Settings:
    return Settings(plugins={"good_forge": enabled(**table)})


def organization(number: int) -> Organization:
    return Organization(id=number, slug=f"o{number}", name="O")


def test_snapshot_cannot_be_changed() -> None:
    """Neither its fields nor its tables accept a new value."""
    with host_of({"good_forge": GOOD}) as host:
        snapshot = host._snapshot
        with pytest.raises(FrozenInstanceError):
            snapshot.generation = 2  # type: ignore[misc]
        tables: list[Any] = [
            snapshot.calls,
            snapshot.owners,
            snapshot.loaded[0].implementations,
            snapshot.loaded[0].settings,
            snapshot.reports[0].settings,
        ]
        for table in tables:
            with pytest.raises(TypeError, match="does not support item assignment"):
                table["good_forge"] = None


def test_decisions_and_calls_leave_a_snapshot_as_it_is() -> None:
    """Results for organizations are cached outside of the snapshot."""
    with host_of({"good_forge": GOOD}) as host:
        snapshot = host._snapshot
        before = repr(snapshot)
        host.decide("good_forge", ACME)
        host.reload(settings(kill=True))
        assert repr(snapshot) == before
        assert host._snapshot is not snapshot


def test_decisions_of_an_old_generation_are_not_used() -> None:
    """After a change every organization gets the new decision, with the new generation."""
    with host_of({"good_forge": GOOD}, settings()) as host:
        first = host.decide("good_forge", ACME)
        host.reload(settings(kill=True))
        second = host.decide("good_forge", ACME)
        host.reload(settings())
        third = host.decide("good_forge", ACME)
    assert [(item.on, item.generation) for item in (first, second, third)] == [(True, 1), (False, 2), (True, 3)]


def test_decision_of_a_snapshot_that_was_replaced_meanwhile_is_not_used() -> None:
    """A request that began before a change may finish with the old decision; later ones do not see it."""
    with host_of({"good_forge": GOOD}, settings()) as host:
        before = host._snapshot
        host.reload(settings(kill=True))
        assert host._cached_decision(before, "good_forge", ACME).on is True
        assert host.decide("good_forge", ACME).on is False


def test_cache_of_decisions_is_bounded() -> None:
    """However many organizations there are, a fixed number of decisions is kept, the newest ones."""
    guard = Guard()
    reloader = RegistryReloader(guard, Validator(guard), lambda: [candidate("good_forge")])
    host = PluginHost(settings(), guard, reloader, SystemClock(), max_decisions=10)
    for number in range(1, 101):
        assert host.decide("good_forge", organization(number)).on is True
    kept = {key[2] for key in host._decisions}
    host.close()
    assert kept == set(range(91, 101))


def test_decision_is_computed_once() -> None:
    """A second request for the same organization gets the cached decision."""
    with host_of({"good_forge": GOOD}, settings()) as host:
        assert host.decide("good_forge", ACME) is host.decide("good_forge", ACME)


def test_report_of_a_healthy_plugin_has_no_notes() -> None:
    """Nothing is overdue while nothing runs."""
    with host_of({"good_forge": GOOD}) as host:
        assert report_of(host, "good_forge").notes == ()
