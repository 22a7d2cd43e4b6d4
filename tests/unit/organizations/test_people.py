"""Invite people, sign them in and out, and change what they may do."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from hosting import SettableClock
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput, NotFound, Unauthenticated
from scmhost.infra.settings import GroupRole, WebSettings
from scmhost.organizations import people, people_queries, sessions
from scmhost.organizations.create import create_organization
from scmhost.organizations.people import NamedPerson
from scmhost.organizations.people_queries import SignedIn
from scmhost.sdk import Organization
from scmhost.services import Services
from use_cases import open_services, recorded

GROUPS = WebSettings(
    groups=(
        GroupRole(group="*", organization="acme"),
        GroupRole(group="leads", organization="acme", role="admin"),
        GroupRole(group="leads", organization="no-such"),
        GroupRole(group="operators", host_admin=True),
    )
)


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


def turn(services: Services, **time: int) -> None:
    """Let time pass."""
    assert isinstance(services.clock, SettableClock)
    services.clock.turn(timedelta(**time).total_seconds())


def signed_in(services: Services, text: str) -> SignedIn:
    """Sign in with a link."""
    found = sessions.find_session(services, sessions.use_link(services, text, "Firefox"))
    assert found
    return found


def test_invited_person_signs_in(services: Services, acme: Organization) -> None:
    """A member sees the organization, and an administrator changes it too; the audit log has both steps."""
    member = signed_in(services, people.invite(services, acme, " Ada ").text)
    admin = signed_in(services, people.invite(services, acme, "Grace", role="admin").text)
    assert [(each.sees(acme.id), each.administers(acme.id)) for each in (member, admin)] == [
        (True, False),
        (True, True),
    ]
    assert [(each.person.name, each.role) for each in people.list_members(services, acme)] == [
        ("Ada", "member"),
        ("Grace", "admin"),
    ]
    assert recorded(services, acme)[1:] == [
        ("person.invite", "Ada"),
        ("person.sign-in", "Ada"),
        ("person.invite", "Grace"),
        ("person.sign-in", "Grace"),
    ]


def test_people_are_stored_alike_everywhere(store: Store) -> None:
    """Every database keeps people, roles, links and sessions, and the key of cookies."""
    with open_services(store, web=GROUPS) as services:
        acme = create_organization(services, "acme")
        invited = people.invite(services, acme, "Ada")
        again = people.invite_again(services, acme, invited.person.id)
        secret = sessions.use_link(services, again.text, "Firefox")
        people.change_role(services, acme, invited.person.id, "admin")
        found = sessions.find_session(services, secret)
        assert found
        assert found.administers(acme.id)
        assert sessions.cookie_key(services) == sessions.cookie_key(services) != ""
        named = NamedPerson("proxy:eve", "Eve", frozenset({"leads"}))
        assert people.known_person(services, named) == people.known_person(services, named)
        people.remove_member(services, acme, invited.person.id)
        assert [each.person.name for each in people.list_members(services, acme)] == ["Eve"]
        assert sessions.find_session(services, secret) is None


def test_person_sees_own_organizations_alone(services: Services, acme: Organization) -> None:
    """A person of one organization neither sees nor administers another; an administrator of the host does."""
    other = create_organization(services, "other")
    person = signed_in(services, people.invite(services, acme, "Ada", role="admin").text)
    operator = signed_in(services, people.invite(services, None, "Root", host_admin=True).text)
    assert not person.sees(other.id)
    assert not person.administers(other.id)
    assert operator.administers(other.id)
    assert sessions.visible_organizations(services, person) == [acme]
    assert sessions.visible_organizations(services, operator) == [acme, other]


def test_link_works_once(services: Services, acme: Organization) -> None:
    """A used link is refused, and looking at a link does not use it."""
    text = people.invite(services, acme, "Ada").text
    assert [sessions.link_is_valid(services, text) for _ in range(2)] == [True, True]
    sessions.use_link(services, text)
    assert not sessions.link_is_valid(services, text)
    with pytest.raises(Unauthenticated, match="used already"):
        sessions.use_link(services, text)


def test_link_is_valid_for_a_day(services: Services, acme: Organization) -> None:
    """A link is refused a day after it was made."""
    text = people.invite(services, acme, "Ada").text
    turn(services, hours=23, minutes=59)
    assert sessions.link_is_valid(services, text)
    turn(services, minutes=1)
    assert not sessions.link_is_valid(services, text)
    with pytest.raises(Unauthenticated):
        sessions.use_link(services, text)


def test_new_link_replaces_the_old_one(services: Services, acme: Organization) -> None:
    """Of two links of a person, the newer one works."""
    first = people.invite(services, acme, "Ada")
    second = people.invite_again(services, acme, first.person.id)
    assert [sessions.link_is_valid(services, each.text) for each in (first, second)] == [False, True]


def test_admin_cannot_invite_again_who_may_more(services: Services, acme: Organization) -> None:
    """A link of an administrator of the host would give an organization's administrator the host."""
    operator = people.invite(services, acme, "Root", host_admin=True)
    with pytest.raises(InvalidInput, match="more than this organization"):
        people.invite_again(services, acme, operator.person.id)


def test_secrets_are_stored_as_digests(services: Services, acme: Organization, sqlite_store: Store) -> None:
    """Neither a link nor a session can be read from the database."""
    text = people.invite(services, acme, "Ada").text
    again = people.invite(services, acme, "Grace").text
    secret = sessions.use_link(services, text)
    assert sqlite_store.file
    content = b"".join(path.read_bytes() for path in sqlite_store.file.parent.glob(f"{sqlite_store.file.name}*"))
    assert b"Grace" in content
    assert [each.encode() in content for each in (text, again, secret)] == [False, False, False]


