"""The values that the conformance suite generates."""

import json
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins import good_forge
from scmhost.sdk import HOOK_SPECS, Location, Repository, ref_problem
from scmhost.sdk.testing import Samples
from scmhost.sdk.testing import strategies as suite
from scmhost.sdk.testing.checks import NothingToCheck, Violation
from scmhost.sdk.testing.plugin_under_test import PluginUnderTest
from scmhost.sdk.validation import ARGUMENTS


@cache
def plugin() -> PluginUnderTest:
    """Return a correct plugin."""
    return PluginUnderTest(Samples(plugin=good_forge))


@given(suite.file_paths)
def test_paths_can_be_those_of_a_repository(path: str) -> None:
    """No segment is empty or a dot segment, and there is no control character."""
    assert not {"", ".", ".."} & set(path.split("/"))
    assert path.encode()
    assert "\x00" not in path


@given(suite.dotted_paths)
def test_dotted_paths_have_a_dot_segment(path: str) -> None:
    """Each such path may leave the repository."""
    assert {".", ".."} & set(path.split("/"))


@given(suite.branches)
def test_branches_are_names_that_git_accepts(ref: str) -> None:
    """A plugin may refuse what git refuses, so that the suite does not require links for it."""
    assert ref_problem(ref) is None


@given(suite.shas, suite.lines, suite.names)
def test_ids_lines_and_names_are_within_the_limits(sha: str, line: int, name: str) -> None:
    """Generated values are valid values of the contract."""
    assert len(sha) == 40
    assert set(sha) <= set("0123456789abcdef")
    assert 1 <= line <= 10_000_000
    assert 1 <= len(name) <= 200


@given(suite.locations())
def test_locations_have_ranges_in_order(location: Location) -> None:
    """The last line comes after the first one, and there is none without a first one."""
    assert location.end_line is None or (location.line is not None and location.end_line > location.line)
    assert Location.model_validate_json(location.model_dump_json()) == location


@given(suite.locations(lined=False))
def test_locations_may_have_no_lines(location: Location) -> None:
    """Some checks compare the pages of whole files."""
    assert (location.line, location.end_line) == (None, None)


def test_difficult_locations_have_one_difficulty_each() -> None:
    """The path or the ref has a character with a meaning in URLs, so that a violation names it."""
    assert len(suite.difficult_locations) > 10
    for location in suite.difficult_locations:
        assert location.ref == "main" or location.path == "a.py"
        assert ref_problem(location.ref) is None


@given(suite.headers)
def test_header_names_are_lower_case(headers: dict[str, str]) -> None:
    """The host passes names in lower case."""
    assert all(name == name.lower() for name in headers)


@given(suite.bodies)
def test_bodies_are_bytes_of_any_kind(body: bytes) -> None:
    """A body is raw bytes: JSON, another format, or none."""
    assert isinstance(body, bytes)


@given(st.data())
def test_repositories_have_distinct_names(data: st.DataObject) -> None:
    """Names differ without regard to case, as the host guarantees."""
    drawn = data.draw(suite.repositories(plugin()))
    assert len({one.name.casefold() for one in drawn}) == len({one.id for one in drawn}) == len(drawn)
    assert all(one.unclaimed for one in drawn)


@given(st.data())
def test_a_claimed_repository_keeps_its_owner(data: st.DataObject) -> None:
    """Users change names and URLs; provider and installation stay."""
    drawn = data.draw(suite.claimed(plugin()))
    sample = plugin().repository
    assert (drawn.id, drawn.provider, drawn.installation_id) == (sample.id, sample.provider, sample.installation_id)
    assert isinstance(drawn, Repository)


@pytest.mark.parametrize("hook", HOOK_SPECS)
def test_each_hook_gets_all_its_arguments(hook: str) -> None:
    """For every hook of the contract there are values."""

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(suite.arguments(plugin(), hook))
    def drawn(arguments: dict[str, object]) -> None:
        assert set(arguments) == set(ARGUMENTS[hook])

    drawn()


def test_a_payload_is_json() -> None:
    """The payload is what the host would send."""
    payload = suite.payload(plugin())
    assert json.loads(json.dumps(payload)) == payload
    assert payload["provider"] == {"id": "integrations:good_forge", "name": "Good Forge"}


def test_given_values_are_tested_before_generated_ones() -> None:
    """A known difficulty is reported as it is, and not after a search."""
    seen: list[int] = []
    suite.for_all(st.integers(), seen.append, 3, first=(100, 200))
    assert seen[:2] == [100, 200]
    assert len(seen) == 5


@pytest.mark.parametrize(("first", "limit", "checked"), [((), 1_000, True), ((7,), 8, True), ((), -1, False)])
def test_a_check_may_find_nothing_to_check(first: tuple[int, ...], limit: int, checked: bool) -> None:
    """One value with something to check is enough, given or generated."""

    def test(number: int) -> bool:
        return number < limit

    run = partial(suite.for_all, st.integers(0, 100), test, 20, first, nothing="no small number")
    if checked:
        run()
    else:
        with pytest.raises(NothingToCheck, match="no small number"):
            run()


def test_the_same_values_are_generated_each_time() -> None:
    """A check has the same result in each run."""
    runs: list[list[int]] = [[], []]
    for seen in runs:
        suite.for_all(st.integers(), seen.append, 20)
    assert runs[0] == runs[1]


def test_a_violation_has_the_smallest_input() -> None:
    """The input of the reported violation is reduced."""

    def test(number: int) -> None:
        if number > 6:
            raise Violation(f"{number} is too much")

    with pytest.raises(Violation, match=r"^7 is too much(\n|$)"):
        suite.for_all(st.integers(0, 1_000), test, 200)


def test_a_violation_that_occurs_only_sometimes_is_reported() -> None:
    """A plugin that is wrong only once is reported with that violation."""
    calls: list[int] = []

    def test(number: int) -> None:
        calls.append(number)
        if len(calls) == 3:
            raise Violation("once")

    with pytest.raises(Violation, match="once"):
        suite.for_all(st.integers(0, 10), test, 20)
