"""The values of the contract: their limits, their defaults and their JSON."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scmhost.sdk import (
    AddRequest,
    Claim,
    Command,
    CommitDraft,
    Create,
    Decision,
    Existence,
    FileChange,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Organization,
    PagePosition,
    Push,
    Reason,
    Refusal,
    Repository,
    RepositoryStatus,
    RepositoryUpdate,
    ResolvedRef,
    Value,
)
from scmhost.sdk.values import FrozenDict, FrozenList, frozen

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"

# The required fields of each value, with valid contents.
REQUIRED: dict[type[Value], dict[str, Any]] = {
    Organization: {"id": 1, "slug": "acme", "name": "Acme"},
    Installation: {"id": 1, "organization_id": 1, "provider": "p", "name": "n", "external_id": "1"},
    Repository: {"id": 1, "organization_id": 1, "name": "team/app", "created_at": MOMENT},
    InstallationDraft: {"name": "n", "external_id": "1"},
    Offer: {"identifier": "1", "name": "team/app"},
    OfferPage: {"offers": []},
    RepositoryUpdate: {"repository_id": 1},
    AddRequest: {"identifier": "team/app"},
    Claim: {},
    Create: {"name": "team/app", "external_id": "1"},
    Refusal: {"reason": "not_found", "message": "There is none."},
    Location: {"ref": "main", "ref_kind": "branch", "path": "src/app.py"},
    PagePosition: {"path": "src/app.py"},
    LocationCandidate: {"repository_id": 1, "location": Location(ref="main", ref_kind="branch", path="a")},
    ResolvedRef: {"name": "main", "kind": "branch", "sha": SHA},
    NoUrl: {},
    FileChange: {"path": "src/app.py", "type": "M"},
    CommitDraft: {"sha": SHA},
    Push: {"repository": "team/app"},
    Command: {"name": "hello", "summary": "Greet.", "run": print},
}
each_value = pytest.mark.parametrize("kind", REQUIRED, ids=lambda kind: kind.__name__)
WITHOUT_FUNCTIONS = [kind for kind in REQUIRED if kind is not Command]


def field_of(error: ValidationError) -> str:
    """Return the first wrong field."""
    return ".".join(map(str, error.errors()[0]["loc"]))


@each_value
def test_the_required_fields_are_enough(kind: type[Value]) -> None:
    """Every other field has a default."""
    assert kind.model_validate(REQUIRED[kind]).model_fields_set == set(REQUIRED[kind])


@each_value
def test_each_required_field_is_required(kind: type[Value]) -> None:
    """A missing field is named."""
    for name in REQUIRED[kind]:
        with pytest.raises(ValidationError) as caught:
            kind.model_validate({key: value for key, value in REQUIRED[kind].items() if key != name})
        assert (field_of(caught.value), caught.value.errors()[0]["type"]) == (name, "missing")


@pytest.mark.parametrize("half", [{"ref": "main"}, {"ref_kind": "branch"}])
def test_a_location_has_a_ref_with_its_kind_or_neither(half: dict[str, Any]) -> None:
    """Half of it is a mistake; a page without a revision has neither."""
    with pytest.raises(ValidationError, match="or neither for a page without a revision"):
        PagePosition.model_validate({"path": "src/app.py", **half})


@each_value
def test_an_unknown_field_is_refused(kind: type[Value]) -> None:
    """A misspelled field is an error and is not dropped."""
    with pytest.raises(ValidationError) as caught:
        kind.model_validate({**REQUIRED[kind], "colour": "red"})
    assert caught.value.errors()[0]["type"] == "extra_forbidden"


@each_value
def test_a_field_cannot_be_assigned(kind: type[Value]) -> None:
    """A hook cannot change a value that other hooks get too."""
    value = kind.model_validate(REQUIRED[kind])
    name = next(iter(kind.model_fields))
    with pytest.raises(ValidationError):
        setattr(value, name, getattr(value, name))


@pytest.mark.parametrize("kind", WITHOUT_FUNCTIONS, ids=lambda kind: kind.__name__)
def test_json_gives_an_equal_value(kind: type[Value]) -> None:
    """A value survives the way through JSON, as in a job's arguments."""
    value = kind.model_validate(REQUIRED[kind])
    assert kind.model_validate_json(value.model_dump_json()) == value


@each_value
def test_an_instance_is_validated_again(kind: type[Value]) -> None:
    """An instance that was made without validation does not pass between host and plugin."""
    name = next(iter(kind.model_fields))
    made = kind.model_construct(**{**REQUIRED[kind], name: object()})
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(made)


