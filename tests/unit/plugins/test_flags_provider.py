"""A flags provider beside the file: when it decides, and when the file's decision applies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hosting import ACME, GOOD, enabled, host_of, logged
from plugins import flag_services
from scmhost.plugins import ConfigError, PluginHost, Settings, read_settings
from scmhost.plugins.config.schema import FlagsProvider, Source
from scmhost.plugins.flag_rules import FlagDecision, Question, bucket
from scmhost.plugins.flags_provider import FlagService
from scmhost.plugins.isolation.guard import Guard
from scmhost.sdk import Organization

FLAG = "plugins.good_forge"
pytestmark = pytest.mark.usefixtures("flag_entry_points")


@pytest.fixture(autouse=True)
def _release() -> Iterator[None]:
    flag_services.made.clear()
    flag_services.released.clear()
    yield
    flag_services.released.set()


def settings_with(provider: str, table: dict[str, Any] | None = None, **more: Any) -> Settings:
    """Settings with a flag service and one plugin."""
    service = FlagsProvider(provider=provider, **more)
    return Settings(plugins={"good_forge": enabled(**(table or {}))}, flags_provider=service)


def decided(settings: Settings) -> tuple[PluginHost, FlagDecision]:
    """A host, and its decision for the organization."""
    with host_of({"good_forge": GOOD}, settings) as host:
        return host, host.decide("good_forge", ACME)


def test_service_decides_before_the_file() -> None:
    """A result of the provider overrides the file's rules, and the reason names the provider."""
    _, decision = decided(
        settings_with("Service", {"deny": {"organizations": ["acme"]}}, settings={"flags": {FLAG: True}})
    )
    assert (decision.on, decision.rule) == (True, "flags_provider")
    assert decision.reason == "flags provider Service returned on (STATIC, variant v1)"


def test_evaluation_has_the_context_and_the_default() -> None:
    """The context has the organization, the plugin and the bucket; the default is the file's decision."""
    table = {"rollout": {"percent": 100, "salt": "pilot"}}
    decided(settings_with("Service", table, settings={"flags": {FLAG: False}}))
    flag, default, context = flag_services.made[0].evaluations[0]
    assert (flag, default, context.targeting_key) == (FLAG, True, "org:1")
    attributes = {
        "organization_id": 1,
        "organization_slug": "acme",
        "plugin": "good_forge",
        "bucket": bucket("pilot", 1),
    }
    assert context.attributes == attributes


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"plugins_off": frozenset({"good_forge"})}, "environment"), ({}, "kill")],
)
def test_firm_rules_are_not_overridden(changes: dict[str, Any], rule: str) -> None:
    """A plugin that the environment or kill turns off stays off; the provider is not called."""
    table = {"kill": True} if rule == "kill" else {}
    settings = settings_with("Service", table, settings={"flags": {FLAG: True}}).model_copy(update=changes)
    _, decision = decided(settings)
    assert (decision.on, decision.rule, flag_services.made[0].evaluations) == (False, rule, [])


def test_safe_mode_loads_no_service() -> None:
    """With * in the environment no foreign code is imported, also not that of a flags provider."""
    decided(settings_with("Service").model_copy(update={"plugins_off": frozenset({"*"})}))
    assert flag_services.made == []


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("Service", f"it has no flag {FLAG}"),
        ("Raising", "GENERAL: the service is down"),
        # The clean-up of the SDK fails after the exit, and its error replaces the exit.
        ("Exiting", "raised UnboundLocalError"),
        ("Hanging", "did not come back within its budget of 0.05 s"),
        ("Rubbish", "TYPE_MISMATCH"),
        ("Nothing", "GENERAL"),
        ("NeverReady", "GENERAL: nobody is there"),
        ("NoProvider", "gives 'NoProvider'"),
        ("broken", "raised OSError: no such file"),
        ("missing", "has no attribute 'missing'"),
    ],
)
@pytest.mark.parametrize("default", [True, False])
def test_decision_of_the_file_applies_without_a_result(provider: str, message: str, default: bool) -> None:
    """If the provider has no result, the file's decision applies, and the reason has the fault."""
    with logged():
        _, decision = decided(settings_with(provider, {"default": default}, timeout=0.05))
    assert (decision.on, decision.rule) == (default, "default")
    assert "no rule names the organization" in decision.reason
    assert message in decision.reason


def test_fault_is_logged_once() -> None:
    """Equal faults have one line in the log."""
    settings = settings_with("Raising", timeout=5.0)
    with logged() as logs, host_of({"good_forge": GOOD}, settings) as host:
        for number in range(1, 20):
            host.decide("good_forge", Organization(id=number, slug=f"o{number}", name="O"))
    assert [line["event"] for line in logs] == ["flags provider fault"]


