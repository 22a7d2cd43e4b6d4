"""SQL of people, their memberships, their links and their sessions."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import and_, delete, insert, select, update

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import insert_into, new_id
from scmhost.sdk import Organization

from .tables import HOST_KEYS, MEMBERSHIPS, ORGANIZATIONS, PEOPLE, PERSON_SESSIONS, SIGN_IN_LINKS

Role = Literal["member", "admin"]


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in.

    Attributes:
        subject: names the person at a proxy or an identity provider; None for people who come by a link.
        host_admin: whether the person administers the host, and with it every organization.
        signed_in_at: the last time; None: never.
    """

    id: int
    name: str
    subject: str | None
    host_admin: bool
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization."""

    person: Person
    role: Role


@dataclass(frozen=True, slots=True)
class PersonRoles:
    """A person, and the roles by the slug of the organization."""

    person: Person
    roles: Mapping[str, Role]


@dataclass(frozen=True, slots=True)
class PersonSession:
    """A session of a person in a browser. Its secret is not stored.

    Attributes:
        client: the browser, as it names itself.
    """

    id: int
    person_id: int
    client: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of a session, and the roles by organization."""

    person: Person
    session: PersonSession | None
    roles: Mapping[int, Role] = field(default_factory=dict)

    def sees(self, organization_id: int) -> bool:
        """Return whether the person may read what the organization has."""
        return self.person.host_admin or organization_id in self.roles

    def administers(self, organization_id: int) -> bool:
        """Return whether the person may change what the organization has."""
        return self.person.host_admin or self.roles.get(organization_id) == "admin"


_PERSON: Final = tuple(PEOPLE.c[each.name] for each in fields(Person))
_SESSION: Final = tuple(PERSON_SESSIONS.c[each.name] for each in fields(PersonSession))


def create_person(
    tx: Transaction, name: str, now: datetime, *, host_admin: bool = False, subject: str | None = None
) -> Person:
    """Save a person."""
    row = {"id": new_id(tx), "name": name, "subject": subject, "host_admin": host_admin, "created_at": now}
    return _person(tx.execute(insert(PEOPLE).values(row).returning(*_PERSON)).one())


def get_person(tx: Transaction, person_id: int) -> Person | None:
    """Return a person."""
    row = tx.execute(select(*_PERSON).where(PEOPLE.c.id == person_id)).one_or_none()
    return _person(row) if row else None


def with_subject(tx: Transaction, subject: str) -> Person | None:
    """Return the person with this name at a proxy or an identity provider."""
    row = tx.execute(select(*_PERSON).where(PEOPLE.c.subject == subject)).one_or_none()
    return _person(row) if row else None


def has_signed_in(tx: Transaction) -> bool:
    """Return whether anybody ever signed in."""
    return tx.execute(select(PEOPLE.c.id).where(PEOPLE.c.signed_in_at.is_not(None)).limit(1)).first() is not None


def change_person(tx: Transaction, person_id: int, **values: Any) -> None:
    """Change columns of a person."""
    tx.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(values))


def set_role(tx: Transaction, organization_id: int, person_id: int, role: Role, now: datetime) -> None:
    """Add a person to an organization, or change the role of a member."""
    row = {"organization_id": organization_id, "person_id": person_id, "role": role, "created_at": now}
    statement = insert_into(tx, MEMBERSHIPS).values(row)
    keys = [MEMBERSHIPS.c.organization_id, MEMBERSHIPS.c.person_id]
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={"role": role}))


def remove_member(tx: Transaction, organization_id: int, person_id: int) -> bool:
    """Take a person out of an organization. Return whether the person was in it."""
    is_row = (MEMBERSHIPS.c.organization_id == organization_id) & (MEMBERSHIPS.c.person_id == person_id)
    return tx.execute(delete(MEMBERSHIPS).where(is_row).returning(MEMBERSHIPS.c.person_id)).first() is not None


def roles_of(tx: Transaction, person_id: int) -> dict[int, Role]:
    """Return the roles of a person by organization."""
    query = select(MEMBERSHIPS.c.organization_id, MEMBERSHIPS.c.role).where(MEMBERSHIPS.c.person_id == person_id)
    return {row.organization_id: row.role for row in tx.execute(query)}


def organizations_of(tx: Transaction, person_id: int) -> list[Organization]:
    """Return the organizations of a person, by slug."""
    columns = ORGANIZATIONS.c.id, ORGANIZATIONS.c.slug, ORGANIZATIONS.c.name
    joined = select(*columns).join(MEMBERSHIPS, MEMBERSHIPS.c.organization_id == ORGANIZATIONS.c.id)
    rows = tx.execute(joined.where(MEMBERSHIPS.c.person_id == person_id).order_by(ORGANIZATIONS.c.slug))
    return [Organization(id=row.id, slug=row.slug, name=row.name) for row in rows]