def test_session_ends(services: Services, acme: Organization) -> None:
    """A session ends after its time, and immediately when the person ends it."""
    invited = people.invite(services, acme, "Ada")
    secret = sessions.use_link(services, invited.text, "Firefox on Linux")
    (session,) = sessions.list_sessions(services, invited.person)
    assert session.client == "Firefox on Linux"
    assert sessions.find_session(services, secret)
    sessions.end_session(services, invited.person, session.id)
    assert sessions.find_session(services, secret) is None
    later = sessions.begin_session(services, invited.person)
    turn(services, hours=services.web.session_hours)
    assert sessions.find_session(services, later) is None


def test_nobody_ends_the_session_of_another(services: Services, acme: Organization) -> None:
    """The id of another person's session is unknown."""
    ada, eve = people.invite(services, acme, "Ada"), people.invite(services, acme, "Eve")
    secret = sessions.use_link(services, ada.text)
    (session,) = sessions.list_sessions(services, ada.person)
    with pytest.raises(NotFound):
        sessions.end_session(services, eve.person, session.id)
    assert sessions.find_session(services, secret)


def test_removed_member_is_out_at_once(services: Services, acme: Organization) -> None:
    """Who is taken out of the only organization has no session any more."""
    invited = people.invite(services, acme, "Ada")
    secret = sessions.use_link(services, invited.text)
    people.remove_member(services, acme, invited.person.id)
    assert sessions.find_session(services, secret) is None
    assert people.list_members(services, acme) == []
    with pytest.raises(NotFound):
        people.remove_member(services, acme, invited.person.id)


def test_changed_role_applies_to_open_sessions(services: Services, acme: Organization) -> None:
    """A session has the role that its person has now."""
    invited = people.invite(services, acme, "Ada", role="admin")
    secret = sessions.use_link(services, invited.text)
    people.change_role(services, acme, invited.person.id, "member")
    found = sessions.find_session(services, secret)
    assert found
    assert not found.administers(acme.id)


def test_first_administrator_is_invited_until_somebody_signs_in(services: Services) -> None:
    """Every start prints a new link in place of the old one; the person is added at the sign-in. Then there is none."""
    first, second = people.first_invitation(services), people.first_invitation(services)
    assert first
    assert second
    assert [sessions.link_is_valid(services, text) for text in (first, second)] == [False, True]
    found = signed_in(services, second)
    assert (found.person.name, found.person.host_admin) == ("Administrator", True)
    assert people.first_invitation(services) is None


def test_first_link_is_worthless_after_another_sign_in(services: Services, acme: Organization) -> None:
    """Once an invited person has signed in, the link that the first start printed gives nobody the host."""
    first = people.first_invitation(services)
    signed_in(services, people.invite(services, acme, "Ada").text)
    with pytest.raises(Unauthenticated):
        sessions.use_link(services, first or "")


def test_first_start_takes_no_id(services: Services, acme: Organization) -> None:
    """The ids of what is created next do not depend on whether the service was started before."""
    people.first_invitation(services)
    other = create_organization(services, "other")
    assert other.id == acme.id + 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_person_needs_a_name(services: Services, acme: Organization, name: str) -> None:
    """A blank or very long name is refused."""
    with pytest.raises(InvalidInput, match="1 to 100 characters"):
        people.invite(services, acme, name)


def test_person_needs_a_place(services: Services) -> None:
    """A person without an organization who does not administer the host could see nothing."""
    with pytest.raises(InvalidInput, match="needs an organization"):
        people.invite(services, None, "Ada")


@pytest.mark.parametrize(
    ("groups", "sees", "administers", "host_admin"),
    [
        (frozenset(), True, False, False),
        (frozenset({"leads"}), True, True, False),
        (frozenset({"operators", "other"}), True, True, True),
    ],
)
def test_groups_give_roles(
    sqlite_store: Store, groups: frozenset[str], sees: bool, administers: bool, host_admin: bool
) -> None:
    """The groups that a provider names give roles, and a group that it names no more takes them away."""
    with open_services(sqlite_store, web=GROUPS) as services:
        acme = create_organization(services, "acme")
        person = people.known_person(services, NamedPerson("proxy:ada", "Ada", groups))
        found = sessions.without_session(services, person)
        assert (found.sees(acme.id), found.administers(acme.id), person.host_admin) == (sees, administers, host_admin)
        again = people.known_person(services, NamedPerson("proxy:ada", "Ada", frozenset()))
        assert (again.id, again.host_admin) == (person.id, False)
        assert not sessions.without_session(services, again).administers(acme.id)


def test_known_person_keeps_roles_without_groups(services: Services, acme: Organization) -> None:
    """If the groups are not known, the roles that an administrator gave stay; a new name is saved."""
    first = people.known_person(services, NamedPerson("proxy:ada", "Ada", None))
    assert not sessions.without_session(services, first).sees(acme.id)
    with services.store.write() as tx:
        people_queries.set_role(tx, acme.id, first.id, "admin", services.clock.now())
    renamed = people.known_person(services, NamedPerson("proxy:ada", "Ada L.", None))
    assert (renamed.id, renamed.name) == (first.id, "Ada L.")
    assert sessions.without_session(services, renamed).administers(acme.id)
