"""Create, check, list and revoke tokens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hosting import START, SettableClock
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable
from scmhost.organizations import queries
from scmhost.organizations.access import authenticate, check_reads_code
from scmhost.organizations.create import create_organization
from scmhost.organizations.tokens import (
    ALL_SCOPES,
    DEFAULT_SCOPES,
    READ_CODE,
    SCOPES,
    create_token,
    list_tokens,
    revoke_token,
    save_token_uses,
)
from scmhost.sdk import Organization
from scmhost.services import Actor, Services
from use_cases import open_services, recorded

MALFORMED = ["", "scmhost", "scmhost_1_", "Bearer x", "scmhost_1_" + "x" * 42, "\ud800", "scmhost_\u0661_" + "x" * 43]


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "ci\x1b[31m", "a\nb"])
def test_name_of_a_token_is_short_and_readable(services: Services, acme: Organization, name: str) -> None:
    """A list shows it on one line, so that a person knows what the token is for."""
    with pytest.raises(InvalidInput, match="1 to 100 characters"):
        create_token(services, acme, name, ["org:read"])


def test_new_token_authenticates(services: Services, acme: Organization) -> None:
    """The caller has the token's organization, its scopes, and its name in the audit log."""
    token, text = create_token(services, acme, "ci", ["org:read", "org:ci", "org:read"])
    caller = authenticate(services, text)
    assert (caller.organization, caller.token) == (acme, token)
    assert caller.actor == Actor("token", "ci", token.id)
    assert token.scopes == {"org:read", "org:ci"}
    assert (text[-4:], token.created_at) == (token.hint, START)
    assert [caller.has_any(frozenset(scopes)) for scopes in (["org:ci", "org:admin"], ["org:admin"], [])] == [
        True,
        False,
        False,
    ]


def test_secret_is_not_stored(services: Services, acme: Organization) -> None:
    """Neither the list of tokens nor the audit log contains the secret."""
    secret = create_token(services, acme, "ci", [])[1]
    assert secret not in repr(list_tokens(services, acme))
    assert recorded(services, acme) == [("org.create", "acme"), ("token.create", "ci")]


def test_two_tokens_differ(services: Services, acme: Organization) -> None:
    """Two tokens with the same name and scopes have different secrets."""
    first, second = (create_token(services, acme, "ci", ["org:read"]) for _ in range(2))
    assert first[1] != second[1]
    assert list_tokens(services, acme) == [first[0], second[0]]


def test_unknown_scope_is_refused(services: Services, acme: Organization) -> None:
    """The text names the unknown scope and all scopes, and no token is saved."""
    with pytest.raises(InvalidInput, match=r"'org:own' does not exist.*org:read") as refusal:
        create_token(services, acme, "ci", ["org:read", "org:own"])
    assert (refusal.value.field, list_tokens(services, acme)) == ("scopes", [])


def test_only_code_read_reads_code(services: Services, acme: Organization) -> None:
    """All other scopes together do not, not even those of an administrator; no class of endpoints includes it."""
    without, code = (create_token(services, acme, "ci", scopes)[1] for scopes in (DEFAULT_SCOPES, [READ_CODE]))
    with pytest.raises(Forbidden, match=r"needs the scope code:read.*token create --scope code:read"):
        check_reads_code(authenticate(services, without))
    check_reads_code(authenticate(services, code))
    assert not any(READ_CODE in scopes for methods in SCOPES.values() for scopes in methods.values())


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_token_is_refused(services: Services, text: str) -> None:
    """A text of another form is refused without a database query."""
    with pytest.raises(Unauthenticated, match="not a token of scmhost"):
        authenticate(services, text)


def test_unknown_token_is_refused(services: Services, acme: Organization) -> None:
    """A token with another secret, of no organization, or of another organization is unknown."""
    rival = create_organization(services, "rival")
    secret = create_token(services, acme, "ci", [])[1][-43:]
    for organization_id, tail in ((acme.id, "x" * 43), (10**15, secret), (rival.id, secret)):
        with pytest.raises(Unauthenticated, match="unknown"):
            authenticate(services, f"scmhost_{organization_id}_{tail}")


def test_revoked_token_is_refused(services: Services, acme: Organization) -> None:
    """A token is refused after it was revoked; revoking it again changes nothing and is not recorded."""
    token, text = create_token(services, acme, "ci", [])
    for _ in range(2):
        revoke_token(services, acme, token.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate(services, text)
    assert recorded(services, acme)[2:] == [("token.revoke", "ci")]


def test_token_of_another_organization_cannot_be_revoked(services: Services, acme: Organization) -> None:
    """An id of another organization's token is as unknown as an id of no token."""
    rival = create_organization(services, "rival")
    token, text = create_token(services, acme, "ci", [])
    for unknown in (token.id, 2**52):
        with pytest.raises(NotFound, match=f"'rival' has no token with the id {unknown}"):
            revoke_token(services, rival, unknown)
    assert authenticate(services, text).token == token


def test_token_expires(services: Services, acme: Organization) -> None:
    """A token is valid until its expiry, and not at that moment."""
    token, text = create_token(services, acme, "ci", [], START + timedelta(seconds=10))
    assert isinstance(services.clock, SettableClock)
    services.clock.turn(9.9)
    assert authenticate(services, text).token == token
    services.clock.turn(0.1)
    with pytest.raises(Unauthenticated, match="expired"):
        authenticate(services, text)


@pytest.mark.parametrize("scope_class", SCOPES)
def test_scopes_of_endpoints_exist(scope_class: str) -> None:
    """Every endpoint accepts at least one scope, and only scopes that a token can have."""
    methods = next(methods for name, methods in SCOPES.items() if name == scope_class)
    assert methods
    for scopes in methods.values():
        assert scopes
        assert scopes <= set(ALL_SCOPES)


def test_last_use_is_saved_by_the_housekeeping_only(
    services: Services, acme: Organization, sqlite_store: Store
) -> None:
    """A request keeps it in memory; many requests are one write, and an older time replaces no newer one."""
    token, text = create_token(services, acme, "ci", ["org:ci"])
    clock = services.clock
    assert isinstance(clock, SettableClock)
    for _ in range(3):
        authenticate(services, text)
        clock.turn(1)
    assert [one.last_used_at for one in list_tokens(services, acme)] == [None]
    save_token_uses(services)
    used = START + timedelta(seconds=3)
    assert [one.last_used_at for one in list_tokens(services, acme)] == [used]
    # Another worker may be behind.
    with sqlite_store.write() as tx:
        queries.save_token_uses(tx, {(acme.id, token.id): START})
    assert [one.last_used_at for one in list_tokens(services, acme)] == [used]


def test_last_use_is_kept_while_the_database_is_down(services: Services, acme: Organization) -> None:
    """What could not be saved is saved later, and a revoked token is not used."""
    token, text = create_token(services, acme, "ci", ["org:ci"])
    authenticate(services, text)
    broken = replace(services, store=Store.open("sqlite:////no/such/folder/x.db"))
    with pytest.raises(Unavailable):
        save_token_uses(broken)
    save_token_uses(services)
    revoke_token(services, acme, token.id)
    (saved,) = list_tokens(services, acme)
    with pytest.raises(Unauthenticated):
        authenticate(services, text)
    save_token_uses(services)
    assert (saved.last_used_at, list_tokens(services, acme)[0].last_used_at) == (START, START)
