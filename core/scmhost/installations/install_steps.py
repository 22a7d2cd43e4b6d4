"""Install in steps: begin here, continue at the code host, and finish when the browser comes back.

The browser that comes back has no token. It is recognized by the state alone: 256 random bits that are used once,
within ten minutes. Its address goes to the person who began the installation, and the result is saved and audited
under them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import parse_qsl

import structlog
from pydantic import JsonValue

from scmhost.infra.errors import Conflict, NotFound, ProviderRefused, ScmhostError, Unavailable
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import PluginFault, ProviderCalls, ProviderOff
from scmhost.plugins.calls import refusals
from scmhost.plugins.isolation.faults import safe_text
from scmhost.sdk import InstallationDraft, JsonObject, Organization, RedirectTo
from scmhost.sdk.secrets import enclosed_secrets, secret_fields
from scmhost.services import Services

from . import pending_queries as queries
from .install import install_provider, notify_saved, read_form, save_draft
from .pending_queries import PendingDraft, PendingInstallation, PendingStatus
from .queries import StoredInstallation
from .sealing import NO_KEY

LIFETIME: Final = timedelta(minutes=10)
"""How long a person may take at the code host."""

KEPT: Final = timedelta(hours=1)
"""How long the result of a pending installation can be read after it expired."""

INTERRUPTED: Final = timedelta(minutes=1)
"""After this time a worker that finishes an installation has ended: the hook and the database take less."""

MOST_WAITING: Final = 100
"""How many installations of an organization may wait for a browser."""

LONGEST_QUERY: Final = 8_192
MOST_PARAMETERS: Final = 50

CALLBACK: Final = "/hooks/install/{provider}/"
"""The path to which code hosts send browsers back."""

# The id of the organization, which leads the key of the table, and 256 random bits in URL-safe base64.
_STATE: Final = re.compile(r"(\d{1,16})\.[A-Za-z0-9_-]{43}", re.ASCII)
_NO_ADDRESS: Final = (
    "this host does not have the address to which the code host sends the browser back: the operator sets url under "
    '[host] of plugins.toml, such as url = "https://scmhost.example", and starts scmhost again'
)

# The texts of these errors for a browser without a token.
_SHOWN: Final[tuple[tuple[type[ScmhostError], str], ...]] = (
    (PluginFault, "The plugin of this provider failed. The operator finds the cause in the log."),
    (ProviderOff, "This provider is off for the organization. Reload this page when it is on again."),
    (Unavailable, "The service cannot finish this now. Reload this page in a few minutes."),
)

log = structlog.get_logger(__name__)


class CallbackRefused(ScmhostError):
    """A browser came back in a way that finishes no installation; nothing was changed.

    Attributes:
        gone: whether the state was valid before.
    """

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True, slots=True)
class BegunInstallation:
    """An installation that a person has to continue at an address of the code host."""

    pending: PendingInstallation
    redirect: str


@dataclass(frozen=True, slots=True)
class FinishedInstallation:
    """The result of a callback. ``error`` is why there is no installation."""

    organization: Organization
    provider: str
    installation: StoredInstallation | None = None
    error: ScmhostError | None = None


def begin_installation(
    services: Services, organization: Organization, provider_key: str, fields: Mapping[str, JsonValue]
) -> StoredInstallation | BegunInstallation:
    """Install a provider, or begin to: the plugin may need a person's consent at the code host.

    Raises:
        ProviderOff, InvalidForm, ProviderRefused, PluginFault: as for ``install_provider``.
        Conflict: as for ``install_provider``; or the host has no address or key, or too many installations wait.
    """
    calls = services.plugins.calls_for(provider_key, organization)
    if not calls.has("scm_begin_install"):
        return install_provider(services, organization, provider_key, fields)
    form = read_form(calls, calls.provider.install_form, fields)
    callback_url = services.url + CALLBACK.format(provider=provider_key) if services.url else ""
    state = f"{organization.id}.{token_urlsafe(32)}"
    # Outside of the transaction: the plugin may call its code host, and a write must not wait for that.
    with refusals():
        step = calls.begin_install(form, organization, callback_url, state)
    if isinstance(step, InstallationDraft):
        with services.store.write() as tx:
            made = save_draft(tx, services, organization, calls, step, "scm_begin_install")
        notify_saved(services, organization, made)
        return made
    if not callback_url:
        raise Conflict(f"The installation continues at the code host, and {_NO_ADDRESS}.")
    return BegunInstallation(_save_pending(services, organization, calls, step, callback_url, state), step.url)


def _save_pending(
    services: Services,
    organization: Organization,
    calls: ProviderCalls,
    step: RedirectTo,
    callback_url: str,
    state: str,
) -> PendingInstallation:
    digest, now = _digest(state), services.clock.now()
    draft = PendingDraft(
        provider=calls.provider.key,
        digest=digest,
        callback_url=callback_url,
        sealed=_seal(services, calls, step, digest),
        actor=services.actor,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    with services.store.write() as tx:
        if queries.count_waiting(tx, organization.id, now) >= MOST_WAITING:
            raise Conflict(
                f"{MOST_WAITING} installations of this organization wait for a browser; finish them, or try again "
                "in ten minutes."
            )
        return queries.add(tx, organization.id, draft)


def _seal(services: Services, calls: ProviderCalls, step: RedirectTo, digest: str) -> str | None:
    """Return the encrypted data of the plugin, bound to the state; None if there is none."""
    configuration = calls.provider.configuration
    gives_secrets = configuration is not None and bool(secret_fields(configuration) or enclosed_secrets(configuration))
    # Asked for now: a person must not give a consent that cannot be saved.
    if services.secret_box.key_id is None and (step.saved or gives_secrets):
        raise Conflict(f"Installing {calls.provider.name} in steps needs secrets, and {NO_KEY}.")
    return services.secret_box.encrypt(json.dumps({"state": digest, "saved": step.saved})) if step.saved else None


def finish_installation(services: Services, provider_key: str, query_string: bytes) -> FinishedInstallation:
    """Finish an installation: a browser came back from the code host with this query.

    Its state is used before the plugin is called, so that of two callbacks at once only one is answered.

    Raises:
        CallbackRefused: the query is too large, or its state is missing, foreign, used or expired.
        ProviderOff: the provider is off for the organization. The state stays valid.
        KeyLost: what the plugin saved cannot be decrypted. The state stays valid.
    """
    query = read_query(query_string)
    state = query.get("state", "")
    organization, pending, sealed = _pending_of(services, provider_key, state)
    services = services.for_actor(pending.actor)
    calls = services.plugins.calls_for(provider_key, organization)
    if not calls.has("scm_finish_install"):
        raise CallbackRefused("The plugin of this provider has changed. Begin the installation again.", gone=True)
    saved = _unseal(services, sealed, state)
    with services.store.write() as tx:
        if not queries.use(tx, pending, services.clock.now()):
            raise _used()
    result = FinishedInstallation(organization, calls.provider.name)
    try:
        with refusals():
            draft = calls.finish_install(query, saved, organization, pending.callback_url)
        with services.store.write() as tx:
            stored = save_draft(tx, services, organization, calls, draft, "scm_finish_install")
            queries.settle(tx, pending, "installed", installation_id=stored.installation.id)
    except ScmhostError as error:
        status: PendingStatus = "refused" if isinstance(error, ProviderRefused) else "failed"
        log.warning("installation not finished", organization=organization.id, provider=provider_key, status=status)
        with services.store.write() as tx:
            queries.settle(tx, pending, status, safe_text(str(error)))
        return replace(result, error=error)
    notify_saved(services, organization, stored)
    return replace(result, installation=stored)


def read_query(query_string: bytes) -> Mapping[str, str]:
    """Return the parameters of a callback.

    Raises:
        CallbackRefused: the query is too long, or has too many parameters or one of them twice.
    """
    if len(query_string) > LONGEST_QUERY:
        raise CallbackRefused(f"The query of this address is longer than {LONGEST_QUERY} bytes.")
    # Never fails: what is not ASCII must be escaped anyway, and escapes are read as UTF-8.
    text = query_string.decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise CallbackRefused(f"The query of this address has more than {MOST_PARAMETERS} parameters.") from None
    query = dict(pairs)
    # OAuth 2.0 forbids repeated parameters: programs disagree on which of them counts.
    if len(query) < len(pairs):
        raise CallbackRefused("A parameter occurs twice in the query of this address.")
    return query


def _pending_of(
    services: Services, provider_key: str, state: str
) -> tuple[Organization, PendingInstallation, str | None]:
    """Return the installation that a state belongs to, with its organization and what is sealed for it."""
    match = _STATE.fullmatch(state)
    if not match:
        raise _foreign()
    organization_id, now = int(match[1]), services.clock.now()
    with services.store.read() as tx:
        organization = organization_queries.get_organization(tx, organization_id)
        found = queries.by_digest(tx, organization_id, _digest(state)) if organization else None
        if organization is None or found is None or found[0].provider != provider_key:
            raise _foreign()
        pending, sealed = found
        actor = pending.actor
        is_token = actor.kind == "token" and actor.id is not None
        token = organization_queries.get_token(tx, organization_id, actor.id or 0) if is_token else None
    if pending.status != "waiting":
        raise _used()
    if pending.expires_at <= now:
        raise CallbackRefused("This installation was not confirmed in time. Begin it again.", gone=True)
    # A token that was revoked meanwhile must not install anything.
    if is_token and (token is None or token.revoked_at or (token.expires_at and token.expires_at <= now)):
        raise CallbackRefused("The token that began this installation is not valid any more.", gone=True)
    return organization, pending, sealed


def _unseal(services: Services, sealed: str | None, state: str) -> JsonObject:
    if sealed is None:
        return {}
    stored = json.loads(services.secret_box.decrypt(sealed))
    # A row that is copied to another state must not give that one the data.
    if stored["state"] != _digest(state):
        raise _foreign()
    saved: JsonObject = stored["saved"]
    return saved


def pending_installation(services: Services, organization: Organization, pending_id: int) -> PendingInstallation:
    """Return an installation that the services' actor began, with its current status.

    Raises:
        NotFound: there is none, or another token or user began it.
    """
    with services.store.read() as tx:
        pending = queries.get(tx, organization.id, pending_id)
    if pending is None or pending.actor != services.actor:
        raise NotFound(f"There is no pending installation {pending_id} that was begun by this token or user.")
    return _current(pending, services.clock.now())


def _current(pending: PendingInstallation, now: datetime) -> PendingInstallation:
    if pending.status == "waiting" and pending.expires_at <= now:
        return replace(pending, status="expired", detail="It was not confirmed in time; begin it again.")
    if pending.status == "finishing" and pending.used_at and pending.used_at + INTERRUPTED <= now:
        detail = "It was interrupted while it was finished; look for it among the installations, or begin it again."
        return replace(pending, status="failed", detail=detail)
    return pending


def forget_expired(services: Services) -> int:
    """Remove what plugins saved for expired installations, and delete old results; return how many."""
    now = services.clock.now()
    with services.store.read() as tx:
        # Most rounds find nothing. A read does not take the writer's lock of SQLite.
        if not queries.any_expired(tx, now, now - KEPT):
            return 0
    with services.store.write() as tx:
        return queries.forget_expired(tx, now, now - KEPT)


def shown_error(error: ScmhostError) -> str:
    """Return the public text of an error, without the host's configuration and faults."""
    return next((text for kind, text in _SHOWN if isinstance(error, kind)), str(error))


def _digest(state: str) -> str:
    # A fast hash is enough: the state has 256 random bits.
    return sha256(state.encode()).hexdigest()


def _used() -> CallbackRefused:
    return CallbackRefused("This address was used already. If nothing is installed, begin again.", gone=True)


def _foreign() -> CallbackRefused:
    return CallbackRefused(
        "This address belongs to no installation that was begun here. Begin it with scmhost, and follow the address "
        "that it prints."
    )
