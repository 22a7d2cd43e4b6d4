"""Invite people, give them roles, and take them away."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from unicodedata import category

from pydantic import JsonValue

from scmhost.audit.queries import Action, AuditDraft, Details, add, record
from scmhost.infra.db.base import secret_digest
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.sdk import Organization
from scmhost.services import Services

from . import people_queries as queries
from . import queries as organizations
from .people_queries import Member, Person, PersonRoles, Role

LINK_HOURS: Final = 24
"""How long a link to sign in is valid."""

LONGEST_NAME: Final = 100
_SEEN_EVERY: Final = timedelta(days=1)
# Parts of words in several scripts.
_JOINERS: Final = "\u200c\u200d"
# Categories of Unicode: controls, marks of format, surrogates, and separators of lines.
_UNREADABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

FIRST_PERSON: Final = "Administrator"
"""The name of the person who is invited when the service starts for the first time."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link to sign in with, once. Its text cannot be read again."""

    person: Person
    text: str
    expires_at: datetime


def invite(
    services: Services,
    organization: Organization | None,
    name: str,
    *,
    role: Role = "member",
    host_admin: bool = False,
) -> Invitation:
    """Add a person, and return a link to sign in with.

    Args:
        services: the services.
        organization: the organization that the person is added to; an administrator of the host needs none.
        name: the person's name, as others read it.
        role: the role in the organization.
        host_admin: whether the person administers the host.

    Raises:
        InvalidInput: the name is blank or too long, or the person could do nothing.
    """
    name = checked_name(name)
    if organization is None and not host_admin:
        raise InvalidInput("A person needs an organization, or administers the host.", "organization")
    now = services.clock.now()
    with services.store.write() as tx:
        person = queries.create_person(tx, name, now, host_admin=host_admin)
        if organization:
            queries.set_role(tx, organization.id, person.id, role, now)
        details: Details = {"role": role if organization else None, "hostAdmin": host_admin}
        note(tx, services, organization, "person.invite", person, details)
        return Invitation(person, *_new_link(tx, person.id, now))


def invite_again(services: Services, organization: Organization, person_id: int) -> Invitation:
    """Return a new link for a member, in place of an earlier one.

    Raises:
        NotFound: the organization has no such person.
        InvalidInput: the person administers the host, belongs to another organization, or is named by a proxy or an
            identity provider, whose groups may give more: the link would give its holder more than the organization.
    """
    with services.store.write() as tx:
        member = _require_member(tx, organization, person_id)
        if member.person.subject:
            raise InvalidInput(f"{member.person.name!r} signs in without a link: {member.person.subject}.")
        if member.person.host_admin or len(queries.roles_of(tx, person_id)) > 1:
            raise InvalidInput(
                f"{member.person.name!r} belongs to more than this organization; use `scmhost people link`."
            )
        note(tx, services, organization, "person.invite", member.person, {"role": member.role, "again": True})
        return Invitation(member.person, *_new_link(tx, person_id, services.clock.now()))


def first_invitation(services: Services) -> str | None:
    """Return the text of a link for the first administrator of the host, until somebody has signed in; then None.

    The person is added when the link is used. A later start replaces the link.
    """
    with services.store.read() as tx:
        if queries.has_signed_in(tx):
            return None
    with services.store.write() as tx:
        text, _ = _new_link(tx, None, services.clock.now())
        return text


def add_first_person(tx: Transaction, services: Services) -> Person | None:
    """Add the first administrator of the host; None if somebody else has signed in meanwhile."""
    if queries.has_signed_in(tx):
        return None
    person = queries.create_person(tx, FIRST_PERSON, services.clock.now(), host_admin=True)
    note(tx, services, None, "person.invite", person, {"role": None, "hostAdmin": True})
    return person


def list_members(services: Services, organization: Organization) -> list[Member]:
    """Return the people of an organization, in the order in which they were added."""
    with services.store.read() as tx:
        return queries.members(tx, organization.id)


def change_role(services: Services, organization: Organization, person_id: int, role: Role) -> None:
    """Change the role of a member. It applies from the next request.

    Raises:
        NotFound: the organization has no such person.
    """
    with services.store.write() as tx:
        member = _require_member(tx, organization, person_id)
        if member.role != role:
            queries.set_role(tx, organization.id, person_id, role, services.clock.now())
            note(tx, services, organization, "person.change", member.person, {"role": role})


