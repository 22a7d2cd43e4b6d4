"""Take in what a code host tells of a push: the plugin reads the delivery, the host saves the commits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from scmhost.infra.errors import NotFound, Unauthenticated
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import calls_for, refusals
from scmhost.installations.webhooks import secret_text
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls, ProviderOff
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import address_of, path_of
from scmhost.sdk import Installation, Organization, ProviderForbidden, Push, Repository, RepositoryStatus
from scmhost.services import Services

from . import bulk_queries
from .ingest import Ingested, announce
from .payload import commits_from_drafts

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Webhook:
    """Where a delivery goes, and the secrets with which it may be signed."""

    organization: Organization
    installation: Installation
    secrets: Sequence[str]


def receive_push(
    services: Services, installation_id: int, headers: Mapping[str, str], body: bytes
) -> tuple[list[Ingested], tuple[str, ...]]:
    """Save the commits of a delivery; the same delivery again changes nothing. The notes say what was left out.

    Raises:
        NotFound: there is no such webhook. A stranger learns no more than that.
        Unauthenticated: the delivery is signed with none of the installation's secrets.
        ProviderRefused: the plugin cannot read it.
    """
    webhook = _webhook(services, installation_id)
    calls = _calls(services, webhook)
    pushes = _read(services, calls, webhook, headers, body)
    done: list[Ingested] = []
    notes: list[str] = []
    with services.telemetry.act("ingest"), services.store.write() as tx:
        known = repository_queries.of_installation(tx, webhook.organization.id, installation_id)
        for push in pushes:
            repository = _named(known, push.repository)
            notes += _notes(push, repository)
            drafts = commits_from_drafts(push.commits, services.limits)
            if repository and drafts:
                saved = bulk_queries.save(tx, webhook.organization.id, repository.id, drafts, services.clock.now())
                done.append(Ingested(repository, drafts, saved, drafts[0].sha))
    announce(services, webhook.organization, done)
    return done, tuple(notes)


def _webhook(services: Services, installation_id: int) -> _Webhook:
    key = services.webhook_key
    with services.store.read() as tx:
        owner = installation_queries.owner_of(tx, installation_id)
        organization = organization_queries.get_organization(tx, owner) if owner is not None else None
        found = installation_queries.get(tx, organization.id, installation_id) if organization else None
        now = services.clock.now()
        live = (
            installation_queries.live_secrets(tx, organization.id, installation_id, now) if organization and key else ()
        )
    if key is None or organization is None or found is None or not live:
        raise _nothing_here()
    texts = [secret_text(key.get_secret_value(), secret) for secret in live]
    return _Webhook(organization, found.installation, texts)


def _calls(services: Services, webhook: _Webhook) -> ProviderCalls:
    try:
        calls = calls_for(services, webhook.installation.provider, webhook.organization)
    except ProviderOff as off:
        log.warning("delivery refused", installation=webhook.installation.id, reason=str(off))
        raise _nothing_here() from off
    if not calls.has("scm_read_push"):
        raise _nothing_here()
    return calls


def _read(
    services: Services, calls: ProviderCalls, webhook: _Webhook, headers: Mapping[str, str], body: bytes
) -> Sequence[Push]:
    for secret in webhook.secrets:
        pushes = _opened(calls, webhook, headers, body, secret)
        if pushes is None:
            continue
        for push in pushes:
            services.limits.check("commits_per_request", len(push.commits))
        return pushes
    raise Unauthenticated("The delivery is not signed with a secret of this webhook.")


def _opened(
    calls: ProviderCalls, webhook: _Webhook, headers: Mapping[str, str], body: bytes, secret: str
) -> Sequence[Push] | None:
    """What the delivery says, or None when it is not signed with this secret."""
    with refusals():
        try:
            return calls.read_push(webhook.installation, headers, body, secret)
        except ProviderForbidden:
            return None


def _named(known: Sequence[Repository], name: str) -> Repository | None:
    """The installation's active repository that a delivery names by external id, name or URL."""
    active = [repository for repository in known if repository.status is RepositoryStatus.ACTIVE]
    for told in _names(name):
        for repository in active:
            if told and told in (repository.external_id, repository.name.casefold(), address_of(repository.url or "")):
                return repository
    return None


def _names(name: str) -> Iterator[str]:
    """A name as it is, as an address, and the path of the address: a repository may have no URL of its own."""
    yield name
    yield name.casefold()
    yield address_of(name)
    yield path_of(name)


def _notes(push: Push, repository: Repository | None) -> Iterator[str]:
    if repository is None:
        yield f"Repository {push.repository!r} is not one of this installation's active repositories; it was left out."
    elif push.unlisted:
        yield (
            f"The delivery does not list all commits of the push to {repository.name!r}; "
            f"at least {push.unlisted} are missing here until they are sent otherwise."
        )


def _nothing_here() -> NotFound:
    return NotFound("There is no webhook here that is ready for deliveries.")
