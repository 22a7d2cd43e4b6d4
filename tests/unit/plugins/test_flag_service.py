"""Another flag service beside the file: when it counts, and what stands when it does not answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from hosting import ACME, GOOD, enabled, host_of
from plugins import flag_services
from scmhost.plugins import ConfigError, PluginHost, Settings, read_settings
from scmhost.plugins.flag_service import FlagService
from scmhost.plugins.flagd_export import as_flagd
from scmhost.plugins.guard import Guard
from scmhost.plugins.rollout import bucket
from scmhost.plugins.schema import FlagsProvider, Source
from scmhost.plugins.switches import Question, Switch
from scmhost.sdk import Organization

FLAG = "plugins.good_forge"
FLAGD = "openfeature.contrib.provider.flagd:FlagdProvider"


@pytest.fixture(autouse=True)
def _release() -> Iterator[None]:
    flag_services.made.clear()
    flag_services.released.clear()
    yield
    flag_services.released.set()


def settings_with(provider: str, table: dict[str, Any] | None = None, **more: Any) -> Settings:
    """Settings with a flag service and one plugin."""
    service = FlagsProvider(provider=f"plugins.flag_services:{provider}", **more)
    return Settings(plugins={"good_forge": enabled(**(table or {}))}, flags_provider=service)


def asked(settings: Settings) -> tuple[PluginHost, Switch]:
    """A host that was asked about the organization."""
    with host_of({"good_forge": GOOD}, settings) as host:
        return host, host.decide("good_forge", ACME)


def test_service_decides_before_the_file() -> None:
    """A real answer counts, whatever the file says of organizations, and the reason names who gave it."""
    _, switch = asked(settings_with("Service", {"deny": {"organizations": ["acme"]}}, settings={"flags": {FLAG: True}}))
    assert (switch.on, switch.rule) == (True, "flags_provider")
    assert switch.reason == "flags provider plugins.flag_services:Service says on (STATIC, variant v1)"


def test_service_is_told_who_asks_and_what_the_file_says() -> None:
    """The organization, the plugin, our bucket and the file's answer go along."""
    table = {"rollout": {"percent": 100, "salt": "pilot"}}
    asked(settings_with("Service", table, settings={"flags": {FLAG: False}}))
    flag, default, context = flag_services.made[0].asked[0]
    assert (flag, default, context.targeting_key) == (FLAG, True, "org:1")
    told = {"organization_id": 1, "organization_slug": "acme", "plugin": "good_forge", "bucket": bucket("pilot", 1)}
    assert context.attributes == told


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"plugins_off": frozenset({"good_forge"})}, "environment"), ({}, "kill")],
)
def test_off_is_ours(changes: dict[str, Any], rule: str) -> None:
    """What the environment or kill switches off stays off; the service is not even asked."""
    table = {"kill": True} if rule == "kill" else {}
    settings = settings_with("Service", table, settings={"flags": {FLAG: True}}).model_copy(update=changes)
    _, switch = asked(settings)
    assert (switch.on, switch.rule, flag_services.made[0].asked) == (False, rule, [])


def test_safe_mode_loads_no_service() -> None:
    """With * in the environment no foreign code is imported, that of a flag service neither."""
    asked(settings_with("Service").model_copy(update={"plugins_off": frozenset({"*"})}))
    assert flag_services.made == []


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("Service", f"it has no flag {FLAG}"),
        ("Raising", "GENERAL: the service is down"),
        # The SDK's own clean-up fails over it, and hides what it was.
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
def test_files_answer_stands(provider: str, said: str, default: bool) -> None:
    """A service that does not answer changes nothing: the file's answer stands, and the reason says what is wrong."""
    with capture_logs():
        _, switch = asked(settings_with(provider, {"default": default}, timeout=0.05))
    assert (switch.on, switch.rule) == (default, "default")
    assert "no rule names the organization" in switch.reason
    assert said in switch.reason


def test_fault_is_logged_once() -> None:
    """A service that is down fills no log."""
    settings = settings_with("Raising")
    with capture_logs() as logs, host_of({"good_forge": GOOD}, settings) as host:
        for number in range(1, 20):
            host.decide("good_forge", Organization(id=number, slug=f"o{number}", name="O"))
    assert [line["event"] for line in logs] == ["flags provider fault"]


