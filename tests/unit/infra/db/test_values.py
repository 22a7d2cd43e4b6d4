"""Which texts, times and numbers can be stored."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

import factories
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.infra.db.base import ID_LIMIT, KEY_BYTES, UtcDateTime
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput
from scmhost.installations import queries as installation_queries
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import InstallationDraft, JsonObject

SLUGS: Iterator[str] = (f"org-{number}" for number in count())

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80)
moments = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 28), timezones=st.just(UTC))  # noqa: DTZ001

UNSTORABLE = ["nul\x00", "half \ud800"]


def test_naive_times_are_refused(store: Store) -> None:
    """A time without a zone is ambiguous, so it is refused."""
    with pytest.raises(InvalidInput, match="no time zone"), store.write() as tx:
        organization_queries.create_organization(tx, "acme", "Acme", datetime(2026, 3, 1))  # noqa: DTZ001 - the point
    assert factories.all_rows(store)["organizations"] == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
def test_times_outside_the_calendar_are_refused(store: Store, moment: str) -> None:
    """A time that UTC has no date for is refused before anything is written."""
    with pytest.raises(InvalidInput, match="outside the years"), store.write() as tx:
        organization_queries.create_organization(tx, "acme", "Acme", datetime.fromisoformat(moment))
    assert factories.all_rows(store)["organizations"] == []


def test_times_are_returned_in_utc(store: Store) -> None:
    """A time with an offset is returned as the same moment in UTC."""
    sent = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    organization = factories.new_organization(store)
    with store.write() as tx:
        saved = organization_queries.create_project(tx, organization, "web", "Web", None, sent)
    assert saved.created_at == sent
    assert saved.created_at.tzinfo is UTC


@given(moment=moments)
def test_times_are_texts_of_one_form_on_sqlite(moment: datetime) -> None:
    """Texts are compared, also with those that earlier versions wrote."""
    as_text = UtcDateTime().bind_processor(sqlite.dialect())
    assert as_text is not None
    assert as_text(moment) == moment.replace(tzinfo=None).isoformat(" ", "microseconds")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=texts, moment=moments)
def test_stored_values_are_returned_unchanged(store: Store, name: str, moment: datetime) -> None:
    """Any text and any moment are read as they were written."""
    with store.write() as tx:
        organization = organization_queries.create_organization(tx, next(SLUGS), name, moment)
        project = organization_queries.create_project(tx, organization.id, "web", name, None, moment)
    with store.read() as tx:
        assert organization_queries.get_organization(tx, organization.id) == organization
        assert organization_queries.find_project(tx, organization.id, "web") == project
    assert (project.name, project.created_at) == (name, moment)


@pytest.mark.parametrize("bad", UNSTORABLE, ids=["nul", "surrogate"])
def test_text_that_no_database_takes_is_refused(store: Store, bad: str) -> None:
    """The same texts are refused on every database, before anything is written."""
    organization = factories.new_organization(store)
    for values in ({"name": bad}, {"name": "web", "url": bad}):
        with pytest.raises(InvalidInput, match="send"):
            factories.new_repository(store, organization, **values)
    assert factories.all_rows(store)["repositories"] == []


@pytest.mark.parametrize("bad", UNSTORABLE, ids=["nul", "surrogate"])
def test_text_that_no_database_takes_cannot_be_searched(store: Store, bad: str) -> None:
    """A search for such a text is an invalid input, not a failure of the database."""
    organization = factories.new_organization(store)
    with pytest.raises(InvalidInput), store.read() as tx:
        repository_queries.by_name(tx, organization, bad)


def test_one_bad_message_refuses_all_commits(store: Store) -> None:
    """If one commit of a list cannot be stored, none is."""
    tenant = factories.new_tenant(store)
    before = factories.all_rows(store)
    drafts = [factories.draft(7), factories.draft(8).model_copy(update={"message": "nul\x00"})]
    with pytest.raises(InvalidInput, match="NUL"), store.write() as tx:
        bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)
    assert factories.all_rows(store) == before


def test_long_messages_and_paths_are_kept(store: Store) -> None:
    """A message of a megabyte and the longest path are returned unchanged."""
    tenant = factories.new_tenant(store)
    path = "".join(chr(0x1F300 + (number * 7919) % 700) for number in range(4096))
    change = {"path": path, "type": "D"}
    sent = factories.draft(9, message="🌍" * 300_000, changes=(change,))
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, tenant.repository, [sent], factories.NOW)
        found = commit_queries.find(tx, tenant.id, tenant.repository, sent.sha, with_changes=True)
    assert found is not None
    assert (found.message, found.changes) == (sent.message, sent.changes)


def test_length_of_keys_is_limited(store: Store) -> None:
    """The longest key is the same on every database; the refusal of a longer one names the limit."""
    organization = factories.new_organization(store)
    longest = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(KEY_BYTES // 3))
    with store.write() as tx:
        assert (
            organization_queries.create_project(tx, organization, longest, "Long", None, factories.NOW).slug == longest
        )
        with pytest.raises(InvalidInput, match=f"at most {KEY_BYTES} bytes"):
            organization_queries.create_project(tx, organization, longest + "xyz", "Longer", None, factories.NOW)


@pytest.mark.parametrize("number", [0, -1, ID_LIMIT, 2**63, 10**30])
def test_impossible_ids_match_nothing(store: Store, number: int) -> None:
    """A number that cannot be an id matches no row, however large it is."""
    organization = factories.new_organization(store)
    with store.read() as tx:
        assert organization_queries.get_organization(tx, number) is None
        assert repository_queries.get(tx, organization, number) is None
        assert organization_queries.find_project(tx, organization, str(number)) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_refused(store: Store, value: float) -> None:
    """NaN and infinity are refused."""
    organization = factories.new_organization(store)
    with pytest.raises(InvalidInput, match="NaN"):
        factories.new_repository(store, organization, configuration={"weight": value})


def test_json_is_returned_unchanged(store: Store) -> None:
    """Metadata and configuration are returned unchanged, with all characters."""
    organization = factories.new_organization(store)
    held: JsonObject = {"nul": "\x00", "text": "é🌍", "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
    draft = InstallationDraft(name="Forge", external_id="one", metadata=held, configuration=held)
    with store.write() as tx:
        saved = installation_queries.create(tx, organization, factories.PROVIDER, draft, factories.NOW)
    assert saved.installation.metadata == saved.installation.configuration == held


@pytest.mark.parametrize(
    "value", [{"a": "\ud800"}, {"\udfff": 1}, {"deep": [{"a": ["x\ud83dy"]}]}, {"pair": "\ud83d\ude00"}]
)
def test_json_with_half_a_character_is_refused(store: Store, value: JsonObject) -> None:
    """A lone surrogate is refused at any depth, because no answer could contain it."""
    organization = factories.new_organization(store)
    with pytest.raises(InvalidInput, match="surrogate"):
        factories.new_repository(store, organization, configuration=value)


def test_json_with_half_a_character_can_be_read(store: Store) -> None:
    """JSON of an older version that contains a lone surrogate is read with a replacement character."""
    tenant = factories.new_tenant(store)
    stored = r'{"bad": ["x\ud800"], "\udfff": "\ud83d\ude00", "backslash": "\\ud800"}'
    with store.write() as tx:
        tx.execute(text("UPDATE installations SET metadata = :stored"), {"stored": stored})
    with store.read() as tx:
        installation = installation_queries.get(tx, tenant.id, tenant.installation)
    assert installation is not None
    assert installation.installation.metadata == {
        "bad": ["x\ufffd"],
        "\ufffd": "\U0001f600",
        "backslash": r"\ud800",
    }
