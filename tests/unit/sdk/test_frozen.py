"""Values that hooks get are immutable."""

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import AddRequest, Claim, Installation, InstallationDraft, Repository
from scmhost.sdk.values import FrozenDict, FrozenList, frozen

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.thorough
@given(json_values)
def test_frozen_json_is_the_same_json(value: Any) -> None:
    """Frozen JSON is equal, and is printed, copied and pickled like the original."""
    held = frozen(value)
    assert held == value
    assert json.dumps(held) == json.dumps(value)
    assert repr(held) == repr(value)
    pickled = pickle.loads(pickle.dumps(held))  # noqa: S301 - pickled in this test
    for again in (copy.copy(held), copy.deepcopy(held), pickled):
        assert (again, type(again)) == (held, type(held))


def mutations() -> list[Callable[[Any], object]]:
    """Return all ways to change a dict or a list."""
    return [
        lambda it: it.__setitem__("a", 1),
        lambda it: it.__delitem__("a"),
        lambda it: it.clear(),
        lambda it: it.pop("a"),
        lambda it: it.popitem(),
        lambda it: it.setdefault("b", 1),
        lambda it: it.update(a=2),
        lambda it: it.__ior__({"b": 1}),
        lambda it: it["a"].__setitem__(0, 1),
        lambda it: it["a"].__delitem__(0),
        lambda it: it["a"].__iadd__([1]),
        lambda it: it["a"].__imul__(2),
        lambda it: it["a"].append(1),
        lambda it: it["a"].clear(),
        lambda it: it["a"].extend([1]),
        lambda it: it["a"].insert(0, 1),
        lambda it: it["a"].pop(),
        lambda it: it["a"].remove(1),
        lambda it: it["a"].reverse(),
        lambda it: it["a"].sort(),
    ]


@pytest.mark.parametrize("change", mutations())
def test_each_mutation_is_refused(change: Callable[[Any], object]) -> None:
    """Each method that would change the value raises an error with a hint."""
    held = frozen({"a": [1]})
    with pytest.raises(TypeError, match="frozen; return a new value instead"):
        change(held)
    assert held == {"a": [1]}


def test_all_mutating_methods_are_covered() -> None:
    """The mutating methods are those that tuple and mappingproxy do not have."""
    harmless = {"__getattribute__", "copy", "fromkeys", "__init__", "__reversed__", "__sizeof__"}
    assert set(vars(list)) - set(vars(tuple)) - harmless <= set(vars(FrozenList))
    assert set(vars(dict)) - set(vars(MappingProxyType)) - harmless <= set(vars(FrozenDict))


def test_values_of_the_contract_are_frozen_at_any_depth() -> None:
    """JSON in a value cannot be changed; the original JSON stays mutable and separate."""
    mine = {"hosts": ["a", {"b": 1}]}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    holders = [
        Installation(
            id=1, organization_id=1, provider="p", name="n", external_id="1", configuration=mine
        ).configuration,
        Installation(id=1, organization_id=1, provider="p", name="n", external_id="1", metadata=mine).metadata,
        Repository(id=1, organization_id=1, name="n", created_at=moment, configuration=mine).configuration,
        InstallationDraft(name="n", external_id="1", configuration=mine).configuration,
        AddRequest(identifier="1", fields=mine).fields,
        Claim(configuration=mine).configuration,
        InstallationDraft(name="n", external_id="1").metadata,
    ]
    for held in holders:
        assert held is not None
        with pytest.raises(TypeError):
            held["more"] = 1
    with pytest.raises(TypeError):
        holders[0]["hosts"][1]["b"] = 2  # type: ignore[index, call-overload]
    mine["hosts"].append("mine")
    assert holders[0] == {"hosts": ["a", {"b": 1}]}


def test_frozen_values_are_serialized() -> None:
    """A value with frozen JSON is dumped and validated like any other."""
    draft = InstallationDraft(name="n", external_id="1", configuration={"a": [1, {"b": None}]})
    assert InstallationDraft.model_validate(draft) == draft
    assert InstallationDraft.model_validate_json(draft.model_dump_json()) == draft
    assert draft.model_dump()["configuration"] == {"a": [1, {"b": None}]}
    with pytest.raises(ValidationError):
        InstallationDraft.model_validate({"name": "n", "external_id": "1", "configuration": {"a": object()}})
