"""FastAPI dependencies: the services, the caller, and the organization and project that the caller may use."""

import base64
import binascii
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Annotated, Final, NamedTuple, cast

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from scmhost.infra.db.base import is_id, secret_digest
from scmhost.infra.db.engine import OrganizationCache
from scmhost.infra.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated
from scmhost.infra.http import documented, note_organization
from scmhost.sdk import Organization
from scmhost.services import Actor, Services

from . import queries
from .queries import Project, Token
from .tokens import READ_CODE, SCOPES, ScopeClass, local_token

# Without auto_error: FastAPI's own error would have another shape than Sentry's.
_BEARER = HTTPBearer(auto_error=False, description="A token of `scmhost token create`.")

_IN_PATH: Final = {"organization": "An organization's slug or id.", "project": "A project's slug or id."}
OrganizationSegment = Annotated[str, Path(alias="organization", description=_IN_PATH["organization"])]
ProjectSegment = Annotated[str, Path(alias="project", description=_IN_PATH["project"])]


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated API token and its organization; for a command on this machine, its user."""

    organization: Organization
    token: Token
    user: Actor | None = None

    def has_any(self, scopes: frozenset[str]) -> bool:
        """Return whether the token has one of the scopes."""
        return bool(self.token.scopes & scopes)

    @property
    def actor(self) -> Actor:
        """The caller, for the audit log."""
        return self.user or Actor("token", self.token.name, self.token.id)


# An id below 10**16, and 256 random bits in the alphabet of URL-safe Base64.
_PLAIN: Final = re.compile(r"scmhost_(\d{1,16})_[A-Za-z0-9_-]{43}", re.ASCII)
# Clients of Sentry split the text at its two underscores, so both parts are in the alphabet of plain Base64.
_WITH_SERVICE: Final = re.compile(r"sntrys_([A-Za-z0-9+/=]{1,4096})_([A-Za-z0-9+/]{43})", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9_-]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A token as a client sent it.

    Attributes:
        organization: the id of the token's organization, or its slug.
        secret: the text whose digest is stored; None: the digest is over the organization's id and ``random_part``.
        random_part: the secret part of a token that contains the address of the service.
    """

    organization: int | str
    secret: str | None = None
    random_part: str = ""

    def digest(self, organization_id: int) -> str:
        """Return the digest under which the token is stored, if it is one of this organization."""
        if self.secret:
            return secret_digest(self.secret)
        return queries.service_token_digest(organization_id, self.random_part)


def read_token(text: str) -> ReadToken | None:
    """Return the parts of a token; None if it has neither form."""
    # The table's key begins with the organization's id, so the text names the organization.
    if plain := _PLAIN.fullmatch(text):
        return ReadToken(int(plain[1]), text)
    if match := _WITH_SERVICE.fullmatch(text):
        slug = _organization_in(match[1])
        return ReadToken(slug, random_part=match[2]) if slug else None
    return None


def _organization_in(encoded: str) -> str | None:
    try:
        claim = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    slug = claim.get("org") if isinstance(claim, dict) else None
    return slug if isinstance(slug, str) and _SLUG.fullmatch(slug) else None


def authenticate(services: Services, text: str) -> Caller:
    """Return the caller that a token belongs to.

    Raises:
        Unauthenticated: the token is malformed, unknown, revoked or expired.
        TooManyRequests: it has made more than ``limits.requests_per_minute``, or its organization has made too many.
    """
    caller = authenticate_cached(services, text)
    if caller:
        return caller
    sent = _read_bearer(text)
    cache = services.store.caches.find(sent.organization, services.clock.now(), queries.find_named)
    if cache is None:
        raise Unauthenticated(_UNKNOWN)
    # The digest covers the id: a token that names another organization matches no row.
    digest = sent.digest(cache.organization.id)
    with services.store.read() as tx:
        token = queries.token_by_digest(tx, cache.organization.id, digest)
    # Apart from the valid ones: guesses may fill only a cache of their own.
    cache.keep("token" if token else "unknown token", digest, token or digest)
    return _caller(services, cache, token)


def authenticate_cached(services: Services, text: str) -> Caller | None:
    """Return the same as ``authenticate`` without the database; None: it has to be read.

    Raises:
        Unauthenticated: the token is malformed, unknown, revoked or expired.
    """
    if text in services.local_tokens:
        organization, user = services.local_tokens[text]
        note_organization(organization)
        return Caller(organization, local_token(organization, user, services.clock.now()), user)
    sent = _read_bearer(text)
    cache = services.store.caches.get(sent.organization, services.clock.now())
    if cache is None:
        return None
    digest = sent.digest(cache.organization.id)
    token = cache.peek("token", digest)
    return _caller(services, cache, token) if token or cache.peek("unknown token", digest) else None


