"""Sign people in and out, and find the person of a session."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final

from scmhost.audit.queries import Action
from scmhost.infra.db.base import secret_digest
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import NotFound, Unauthenticated
from scmhost.sdk import Organization
from scmhost.services import Actor, Services

from . import people_queries, queries
from .people import add_first_person, note
from .people_queries import Person, PersonSession, SignedIn

# Browsers send what they like.
_LONGEST_CLIENT: Final = 200
_COOKIES: Final = "cookies"


def link_is_valid(services: Services, text: str) -> bool:
    """Return whether a link can be used. It stays usable: only ``use_link`` takes it."""
    with services.store.read() as tx:
        return people_queries.has_link(tx, secret_digest(text), services.clock.now())


def use_link(services: Services, text: str, client: str = "") -> str:
    """Sign a person in with a link, which is then used up. Return the secret of the new session.

    Args:
        services: the services.
        text: the text of the link.
        client: the browser, as it names itself.

    Raises:
        Unauthenticated: the link is unknown, used or out of date.
    """
    with services.store.write() as tx:
        is_valid, person_id = people_queries.take_link(tx, secret_digest(text), services.clock.now())
        person = _person_of_link(tx, services, person_id) if is_valid else None
        if person is None:
            raise Unauthenticated("This link was used already, or is older than a day. Ask for a new one.")
        return _begin(tx, services, person, client)


def begin_session(services: Services, person: Person, client: str = "") -> str:
    """Sign in a person whom an identity provider named. Return the secret of the new session."""
    with services.store.write() as tx:
        return _begin(tx, services, person, client)


def find_session(services: Services, secret: str) -> SignedIn | None:
    """Return the person of a session, with the roles as they are now; None: the session has ended."""
    with services.store.read() as tx:
        session = people_queries.session_with(tx, secret_digest(secret), services.clock.now())
        person = people_queries.get_person(tx, session.person_id) if session else None
        if session is None or person is None:
            return None
        return SignedIn(person, session, people_queries.roles_of(tx, person.id))


def without_session(services: Services, person: Person) -> SignedIn:
    """Return a person whom a proxy names in every request."""
    with services.store.read() as tx:
        return SignedIn(person, None, people_queries.roles_of(tx, person.id))


def list_sessions(services: Services, person: Person) -> list[PersonSession]:
    """Return the sessions of a person, the newest first."""
    with services.store.read() as tx:
        return people_queries.sessions_of(tx, person.id, services.clock.now())


def end_session(services: Services, person: Person, session_id: int) -> None:
    """End a session of a person, immediately.

    Raises:
        NotFound: the person has no such session.
    """
    with services.store.write() as tx:
        if not people_queries.end_session(tx, person.id, session_id):
            raise NotFound(f"You have no session with the id {session_id}.")
        _note(tx, services, "person.sign-out", person)


def visible_organizations(services: Services, signed_in: SignedIn) -> list[Organization]:
    """Return the organizations that a person sees, by slug."""
    with services.store.read() as tx:
        if signed_in.person.host_admin:
            return queries.all_organizations(tx)
        return people_queries.organizations_of(tx, signed_in.person.id)


def cookie_key(services: Services) -> str:
    """Return the key that signs cookies; all processes of the host have the same."""
    with services.store.read() as tx:
        return people_queries.host_key(tx, _COOKIES)


def actor_of(person: Person) -> Actor:
    """Return a person as an actor of the audit log."""
    return Actor("person", person.name, person.id)


def _person_of_link(tx: Transaction, services: Services, person_id: int | None) -> Person | None:
    return add_first_person(tx, services) if person_id is None else people_queries.get_person(tx, person_id)


def _begin(tx: Transaction, services: Services, person: Person, client: str) -> str:
    # As with links, the database has the digest only.
    secret, now = secrets.token_urlsafe(32), services.clock.now()
    expires_at = now + timedelta(hours=services.web.session_hours)
    people_queries.create_session(tx, person.id, secret_digest(secret), client[:_LONGEST_CLIENT], now, expires_at)
    people_queries.change_person(tx, person.id, signed_in_at=now)
    _note(tx, services, "person.sign-in", person)
    return secret


def _note(tx: Transaction, services: Services, action: Action, person: Person) -> None:
    """Record it in each organization of the person, and for the host if the person administers it."""
    acting = replace(services, actor=actor_of(person))
    organizations = people_queries.organizations_of(tx, person.id)
    for organization in [*organizations, *([] if organizations and not person.host_admin else [None])]:
        note(tx, acting, organization, action, person)
