"""The answers as flags of OpenFeature, on a domain of their own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from hosting import ACME, GOOD, enabled, host_of
from scmhost.plugins import PluginHost, Settings
from scmhost.plugins.flag_seat import context_of
from scmhost.sdk import Organization

TABLES = st.fixed_dictionaries(
    {"default": st.booleans(), "kill": st.booleans()},
    optional={
        "allow": st.just({"organizations": [1, "o2"]}),
        "deny": st.just({"organizations": ["o1", 3]}),
        "rollout": st.fixed_dictionaries({"percent": st.sampled_from([0, 12.5, 50, 100])}),
    },
)


def asked(host: PluginHost, organization: Organization, flag: str = "plugins.good_forge", default: Any = None) -> Any:
    """The details of a flag."""
    client = api.get_client(host.flags_domain)
    return client.get_boolean_details(flag, default, context_of("good_forge", organization, 0))


@given(table=TABLES, ids=st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
def test_openfeature_answers_as_the_switchboard_does(table: dict[str, Any], ids: list[int]) -> None:
    """Whoever asks through OpenFeature gets the same answer, for the same reason, from the same line."""
    with host_of({"good_forge": GOOD}, Settings(plugins={"good_forge": enabled(**table)})) as host:
        for organization in (Organization(id=id_, slug=f"o{id_}", name="O") for id_ in ids):
            switch, details = host.decide("good_forge", organization), asked(host, organization)
            told = {"rule": switch.rule, "told": switch.reason, "source": switch.source, "generation": 1}
            assert (details.value, details.flag_metadata, details.error_code) == (switch.on, told, None)


def test_application_keeps_its_own_provider() -> None:
    """An application that embeds a host, and has flags of its own, is not disturbed; nor is the host by it."""
    own = InMemoryProvider({"dark": InMemoryFlag("on", {"on": True})})
    api.set_provider_and_wait(own)
    try:
        with host_of({"good_forge": GOOD}) as host:
            assert api.get_client().get_boolean_value("dark", default_value=False) is True
            assert asked(host, ACME).value is True
    finally:
        api.clear_providers()
    with host_of({"good_forge": GOOD}) as host:
        assert asked(host, ACME).value is True


def test_two_hosts_in_a_process_answer_each_for_itself() -> None:
    """Each host has a domain of its own; a domain is free again when its host is closed."""
    off = Settings(plugins={"good_forge": enabled(default=False)})
    with host_of({"good_forge": GOOD}) as one, host_of({"good_forge": GOOD}, off) as other:
        assert one.flags_domain != other.flags_domain
        assert [asked(host, ACME).value for host in (one, other)] == [True, False]
    details = asked(one, ACME, default=True)
    assert (details.value, details.error_code) == (True, ErrorCode.PROVIDER_NOT_READY)
    with host_of({"good_forge": GOOD}) as third:
        assert third.flags_domain in (one.flags_domain, other.flags_domain)


@pytest.mark.parametrize(
    ("flag", "context", "code"),
    [
        ("plugins.nothing", context_of("x", ACME, 0), ErrorCode.FLAG_NOT_FOUND),
        ("good_forge", context_of("x", ACME, 0), ErrorCode.FLAG_NOT_FOUND),
        ("plugins.good_forge", EvaluationContext(), ErrorCode.TARGETING_KEY_MISSING),
        ("plugins.good_forge", EvaluationContext("x", {"organization_id": 1}), ErrorCode.INVALID_CONTEXT),
        (
            "plugins.good_forge",
            EvaluationContext("x", {"organization_id": True, "organization_slug": "a"}),
            ErrorCode.INVALID_CONTEXT,
        ),
    ],
)
def test_question_without_an_answer_is_an_error(flag: str, context: EvaluationContext, code: ErrorCode) -> None:
    """A flag that is none, and an organization that is not told, give the caller's default and say what is missing."""
    with host_of({"good_forge": GOOD}) as host:
        details = api.get_client(host.flags_domain).get_boolean_details(
            flag, default_value=True, evaluation_context=context
        )
    assert (details.value, details.error_code) == (True, code)


def test_flags_are_booleans() -> None:
    """Any other type is refused, so that a typo in a caller shows."""
    context = context_of("good_forge", ACME, 0)
    with host_of({"good_forge": GOOD}) as host:
        client = api.get_client(host.flags_domain)
        found = [
            client.get_string_details("plugins.good_forge", "", context),
            client.get_integer_details("plugins.good_forge", 0, context),
            client.get_float_details("plugins.good_forge", 0.0, context),
            client.get_object_details("plugins.good_forge", {}, context),
        ]
    assert {details.error_code for details in found} == {ErrorCode.TYPE_MISMATCH}