_UNKNOWN: Final = "Invalid token: it is unknown here."


def _read_bearer(text: str) -> ReadToken:
    sent = read_token(text)
    if sent is None:
        raise Unauthenticated("Invalid token: this is not a token of scmhost.")
    return sent


def _caller(services: Services, cache: OrganizationCache, token: Token | None) -> Caller:
    if token is None:
        raise Unauthenticated(_UNKNOWN)
    if token.revoked_at is not None:
        raise Unauthenticated("Invalid token: it was revoked.")
    if token.expires_at is not None and token.expires_at <= services.clock.now():
        raise Unauthenticated("Invalid token: it has expired.")
    organization = cache.organization
    limit_rate(services, "token", token.id, services.limits.requests_per_minute)
    # One with many tokens must not starve the others.
    own = services.limits.quotas.organizations.get(organization.slug)
    most = own.organization_requests_per_minute if own else None
    limit_rate(services, "organization", organization.id, most or services.limits.organization_requests_per_minute)
    # Saved by the housekeeping, because a request only reads the database.
    services.token_uses.add((organization.id, token.id))
    note_organization(organization, token.id)
    return Caller(organization, token)


def services_in(request: Request) -> Services:
    """Return the services of a request's application."""
    return cast("Services", request.app.state.services)


_MINUTE: Final = 60.0