def test_service_that_hangs_is_left_alone_for_a_while() -> None:
    """The first request waits for the timeout, those behind it do not; later the service gets another chance."""
    table = FlagsProvider(provider="plugins.flag_services:Hanging", timeout=0.05)
    now, guard = [0.0], Guard()
    service = FlagService(table, guard, "tests.hanging", clock=lambda: now[0])
    hanging = flag_services.Hanging()
    service._start(hanging)
    answer = Switch(on=True, reason="default", source="file")
    with capture_logs():
        for number, moment in enumerate((0.0, 1.0, 2.0, 6.0)):
            now[0] = moment
            question = Question("x", Organization(id=number + 1, slug=f"o{number}", name="O"))
            assert service.ask(question, 0, answer).on is True
    assert len(hanging.asked) == 2
    service.close()
    guard.close()


def test_answers_are_kept_for_a_moment() -> None:
    """A second is no long time for a flag, and a long one for a page of links."""
    now, guard = [0.0], Guard()
    service = FlagService(FlagsProvider(provider="x:y"), guard, "tests.kept", clock=lambda: now[0])
    provider = flag_services.Service({"plugins.x": True})
    service._start(provider)
    question, answer = Question("x", ACME), Switch(on=False, reason="default", source="file")
    assert [service.ask(question, 0, answer).on for _ in range(3)] == [True] * 3
    assert len(provider.asked) == 1
    provider.flags = {"plugins.x": False}
    now[0] = 1.5
    assert service.ask(question, 0, answer).on is False
    provider.change({"plugins.x": True})
    assert service.ask(question, 0, answer).on is True
    service.close()
    assert provider.ended.wait(5)
    guard.close()


def test_named_entry_point_that_is_not_there(tmp_path: Path) -> None:
    """A name that no distribution offers is told with its line and with what may be written instead."""
    path = tmp_path / "plugins.toml"
    path.write_text('schema = 1\n[flags_provider]\nprovider = "flagd"\n', encoding="utf-8")
    settings = read_settings(path, {})
    guard = Guard()
    assert settings.flags_provider is not None
    with pytest.raises(
        ConfigError, match=r"plugins\.toml:3: flags_provider\.provider: no entry points .*module:object"
    ):
        FlagService.open(settings.flags_provider, settings.source, guard, "tests.none")
    guard.close()


def test_entry_point_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution may offer a provider by name."""
    info = tmp_path / "acme_flags-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-flags\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[scmhost.flags]\nacme = plugins.flag_services:Service\n")
    monkeypatch.syspath_prepend(tmp_path)
    guard = Guard()
    service = FlagService.open(FlagsProvider(provider="acme"), Source(), guard, "tests.named")
    assert len(flag_services.made) == 1
    service.close()
    guard.close()


def test_flagd_keeps_the_same_organizations_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that are exported to flagd mean the same 20,000 times over."""
    rules = {
        "default": False,
        "deny": {"organizations": [13, "o14"]},
        "allow": {"organizations": ["o42", 4711]},
        "rollout": {"percent": 12.5, "salt": "pilot-2026"},
    }
    own = Settings(plugins={"good_forge": enabled(**rules)})
    flags = tmp_path / "flags.json"
    flags.write_text(json.dumps(as_flagd(own)), encoding="utf-8")
    monkeypatch.setenv("FLAGD_RESOLVER", "file")
    # What would hide a difference: the file's own rules say no to everybody.
    bare = Settings(
        plugins={"good_forge": enabled(default=False, rollout={"percent": 0, "salt": "pilot-2026"})},
        flags_provider=FlagsProvider(provider=FLAGD, timeout=5, settings={"offline_flag_source_path": str(flags)}),
    )
    organizations = [Organization(id=number, slug=f"o{number}", name="O") for number in range(1, 20_001)]
    with host_of({"good_forge": GOOD}, own) as ours, host_of({"good_forge": GOOD}, bare) as theirs:
        answers = [(ours.decide("good_forge", each), theirs.decide("good_forge", each)) for each in organizations]
    assert {other.rule for _, other in answers} == {"flags_provider"}
    assert [one for one, other in answers if one.on is not other.on] == []
    assert 2_300 < sum(one.on for one, _ in answers) < 2_700


def test_export_says_default_without_rules() -> None:
    """A plugin without rules is a flag without targeting."""
    document = as_flagd(Settings(plugins={"forge": enabled(default=True)}))
    assert document["flags"] == {
        "plugins.forge": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
    }