@pytest.mark.parametrize(
    ("kind", "field", "least", "most"),
    [
        (InstallationDraft, "name", 1, 200),
        (InstallationDraft, "external_id", 1, 64),
        (Offer, "identifier", 1, 200),
        (Offer, "name", 1, 200),
        (Claim, "external_id", 1, 64),
        (Create, "name", 1, 200),
        (Create, "external_id", 1, 64),
        (Location, "ref", 1, 255),
        (Location, "path", 0, 4096),
        (ResolvedRef, "name", 1, 255),
        (ResolvedRef, "sha", 1, 64),
        (FileChange, "path", 1, 4096),
        (CommitDraft, "sha", 1, 64),
        (Push, "repository", 1, 2000),
        (Command, "summary", 1, 200),
    ],
)
def test_texts_have_limits(kind: type[Value], field: str, least: int, most: int) -> None:
    """A text of the longest and of the shortest length is accepted, and none beyond."""
    others = {**REQUIRED[kind], **({"ref_kind": "branch"} if field == "ref" else {})}
    for length in (least, most):
        assert getattr(kind.model_validate({**others, field: "x" * length}), field) == "x" * length
    for length in {least - 1, most + 1} - {-1}:
        with pytest.raises(ValidationError) as caught:
            kind.model_validate({**others, field: "x" * length})
        assert field_of(caught.value) == field


@pytest.mark.parametrize("field", ["line", "end_line", "column", "end_column"])
@pytest.mark.parametrize(
    ("number", "valid"), [(1, True), (10_000_000, True), (0, False), (-1, False), (10**7 + 1, False)]
)
def test_lines_and_columns_are_counted_from_one(field: str, number: int, valid: bool) -> None:
    """A line or column is between 1 and 10,000,000."""
    fields = {**REQUIRED[Location], field: number}
    if valid:
        assert getattr(Location.model_validate(fields), field) == number
    else:
        with pytest.raises(ValidationError):
            Location.model_validate(fields)


def test_a_wrong_range_of_lines_is_kept() -> None:
    """The last line may be before the first one: that is wrong input, which the URL rules handle."""
    assert Location(ref="main", ref_kind="branch", path="a", line=9, end_line=3).end_line == 3


@pytest.mark.parametrize("sha", ["a b", " a", "a\n", "a\t", "\x00", "a\u00a0b", ""])
def test_a_commit_id_has_no_blanks(sha: str) -> None:
    """Blanks and control characters are no part of an id."""
    with pytest.raises(ValidationError):
        CommitDraft(sha=sha)


@pytest.mark.parametrize("sha", ["1", "r123", "1.2", "é", SHA, "f" * 64, "cs:123@main"])
def test_a_commit_id_may_be_that_of_any_system(sha: str) -> None:
    """Ids of other systems than git are accepted."""
    assert CommitDraft(sha=sha).sha == sha


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
@pytest.mark.parametrize(("kind", "field"), [(Location, "path"), (Location, "ref"), (Offer, "name")])
def test_half_a_character_is_refused(kind: type[Value], field: str, text: str) -> None:
    """A lone surrogate cannot be stored or sent, so that texts with limits do not accept one."""
    with pytest.raises(ValidationError):
        kind.model_validate({**REQUIRED[kind], field: text})


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_what_no_database_stores_is_replaced_in_commits(text: str) -> None:
    """One odd character must not cost the commit, and with it all that are fetched together."""
    change = FileChange(path=text, type="M")
    made = CommitDraft(sha=SHA, message=text, author_name=text, author_email=text, changes=(change,))
    texts = {made.message, made.author_name, made.author_email, made.changes[0].path}
    assert texts == {"a\ufffdb"}


def test_the_time_of_a_commit_has_an_offset() -> None:
    """A time without an offset is ambiguous; another offset is kept."""
    with pytest.raises(ValidationError) as caught:
        CommitDraft(sha=SHA, timestamp=datetime(2026, 1, 2))  # noqa: DTZ001 - the subject of the test
    assert caught.value.errors()[0]["type"] == "timezone_aware"
    local = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert CommitDraft(sha=SHA, timestamp=local).timestamp == MOMENT


@pytest.mark.parametrize("letter", ["a", "R", "", "AM", None])
def test_a_file_is_added_modified_or_deleted(letter: str | None) -> None:
    """Other letters of git's status are refused."""
    with pytest.raises(ValidationError):
        FileChange.model_validate({"path": "a", "type": letter})


@pytest.mark.parametrize("name", ["x", "Hello", "1st", "-a", "a_b", "a" * 42, "", "a b"])
def test_names_of_commands_are_simple(name: str) -> None:
    """A command is a word in lower case that a shell needs no quotes for."""
    with pytest.raises(ValidationError):
        Command(name=name, summary="Greet.", run=print)