def members(tx: Transaction, organization_id: int) -> list[Member]:
    """Return the people of an organization, in the order in which they were added."""
    joined = select(*_PERSON, MEMBERSHIPS.c.role).join(PEOPLE, PEOPLE.c.id == MEMBERSHIPS.c.person_id)
    query = joined.where(MEMBERSHIPS.c.organization_id == organization_id).order_by(PEOPLE.c.id)
    return [Member(_person(row), row.role) for row in tx.execute(query)]


def people_with_roles(tx: Transaction) -> list[PersonRoles]:
    """Return all people of the host, in the order in which they were added."""
    joined = select(MEMBERSHIPS.c.person_id, MEMBERSHIPS.c.role, ORGANIZATIONS.c.slug).join(
        ORGANIZATIONS, ORGANIZATIONS.c.id == MEMBERSHIPS.c.organization_id
    )
    roles: defaultdict[int, dict[str, Role]] = defaultdict(dict)
    for row in tx.execute(joined.order_by(ORGANIZATIONS.c.slug)):
        roles[row.person_id][row.slug] = row.role
    people = map(_person, tx.execute(select(*_PERSON).order_by(PEOPLE.c.id)))
    return [PersonRoles(person, roles[person.id]) for person in people]


def delete_person(tx: Transaction, person_id: int) -> None:
    """Delete a person, with the memberships, sessions and links."""
    tx.execute(delete(PEOPLE).where(PEOPLE.c.id == person_id))


def create_link(tx: Transaction, person_id: int | None, digest: str, now: datetime, expires_at: datetime) -> None:
    """Save a link of a person in place of an earlier one, and forget the links that are out of date.

    A link without a person is that of the first administrator of the host.
    """
    links = SIGN_IN_LINKS.c
    tx.execute(delete(SIGN_IN_LINKS).where((links.person_id == person_id) | (links.expires_at <= now)))
    row = {"person_id": person_id, "digest": digest, "created_at": now, "expires_at": expires_at}
    tx.execute(insert(SIGN_IN_LINKS).values(row))


def has_link(tx: Transaction, digest: str, now: datetime) -> bool:
    """Return whether a link is valid."""
    links = SIGN_IN_LINKS.c
    return tx.execute(select(links.digest).where(links.digest == digest, links.expires_at > now)).first() is not None


def take_link(tx: Transaction, digest: str, now: datetime) -> tuple[bool, int | None]:
    """Delete a link. Return whether it was valid, and the id of its person: of two requests at once one gets it."""
    links = SIGN_IN_LINKS.c
    statement = delete(SIGN_IN_LINKS).where(links.digest == digest, links.expires_at > now).returning(links.person_id)
    row = tx.execute(statement).one_or_none()
    return row is not None, row.person_id if row else None


def create_session(
    tx: Transaction, person_id: int, digest: str, client: str, now: datetime, expires_at: datetime
) -> PersonSession:
    """Save a session, and forget the sessions that are out of date."""
    tx.execute(delete(PERSON_SESSIONS).where(PERSON_SESSIONS.c.expires_at <= now))
    row = {"id": new_id(tx), "person_id": person_id, "digest": digest, "client": client}
    row |= {"created_at": now, "expires_at": expires_at}
    return _session(tx.execute(insert(PERSON_SESSIONS).values(row).returning(*_SESSION)).one())


def session_with(tx: Transaction, digest: str, now: datetime) -> PersonSession | None:
    """Return the session with this digest, if it is not out of date."""
    is_valid = and_(PERSON_SESSIONS.c.digest == digest, PERSON_SESSIONS.c.expires_at > now)
    row = tx.execute(select(*_SESSION).where(is_valid)).one_or_none()
    return _session(row) if row else None


def sessions_of(tx: Transaction, person_id: int, now: datetime) -> list[PersonSession]:
    """Return the sessions of a person, the newest first."""
    own = and_(PERSON_SESSIONS.c.person_id == person_id, PERSON_SESSIONS.c.expires_at > now)
    return [_session(row) for row in tx.execute(select(*_SESSION).where(own).order_by(PERSON_SESSIONS.c.id.desc()))]


def end_session(tx: Transaction, person_id: int, session_id: int) -> bool:
    """Delete a session of a person. Return whether there was one."""
    own = and_(PERSON_SESSIONS.c.person_id == person_id, PERSON_SESSIONS.c.id == session_id)
    return tx.execute(delete(PERSON_SESSIONS).where(own).returning(PERSON_SESSIONS.c.id)).first() is not None


def end_access(tx: Transaction, person_id: int) -> None:
    """Delete all sessions and links of a person."""
    for table in (PERSON_SESSIONS, SIGN_IN_LINKS):
        tx.execute(delete(table).where(table.c.person_id == person_id))


def host_key(tx: Transaction, name: str) -> str:
    """Return a key that all processes of the host share."""
    key: str = tx.execute(select(HOST_KEYS.c.key).where(HOST_KEYS.c.name == name)).scalar_one()
    return key


def _person(row: AnyRow) -> Person:
    return Person(**{each.name: getattr(row, each.name) for each in fields(Person)})


def _session(row: AnyRow) -> PersonSession:
    return PersonSession(**{each.name: getattr(row, each.name) for each in fields(PersonSession)})
