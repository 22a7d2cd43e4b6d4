"""When a failing hook is suspended, and when it is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hosting import ACME, INSTALLATION, REPOSITORY, START, SettableClock, enabled, host_of, logged, report_of
from plugins import moody
from scmhost.infra.settings import Breaker
from scmhost.plugins import PluginFault, PluginHost, Settings
from scmhost.plugins.errors import Origin
from scmhost.plugins.isolation.circuit_breaker import HEALTHY, Circuit, CircuitBreaker

TERMS = Breaker(faults=3, pause_seconds=10, longest_pause_seconds=60)


class Callers(RuleBasedStateMachine):
    """Calls that begin and end in any order, at increasing times."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = HEALTHY
        self.now = START
        self.calls: list[bool] = []
        self.pauses: list[timedelta] = []
        self.faults_in_a_row = 0

    @rule(seconds=st.integers(1, 90))
    def time_goes_by(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def a_call_begins(self) -> None:
        before = self.circuit
        self.circuit, entry = before.begin(self.now)
        early = before.next_try is not None and self.now < before.next_try
        expected = "call" if before.since is None else "refused" if early or before.probing else "probe"
        assert entry == expected
        if entry != "refused":
            self.calls.append(entry == "probe")

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_succeeds(self, data: st.DataObject) -> None:
        probe = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        before = self.circuit
        self.circuit = before.succeed(probe=probe)
        assert self.circuit == (HEALTHY if probe or before.since is None else before)
        if self.circuit == HEALTHY:
            self.pauses, self.faults_in_a_row = [], 0

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_fails(self, data: st.DataObject) -> None:
        probe = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        before = self.circuit
        self.circuit = before.fail(TERMS, self.now, "fell over", probe=probe)
        self.faults_in_a_row += 1
        assert self.circuit.last_fault == "fell over"
        if self.circuit.next_try != before.next_try:
            assert self.circuit.next_try == self.now + self.circuit.pause
            self.pauses.append(self.circuit.pause)

    @invariant()
    def it_is_suspended_after_so_many_faults_and_not_before(self) -> None:
        assert self.circuit.faults == self.faults_in_a_row
        assert (self.circuit.since is not None) == (self.faults_in_a_row >= TERMS.faults)

    @invariant()
    def one_call_tries_at_a_time(self) -> None:
        assert sum(self.calls) == self.circuit.probing

    @invariant()
    def pauses_double_up_to_the_longest(self) -> None:
        expected = [timedelta(seconds=seconds) for seconds in (10, 20, 40, 60, 60, 60, 60, 60)]
        assert self.pauses[:8] == expected[: len(self.pauses)]


@pytest.mark.thorough
def test_any_order_of_calls_keeps_the_rules() -> None:
    """However calls overlap: faults in a row open a circuit, one probe runs at a time, pauses double up to a limit."""
    run_state_machine_as_test(Callers, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))


@pytest.mark.parametrize("seconds", [-3600, -11, 10, 3600])
def test_a_clock_that_was_set_never_makes_a_pause_longer(seconds: int) -> None:
    """After a change of the machine's clock no caller waits longer than the pause."""
    circuit = HEALTHY
    for _ in range(3):
        circuit = circuit.fail(TERMS, START, "fell over", probe=False)
    assert circuit.begin(START + timedelta(seconds=9))[1] == "refused"
    assert circuit.begin(START + timedelta(seconds=seconds))[1] == "probe"


def test_plugin_loaded_during_a_probe_starts_closed() -> None:
    """The result of a probe that began before a plugin was loaded again does not count for the new one."""
    assert HEALTHY.fail(TERMS, START, "fell over", probe=True) == Circuit(1, "fell over")


@contextmanager
def suspended_host(manual_clock: SettableClock, **terms: int) -> Iterator[PluginHost]:
    """A host with a plugin that has just been suspended for ten seconds."""
    moody.mood.cause = RuntimeError("bad mood")
    own = enabled(breaker={"faults": 2, **terms})
    with host_of({"moody": "plugins.moody"}, Settings(plugins={"moody": own}), clock=manual_clock) as host:
        assert [fault_of(host).kind for _ in range(3)] == ["raised", "raised", "suspended"]
        yield host


def fault_of(host: PluginHost) -> PluginFault:
    with pytest.raises(PluginFault) as caught:
        page(host)
    return caught.value


def page(host: PluginHost) -> object:
    calls = host.calls("moody")
    assert calls is not None
    return calls.commit_url(INSTALLATION, REPOSITORY, "abc")


def test_a_plugin_that_keeps_failing_is_not_called() -> None:
    """A suspended hook is not called; the fault has the begin, the end and the reason of the suspension."""
    with suspended_host(SettableClock()) as host:
        called = moody.mood.calls
        fault = fault_of(host)
        assert moody.mood.calls == called
        assert (fault.kind, fault.plugin, fault.hook, fault.retry_after) == ("suspended", "moody", "scm_commit_url", 10)
        assert str(fault).startswith(
            "plugin 'moody' (acme-moody), scm_commit_url: suspended since 2026-01-01T00:00:00Z "
            "after 2 faults in a row; next try at 2026-01-01T00:00:10Z; last fault: raised RuntimeError: bad mood ("
        )


