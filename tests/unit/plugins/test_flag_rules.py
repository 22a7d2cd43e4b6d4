"""Which rule decides whether a provider is on."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting import ACME
from scmhost.plugins.config.schema import PluginSettings, Settings, Source
from scmhost.plugins.flag_rules import Question, decide

# What makes each rule apply, in the order of precedence, and its answer.
RULES: Final[tuple[tuple[str, dict[str, Any], bool, str], ...]] = (
    ("environment", {}, False, "environment"),
    ("kill", {"kill": True}, False, "kill"),
    ("enabled", {"enabled": False}, False, "enabled"),
    ("unusable", {}, False, "cannot be imported"),
    ("deny", {"deny": {"organizations": [ACME.slug]}}, False, "deny names"),
    ("allow", {"allow": {"organizations": [ACME.id]}}, True, "allow names"),
    ("rollout", {"rollout": {"percent": 0}}, False, "rollout"),
)
NAMES: Final = [name for name, *_ in RULES]


def rules_input(rules: set[str], *, requires_flag: bool = True, **more: Any) -> tuple[Settings, Question]:
    """Settings and a question to which these rules apply."""
    table: dict[str, Any] = {"enabled": True, **more}
    for name, keys, *_ in RULES:
        table |= keys if name in rules else {}
    off = frozenset({"forge"}) if "environment" in rules else frozenset()
    settings = Settings(plugins={"forge": PluginSettings.model_validate(table)}, plugins_off=off)
    unusable = "cannot be imported" if "unusable" in rules else None
    return settings, Question("forge", ACME, requires_flag, unusable)


@given(rules=st.sets(st.sampled_from(NAMES), min_size=1), default=st.booleans())
def test_first_rule_that_applies_answers(rules: set[str], default: bool) -> None:
    """Of several rules that apply, the one with the highest precedence decides."""
    _, _, on, reason = next(rule for rule in RULES if rule[0] in rules)
    decision = decide(*rules_input(rules, default=default))
    assert (decision.on, reason in decision.reason) == (on, True)


@pytest.mark.parametrize("default", [True, False])
def test_default_answers_last(default: bool) -> None:
    """An organization that no rule names gets the default."""
    decision = decide(*rules_input(set(), default=default))
    assert (decision.on, decision.reason) == (
        default,
        f"no rule names the organization; default is {str(default).lower()}",
    )


@given(rules=st.sets(st.sampled_from(NAMES)))
def test_provider_without_flag_is_on_unless_refused(rules: set[str]) -> None:
    """A provider that needs no flag is on, except for the environment, kill, a fault and deny."""
    refusing = rules & {"environment", "kill", "enabled", "unusable", "deny"}
    assert decide(*rules_input(rules, requires_flag=False)).on is not bool(refusing)


def test_star_switches_all_off() -> None:
    """A star in the environment turns every plugin off, whether the file names it or not."""
    settings = Settings(plugins_off=frozenset({"*"}))
    assert "environment" in decide(settings, Question("anything", ACME)).reason


def test_decision_has_its_source() -> None:
    """The source is the file and line of the rule, or the environment."""
    source = Source("plugins.toml", {("plugins",): 3, ("plugins", "forge"): 3, ("plugins", "forge", "kill"): 5})
    settings, question = rules_input({"kill"})
    killed = decide(settings.model_copy(update={"source": source}), question)
    off = decide(*rules_input({"environment"}))
    assert (killed.source, off.source) == ("plugins.toml:5", "environment SCMHOST_PLUGINS_OFF")


def test_unnamed_plugin_has_no_line() -> None:
    """The source of a plugin that the file does not name is the file alone."""
    settings = Settings(source=Source("plugins.toml", {("plugins",): 3, ("plugins", "other"): 3}))
    assert decide(settings, Question("forge", ACME)).source == "plugins.toml"


def test_rollout_without_salt_takes_the_name() -> None:
    """Without a salt the plugin's name is the salt, so that two plugins do not pick the same organizations."""
    settings, question = rules_input(set(), rollout={"percent": 50})
    assert "bucket 37957 of 100000" in decide(settings, question).reason