def remove_member(services: Services, organization: Organization, person_id: int) -> None:
    """Take a person out of an organization. Without another organization, the sessions of the person end.

    Raises:
        NotFound: the organization has no such person.
    """
    with services.store.write() as tx:
        member = _require_member(tx, organization, person_id)
        queries.remove_member(tx, organization.id, person_id)
        if not member.person.host_admin and not queries.roles_of(tx, person_id):
            queries.end_access(tx, person_id)
        note(tx, services, organization, "person.remove", member.person)


def list_people(services: Services) -> list[PersonRoles]:
    """Return all people of the host with their roles, in the order in which they were added."""
    with services.store.read() as tx:
        return queries.people_with_roles(tx)


def new_link(services: Services, person_id: int) -> Invitation:
    """Return a new link for any person, in place of an earlier one: for who has the machine of the service.

    Raises:
        NotFound: there is no such person.
    """
    with services.store.write() as tx:
        person = _require_person(tx, person_id)
        note(tx, services, None, "person.invite", person, {"again": True})
        return Invitation(person, *_new_link(tx, person_id, services.clock.now()))


def give_role(services: Services, organization: Organization, person_id: int, role: Role) -> None:
    """Add a person to an organization, or change the role there.

    Raises:
        NotFound: there is no such person.
    """
    with services.store.write() as tx:
        person, roles = _require_person(tx, person_id), queries.roles_of(tx, person_id)
        if roles.get(organization.id) == role:
            return
        if organization.id not in roles:
            # An administrator of another organization made a link, and may have used it.
            queries.end_access(tx, person_id)
        queries.set_role(tx, organization.id, person_id, role, services.clock.now())
        note(tx, services, organization, "person.change", person, {"role": role})


def change_person(
    services: Services, person_id: int, *, name: str | None = None, host_admin: bool | None = None
) -> None:
    """Rename a person, or give or take the administration of the host. With a changed right, the sessions end.

    Raises:
        NotFound: there is no such person.
        InvalidInput: the name is blank or too long.
    """
    with services.store.write() as tx:
        person = _require_person(tx, person_id)
        wanted = {"name": person.name if name is None else checked_name(name)}
        wanted_right = person.host_admin if host_admin is None else host_admin
        if wanted["name"] == person.name and wanted_right == person.host_admin:
            return
        if wanted_right != person.host_admin:
            queries.end_access(tx, person_id)
        queries.change_person(tx, person_id, **wanted, host_admin=wanted_right)
        note(tx, services, None, "person.change", person, {**wanted, "hostAdmin": wanted_right})


def sign_out_everywhere(services: Services, person_id: int) -> None:
    """End all sessions of a person, and the link that is not used yet.

    Raises:
        NotFound: there is no such person.
    """
    with services.store.write() as tx:
        person = _require_person(tx, person_id)
        queries.end_access(tx, person_id)
        note(tx, services, None, "person.sign-out", person)