def limit_rate(
    services: Services, kind: str, key: int, most: int, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Take a request from the token bucket of a token, a key or an organization.

    It holds ``most`` requests, and fills up in a minute.

    Raises:
        TooManyRequests: the bucket is empty. This request does not count.
    """
    now, step = clock(), _MINUTE / most
    wait = services.buckets.used((kind, key), now) + step - _MINUTE
    # It is a whole step, or an error of rounding.
    if wait > step / 2:
        services.telemetry.count("refused_requests", {kind: 1})
        raise TooManyRequests(f"Too many requests of this {kind}", max(1, ceil(round(wait, 3))))
    services.buckets.take((kind, key), step, now)


async def services_of(request: Request) -> Services:
    """Return the same. It is async, because FastAPI runs a plain function in a thread."""
    return services_in(request)


ServicesDep = Annotated[Services, Depends(services_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def authenticated_caller(services: ServicesDep, credentials: Credentials) -> Caller:
    """Return the caller that the bearer token belongs to."""
    if credentials is None:
        raise Unauthenticated("Authentication credentials were not provided.")
    token = credentials.credentials
    # Most tokens are cached: only the others need the database, and a thread for it.
    cached = authenticate_cached(services, token)
    if cached is None:
        return await run_in_threadpool(authenticate, services, token)
    return cached


CallerDep = Annotated[Caller, Depends(authenticated_caller)]


async def acting_services(services: ServicesDep, caller: CallerDep) -> Services:
    """Return the services for routes that change something: the audit log names the caller."""
    return replace(services, actor=caller.actor)


AuditedServices = Annotated[Services, Depends(acting_services)]


async def optional_caller(services: ServicesDep, credentials: Credentials) -> Caller | None:
    """Return the caller, or None if the request has no token. An invalid token is refused."""
    return None if credentials is None else await authenticated_caller(services, credentials)


OptionalCaller = Annotated[Caller | None, Depends(optional_caller)]


def require_scope(scope_class: ScopeClass) -> Callable[..., Awaitable[Organization]]:
    """Return a dependency: the organization in the path, if the caller's token may use the method there."""

    async def check(request: Request, organization: OrganizationSegment, caller: CallerDep) -> Organization:
        return _checked_organization(caller, organization, scope_class, request.method)

    return check


def _checked_organization(caller: Caller, organization: str, scope_class: ScopeClass, method: str) -> Organization:
    # 404 for another organization's slug too, so that a token does not reveal which organizations exist.
    if organization not in (caller.organization.slug, str(caller.organization.id)):
        raise NotFound(f"There is no organization {organization!r} that this token may see.")
    check_scope(caller, scope_class, method)
    return caller.organization


def check_scope(caller: Caller, scope_class: ScopeClass, method: str) -> None:
    """Check that the caller's token has a scope for a method.

    Raises:
        Forbidden: it has none.
    """
    scopes = SCOPES[scope_class].get(method, frozenset())
    if not caller.has_any(scopes):
        raise Forbidden(f"This token may not do that; one of these scopes is needed: {', '.join(sorted(scopes))}.")


def check_reads_code(caller: Caller) -> None:
    """Check that the caller's token may read source code.

    Raises:
        Forbidden: it may not; the text has the next step.
    """
    if READ_CODE not in caller.token.scopes:
        raise Forbidden(
            f"This token may not read source code: it needs the scope {READ_CODE}. Create a token with `scmhost token "
            f"create --scope {READ_CODE} --scope project:read`, or leave `context` out."
        )


ForOrganization = Annotated[Organization, Depends(require_scope("organization"))]
ForAudit = Annotated[Organization, Depends(require_scope("audit"))]
ForIntegrations = Annotated[Organization, Depends(require_scope("integrations"))]
ForLoose = Annotated[Organization, Depends(require_scope("loose"))]
ForReleases = Annotated[Organization, Depends(require_scope("releases"))]
ForProjects = Annotated[Organization, Depends(require_scope("project"))]
ForLinks = Annotated[Organization, Depends(require_scope("links"))]


class Access(NamedTuple):
    """The services, and the organization that the token of a request may use."""

    services: Services
    caller: Caller
    organization: Organization


class ProjectAccess(NamedTuple):
    """The same of a project."""

    services: Services
    caller: Caller
    organization: Organization
    project: Project


def organization_access(scope_class: ScopeClass) -> Callable[..., Awaitable[Access]]:
    """Return a dependency: the organization in the path, as ``require_scope``, for routes that are called often.

    It reads the request itself: FastAPI reads each parameter of a dependency as a field of its own, which takes as long
    as the rest of such a route. Describe the route with ``organization_route``.
    """

    async def check(request: Request) -> Access:
        return await _organization_access(request, scope_class)

    return check


def project_access(scope_class: ScopeClass) -> Callable[..., Awaitable[ProjectAccess]]:
    """Return the same dependency for the project in the path. Describe the route with ``project_route``."""

    async def check(request: Request) -> ProjectAccess:
        services, caller, organization = await _organization_access(request, scope_class)
        project = await _project_in_path(services, organization, request.path_params["project"])
        return ProjectAccess(services, caller, organization, project)

    return check


async def _organization_access(request: Request, scope_class: ScopeClass) -> Access:
    services = services_in(request)
    caller = await authenticated_caller(services, await _BEARER(request))
    organization = request.path_params["organization"]
    return Access(services, caller, _checked_organization(caller, organization, scope_class, request.method))


organization_route: Final = partial(documented, {"organization": _IN_PATH["organization"]})
project_route: Final = partial(documented, _IN_PATH)


async def _project_in_path(services: Services, organization: Organization, slug_or_id: str) -> Project:
    cache = services.store.caches.get(organization.id, services.clock.now())
    cached: Project | None = cache.peek("project", slug_or_id) if cache else None
    if cached is None:
        return await run_in_threadpool(find_project, services, organization, slug_or_id)
    return cached


def find_project(services: Services, organization: Organization, slug_or_id: str) -> Project:
    """Return the organization's project with this slug or id.

    Raises:
        NotFound: there is none.
    """

    def read() -> Project:
        with services.store.read() as tx:
            return queries.require_project(tx, organization, slug_or_id)

    return services.store.caches.of(organization, services.clock.now()).get("project", slug_or_id, read)


def project_in(scope_class: ScopeClass) -> Callable[..., Awaitable[Project]]:
    """Return a dependency: the project in the path, of the caller's organization."""

    async def find(
        services: ServicesDep,
        organization: Annotated[Organization, Depends(require_scope(scope_class))],
        project: ProjectSegment,
    ) -> Project:
        return await _project_in_path(services, organization, project)

    return find


ProjectToRead = Annotated[Project, Depends(project_in("project"))]
ProjectToLink = Annotated[Project, Depends(project_in("links"))]
ProjectOfReleases = Annotated[Project, Depends(project_in("releases"))]


NumericId = Annotated[str, Path(description="A number.")]


def parse_id(text: str, what: str) -> int:
    """Return the id in a path segment.

    Raises:
        NotFound: the segment is no id; as with an unknown id, there is no such object.
    """
    if not is_id(text):
        raise NotFound(f"There is no {what} with the id {text[:40]!r}.")
    return int(text)