def test_report_and_decision_have_the_suspension() -> None:
    """The report of the plugin and the decision about it name the suspended hook; its other hooks are called."""
    with suspended_host(SettableClock()) as host:
        report, switch = report_of(host, "moody"), host.decide("moody", ACME)
        assert (report.state, [item.hook for item in report.suspensions]) == ("suspended", ["scm_commit_url"])
        assert report.reason.startswith(
            "scm_commit_url is suspended since 2026-01-01T00:00:00Z after 2 faults in a row;"
        )
        assert "last fault: raised RuntimeError: bad mood" in report.reason
        assert (switch.on, "scm_commit_url is suspended since" in switch.reason) == (True, True)
        calls = host.calls("moody")
        assert calls is not None
        assert calls.install(calls.provider.install_form(), ACME).name == "moody"


def test_a_success_after_the_pause_resumes() -> None:
    """After the pause one probe is called; if it succeeds, the circuit is closed."""
    manual_clock = SettableClock()
    with suspended_host(manual_clock) as host:
        moody.mood.cause = None
        manual_clock.turn(10)
        with logged() as logs:
            assert page(host) == "https://moody.example/abc"
        assert [(entry["event"], entry["plugin"], entry["hook"]) for entry in logs] == [
            ("plugin resumed", "moody", "scm_commit_url")
        ]
        assert (report_of(host, "moody").state, host.suspensions) == ("ready", ())
        assert "suspended" not in host.decide("moody", ACME).reason


def test_a_failure_after_the_pause_doubles_it() -> None:
    """A probe that fails counts as a fault, and doubles the pause up to the longest."""
    manual_clock = SettableClock()
    with suspended_host(manual_clock, longest_pause_seconds=25) as host:
        waits = []
        with logged() as logs:
            for pause in (10, 20, 25):
                manual_clock.turn(pause)
                assert fault_of(host).kind == "raised"
                waits.append(fault_of(host).retry_after)
        assert waits == [20, 25, 25]
        assert [(entry["event"], entry.get("next_try")) for entry in logs] == [
            ("plugin fault", None),
            ("plugin suspended", "2026-01-01T00:00:30Z"),
            ("plugin fault", None),
            ("plugin suspended", "2026-01-01T00:00:55Z"),
            ("plugin fault", None),
            ("plugin suspended", "2026-01-01T00:01:20Z"),
        ]
        assert host.suspensions[0].since == START


def test_provider_error_is_no_fault() -> None:
    """Errors that the contract allows never suspend a hook."""
    breakers = CircuitBreaker(lambda _: TERMS, SettableClock())
    moody.mood.cause = moody.ON_PURPOSE
    with host_of({"moody": "plugins.moody"}) as host:
        for _ in range(20):
            with pytest.raises(type(moody.ON_PURPOSE)):
                page(host)
    assert (host.suspensions, breakers.suspensions()) == ((), ())


def test_probe_without_a_worker_has_failed() -> None:
    """A probe that finds no free worker ends, so that another probe follows after the pause."""
    manual_clock = SettableClock()
    breakers = CircuitBreaker(lambda _: TERMS, manual_clock)
    origin = Origin("forge", "acme-forge", "scm_commit_url")
    for _ in range(3):
        breakers.fault(origin, "hung", probe=breakers.enter(origin))
    manual_clock.turn(10)
    assert breakers.enter(origin) is True
    with pytest.raises(PluginFault, match="suspended"):
        breakers.enter(origin)
    breakers.fault(origin, "all lanes are taken", probe=True)
    manual_clock.turn(20)
    assert breakers.enter(origin) is True


def test_a_listener_that_is_suspended_is_logged_once() -> None:
    """A listener is suspended like any other hook, and the log has one line for that, not one for each event."""
    settings = Settings(plugins={"deaf": enabled(breaker={"faults": 2})})
    with host_of({"deaf": "plugins.hostile:deaf"}, settings, clock=SettableClock()) as host, logged() as logs:
        for _ in range(5):
            host.notify("scm_repository_saved", organization=ACME, repository=REPOSITORY)
    events = [entry["event"] for entry in logs]
    assert events == ["plugin fault", "plugin fault", "plugin suspended"]


def test_one_hook_suspends_no_other() -> None:
    """Each hook of each plugin has its own circuit, and a plugin that is loaded again starts with closed ones."""
    breakers = CircuitBreaker(lambda _: TERMS, SettableClock())
    for hook in ("scm_file_exists", "scm_install"):
        for _ in range(3):
            breakers.fault(Origin("forge", "acme-forge", hook), "hung", probe=False)
    breakers.fault(Origin("other", "acme-other", "scm_install"), "hung", probe=False)
    assert [item.hook for item in breakers.suspensions()] == ["scm_file_exists", "scm_install"]
    assert breakers.enter(Origin("forge", "acme-forge", "scm_source_url")) is False
    breakers.forget("forge")
    assert breakers.suspensions() == ()
    assert breakers.enter(Origin("forge", "acme-forge", "scm_install")) is False


def test_thresholds_of_the_plugin_override_those_of_the_host() -> None:
    """A key that the plugin's table leaves out has the host's value."""
    chosen = Settings.model_validate(
        {"host": {"breaker": {"faults": 7, "pause_seconds": 3}}, "plugins": {"forge": {"breaker": {"faults": 2}}}}
    )
    assert (chosen.breaker("forge").faults, chosen.breaker("forge").pause_seconds) == (2, 3)
    assert (chosen.breaker("other").faults, chosen.breaker("other").longest_pause_seconds) == (7, 300)