def remove_person(services: Services, person_id: int) -> None:
    """Delete a person of the host, with all sessions. The audit logs of the person's organizations have it.

    Raises:
        NotFound: there is no such person.
    """
    with services.store.write() as tx:
        person = _require_person(tx, person_id)
        for organization in [*queries.organizations_of(tx, person_id), None]:
            note(tx, services, organization, "person.remove", person)
        queries.delete_person(tx, person_id)


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person as a proxy or an identity provider names them.

    Attributes:
        subject: identifies the person there.
        name: the person's name.
        groups: the groups of the person; None: they are not known, and the roles stay as they are.
    """

    subject: str
    name: str
    groups: frozenset[str] | None


def known_person(services: Services, named: NamedPerson) -> Person:
    """Return the person whom a proxy or an identity provider names; add the person, if this is the first time.

    The time of the last sign-in is that of the first request in each day, so that nearly no request writes.

    With groups, ``[[web.groups]]`` decides the roles, and replaces those that the person had.

    Raises:
        InvalidInput: the name is blank or too long.
    """
    name = checked_name(readable_name(named.name) or named.subject[:LONGEST_NAME])
    now = services.clock.now()
    with services.store.read() as tx:
        person = queries.with_subject(tx, named.subject)
        granted = _granted(tx, services, named)
        is_recent = person is not None and person.signed_in_at and now - person.signed_in_at < _SEEN_EVERY
        if person and person.name == name and is_recent and _has(tx, person, granted):
            return person
    with services.store.write() as tx:
        # Read again: a browser sends its first requests at once, and each of them names the person.
        person = queries.with_subject(tx, named.subject)
        if person is None:
            person = queries.create_person(tx, name, now, subject=named.subject)
            note(tx, services, None, "person.invite", person, {"subject": named.subject})
        queries.change_person(tx, person.id, name=name, signed_in_at=now)
        if granted and not _has(tx, person, granted):
            _grant(tx, services, person, granted)
        return queries.get_person(tx, person.id) or person


def checked_name(name: str) -> str:
    """Return a person's name without blanks around it.

    Raises:
        InvalidInput: it is blank or too long.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput(f"The name of a person has 1 to {LONGEST_NAME} characters.", "name")
    if readable_name(name) != name:
        raise InvalidInput("The name of a person has no invisible characters, and none that turn lines around.", "name")
    return name


def readable_name(name: str) -> str:
    """Return a name without control characters, and those that are invisible or turn the direction of lines."""
    return "".join(one for one in name if one in _JOINERS or category(one) not in _UNREADABLE).strip(f"{_JOINERS} ")


def note(
    tx: Transaction,
    services: Services,
    organization: Organization | None,
    action: Action,
    person: Person,
    details: Details | None = None,
) -> None:
    """Record a change of a person in the audit log of the organization, or of the host without one."""
    if organization:
        record(tx, services, organization, action, (person.id, person.name), details)
        return
    draft = AuditDraft(services.actor, action, person.name, person.id, dict(details or {}))
    add(tx, None, draft, services.clock.now())


@dataclass(frozen=True, slots=True)
class _GrantedRoles:
    roles: Mapping[int, Role]
    host_admin: bool


def _granted(tx: Transaction, services: Services, named: NamedPerson) -> _GrantedRoles | None:
    """Return what the groups of a person give; None if they are not known."""
    if named.groups is None:
        return None
    given = services.web.roles(named.groups)
    # Of an organization that does not exist yet, the role counts from the next request after its creation.
    found = ((organizations.find_organization(tx, slug), role) for slug, role in given.roles.items())
    return _GrantedRoles({each.id: role for each, role in found if each}, given.host_admin)


def _has(tx: Transaction, person: Person, granted: _GrantedRoles | None) -> bool:
    if granted is None:
        return True
    return person.host_admin == granted.host_admin and queries.roles_of(tx, person.id) == dict(granted.roles)


def _grant(tx: Transaction, services: Services, person: Person, granted: _GrantedRoles) -> None:
    for organization_id in queries.roles_of(tx, person.id).keys() - granted.roles.keys():
        queries.remove_member(tx, organization_id, person.id)
    for organization_id, role in granted.roles.items():
        queries.set_role(tx, organization_id, person.id, role, services.clock.now())
    queries.change_person(tx, person.id, host_admin=granted.host_admin)
    shown: dict[str, JsonValue] = {str(id_): role for id_, role in granted.roles.items()}
    note(tx, services, None, "person.change", person, {"hostAdmin": granted.host_admin, "roles": shown})


def _new_link(tx: Transaction, person_id: int | None, now: datetime) -> tuple[str, datetime]:
    """Save a link. Return its text, and when it ends."""
    # The database has the digest only, so that nobody who reads it can sign in.
    text = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=LINK_HOURS)
    queries.create_link(tx, person_id, secret_digest(text), now, expires_at)
    return text, expires_at


def _require_person(tx: Transaction, person_id: int) -> Person:
    person = queries.get_person(tx, person_id)
    if person is None:
        raise NotFound(f"There is no person with the id {person_id}.")
    return person


def _require_member(tx: Transaction, organization: Organization, person_id: int) -> Member:
    member = next((each for each in queries.members(tx, organization.id) if each.person.id == person_id), None)
    if member is None:
        raise NotFound(f"Organization {organization.slug!r} has no person with the id {person_id}.")
    return member