def test_the_number_of_unlisted_commits_is_not_negative() -> None:
    """A body cannot list more commits than were pushed."""
    with pytest.raises(ValidationError):
        Push(repository="a", unlisted=-1)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"kind": "claim"}, Claim),
        ({"kind": "create", "name": "a", "external_id": "1"}, Create),
        ({"kind": "refusal", "reason": "conflict", "message": "Taken."}, Refusal),
    ],
)
def test_the_kind_selects_the_decision(given: dict[str, str], kind: type[Value]) -> None:
    """JSON of a decision gives a value of its own class."""
    assert type(TypeAdapter[Any](Decision).validate_python(given)) is kind


@pytest.mark.parametrize("given", [{}, {"kind": "delete"}, {"kind": "create"}, None, "claim"])
def test_other_decisions_are_refused(given: object) -> None:
    """A decision is one of three kinds, with its required fields."""
    with pytest.raises(ValidationError):
        TypeAdapter[Any](Decision).validate_python(given)


@pytest.mark.parametrize("reason", ["not_found", "invalid", "conflict", "unavailable"])
def test_a_refusal_has_a_reason_and_a_message(reason: Any) -> None:
    """Each reason has an HTTP status; an empty message would leave the user without an explanation."""
    assert Refusal(reason=reason, message="Because.").reason == reason
    for fields in ({"reason": "other", "message": "x"}, {"reason": reason, "message": ""}):
        with pytest.raises(ValidationError):
            Refusal.model_validate(fields)


@pytest.mark.parametrize(
    ("provider", "installation_id", "unclaimed"),
    [(None, None, True), ("p", 1, False), ("p", None, False), (None, 1, False)],
)
def test_a_repository_without_provider_and_installation_is_unclaimed(
    provider: str | None, installation_id: int | None, unclaimed: bool
) -> None:
    """A repository of an uninstalled provider keeps its provider, and is not offered to others."""
    fields = {**REQUIRED[Repository], "provider": provider, "installation_id": installation_id}
    assert Repository.model_validate(fields).unclaimed is unclaimed


def test_the_defaults_are_harmless() -> None:
    """A repository is active, a missing URL has a reason, a push lists all its commits."""
    assert Repository.model_validate(REQUIRED[Repository]).status is RepositoryStatus.ACTIVE
    assert NoUrl().reason is Reason.NO_SOURCE_PAGES
    assert (Push(repository="a").commits, Push(repository="a").unlisted) == ((), 0)
    assert Claim().configuration is None
    assert Create(name="a", external_id="1").configuration == {}


@pytest.mark.parametrize(("enum", "texts"), [
    (RepositoryStatus, ["active", "hidden", "pending_deletion", "deletion_in_progress"]),
    (Existence, ["yes", "no", "unknown"]),
])  # fmt: skip
def test_states_are_texts(enum: Callable[[str], Any], texts: list[str]) -> None:
    """Stored texts give the states again."""
    assert [enum(text) for text in texts] == texts


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=3))
def test_configurations_survive_json(configuration: dict[str, Any]) -> None:
    """Any JSON object may be the configuration of a repository or an installation, and is frozen."""
    for kind in (InstallationDraft, Create, Claim):
        value = kind.model_validate({**REQUIRED[kind], "configuration": configuration})
        again = kind.model_validate_json(value.model_dump_json())
        assert again == value
        assert again.configuration == configuration
        assert isinstance(again.configuration, FrozenDict)


@pytest.mark.parametrize("configuration", [{"a": object()}, {1: "a"}, [], "text", {"a": {"b": {1, 2}}}])
def test_a_configuration_is_a_json_object(configuration: object) -> None:
    """Other types than those of JSON cannot be stored."""
    with pytest.raises(ValidationError):
        InstallationDraft.model_validate({**REQUIRED[InstallationDraft], "configuration": configuration})


def test_tuples_in_json_become_lists() -> None:
    """JSON has one kind of list."""
    held = frozen({"a": (1, [2])})
    assert (held, type(held["a"]), type(held["a"][1])) == ({"a": [1, [2]]}, FrozenList, FrozenList)


@given(
    st.builds(
        Location,
        ref=st.text(st.characters(codec="utf-8"), min_size=1, max_size=255),
        ref_kind=st.sampled_from(["branch", "tag", "commit"]),
        path=st.text(st.characters(codec="utf-8"), max_size=60),
        line=st.none() | st.integers(1, 10_000_000),
    )
)
def test_locations_survive_json(location: Location) -> None:
    """Any text may be a ref or a path: both are untrusted."""
    assert Location.model_validate_json(location.model_dump_json()) == location
    assert hash(location) == hash(location.model_copy())