def test_provider_that_hangs_is_not_called_for_a_while() -> None:
    """The first request waits for the timeout, later ones do not, until the pause is over."""
    table = FlagsProvider(provider="Hanging", timeout=0.05)
    now, guard = [0.0], Guard()
    service = FlagService(table, guard, clock=lambda: now[0])
    hanging = flag_services.Hanging()
    service.start(hanging)
    answer = FlagDecision(on=True, reason="default", source="file")
    with logged():
        for number, moment in enumerate((0.0, 1.0, 2.0, 6.0)):
            now[0] = moment
            question = Question("x", Organization(id=number + 1, slug=f"o{number}", name="O"))
            assert service.evaluate(question, 0, answer).on is True
    assert len(hanging.evaluations) == 2
    service.close()
    guard.close()


def test_answers_are_kept_for_a_moment() -> None:
    """A result is cached for a second, and dropped when the provider announces a change."""
    now, guard = [0.0], Guard()
    service = FlagService(FlagsProvider(provider="x:y"), guard, clock=lambda: now[0])
    provider = flag_services.Service({"plugins.x": True})
    service.start(provider)
    question, answer = Question("x", ACME), FlagDecision(on=False, reason="default", source="file")
    assert [service.evaluate(question, 0, answer).on for _ in range(3)] == [True] * 3
    assert len(provider.evaluations) == 1
    provider.flags = {"plugins.x": False}
    now[0] = 1.5
    assert service.evaluate(question, 0, answer).on is False
    provider.change({"plugins.x": True})
    assert service.evaluate(question, 0, answer).on is True
    service.close()
    assert provider.ended.wait(5)
    guard.close()


def test_named_entry_point_that_is_not_there(tmp_path: Path) -> None:
    """The error has the line, and what may be written instead."""
    path = tmp_path / "plugins.toml"
    path.write_text('schema = 1\n[flags_provider]\nprovider = "flagd"\n', encoding="utf-8")
    settings = read_settings(path, {})
    guard = Guard()
    assert settings.flags_provider is not None
    with pytest.raises(
        ConfigError, match=r"plugins\.toml:3: flags_provider\.provider: no entry points .*install its distribution"
    ):
        FlagService.open(settings.flags_provider, settings.source, guard)
    guard.close()


@pytest.mark.parametrize("provider", ["os:system", "plugins.flag_services:Service", "os", "", ":", "Service [x]"])
def test_only_entry_points_are_loaded(provider: str) -> None:
    """A file cannot name a callable of its own choice."""
    guard = Guard()
    table = FlagsProvider.model_construct(provider=provider, timeout=0.25, settings={"command": "x"})
    with pytest.raises(ConfigError, match="no entry points of the group"):
        FlagService.open(table, Source(), guard)
    assert flag_services.made == []
    guard.close()


def test_entry_point_by_name() -> None:
    """A distribution may offer a provider by name."""
    guard = Guard()
    service = FlagService.open(FlagsProvider(provider="Service"), Source(), guard)
    assert len(flag_services.made) == 1
    service.close()
    guard.close()


def test_cache_of_answers_is_bounded() -> None:
    """However many organizations there are, a fixed number of answers is cached."""
    guard = Guard()
    service = FlagService(FlagsProvider(provider="x:y"), guard, clock=lambda: 0.0, max_cached=10)
    service.start(flag_services.Service({"plugins.x": True}))
    answer = FlagDecision(on=False, reason="default", source="file")
    for number in range(1, 101):
        assert service.evaluate(Question("x", Organization(id=number, slug="o", name="O")), 0, answer).on is True
    assert len(service._cached) == 10
    service.close()
    guard.close()


def test_answer_of_an_old_generation_is_not_used() -> None:
    """After a change of the file the provider is evaluated again, with the new default."""
    guard = Guard()
    service = FlagService(FlagsProvider(provider="x:y"), guard, clock=lambda: 0.0)
    provider = flag_services.Service({"plugins.x": True})
    service.start(provider)
    for generation in (1, 1, 2):
        answer = FlagDecision(on=False, reason="default", source="file", generation=generation)
        assert service.evaluate(Question("x", ACME), 0, answer).generation == generation
    assert len(provider.evaluations) == 2
    service.close()
    guard.close()


def test_many_different_faults_fill_no_memory() -> None:
    """A provider whose faults are all different is logged, and the faults are forgotten in turn."""
    guard = Guard()
    service = FlagService(FlagsProvider(provider="x:y"), guard, clock=lambda: 0.0)
    with logged() as lines:
        for number in range(1_000):
            service._log(f"fault {number}")
    assert (len(lines), len(service._logged)) == (1_000, 200)
    service.close()
    guard.close()


def test_two_hosts_do_not_share_a_provider() -> None:
    """Each service has a domain of OpenFeature of its own, which is used again after it was closed."""
    guard = Guard()
    one, two = (FlagService(FlagsProvider(provider="x:y"), guard) for _ in range(2))
    assert one._domain != two._domain
    one.close()
    one.close()
    three = FlagService(FlagsProvider(provider="x:y"), guard)
    assert three._domain == one._domain
    for service in (two, three):
        service.close()
    guard.close()
