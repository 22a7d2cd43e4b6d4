"""Receive pushes from code hosts: the plugin reads the delivery, the host saves the commits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from scmhost.commits.ingest import IngestedCommits, report_saved_commits
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import NotFound, Unauthenticated
from scmhost.installations import queries as installation_queries
from scmhost.installations.webhooks import secret_text
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls, ProviderOff
from scmhost.plugins.calls import refusals
from scmhost.repositories import alias_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.alias_queries import address_of, path_of
from scmhost.sdk import Installation, Organization, ProviderForbidden, Push, Repository, RepositoryStatus
from scmhost.services import Services

from . import bulk_queries
from .payload import commits_from_drafts

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Webhook:
    """The installation that a delivery is for, its active repositories, and the secrets that may have signed it."""

    organization: Organization
    installation: Installation
    repositories: Sequence[Repository]
    secrets: Sequence[str]


def receive_push(
    services: Services, installation_id: int, headers: Mapping[str, str], body: bytes
) -> tuple[list[IngestedCommits], tuple[str, ...]]:
    """Save the commits of a delivery. The same delivery again changes nothing.

    Returns:
        What was saved, by repository, and notes about what was left out.

    Raises:
        NotFound: there is no such webhook, or it cannot receive deliveries. The error does not distinguish them,
            because the caller is not authenticated yet.
        Unauthenticated: no secret of the installation signed the delivery.
        ProviderRefused: the plugin cannot read the delivery.
    """
    webhook = _webhook(services, installation_id)
    pushes = _verified_pushes(services, webhook, headers, body)
    ingested: list[IngestedCommits] = []
    notes: list[str] = []
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        # Only those of the installation: its secret must not give write access to other repositories.
        known = repository_queries.of_installation(tx, webhook.organization.id, installation_id)
        for push in pushes:
            repository = _find(known, push.repository) or _find_renamed(tx, known, push.repository)
            notes += _notes(push, repository)
            commits = commits_from_drafts(push.commits, services.limits)
            if repository and commits:
                saved = bulk_queries.save(tx, webhook.organization.id, repository.id, commits, services.clock.now())
                ingested.append(IngestedCommits(repository, commits, saved, commits[0].sha))
    report_saved_commits(services, webhook.organization, ingested)
    return ingested, tuple(notes)


def _webhook(services: Services, installation_id: int) -> _Webhook:
    key = services.webhook_key
    with services.store.read() as tx:
        owner = installation_queries.owner_of(tx, installation_id)
        organization = organization_queries.get_organization(tx, owner) if owner is not None else None
        if key is None or organization is None:
            raise _no_webhook()
        found = installation_queries.get(tx, organization.id, installation_id)
        now = services.clock.now()
        owned = repository_queries.of_installation(tx, organization.id, installation_id)
        live = installation_queries.live_secrets(tx, organization.id, installation_id, now)
    if found is None or not live:
        raise _no_webhook()
    # Secrets are derived from the key of the service, so that the database alone does not reveal them.
    texts = [secret_text(key.get_secret_value(), secret) for secret in live]
    active = [repository for repository in owned if repository.status is RepositoryStatus.ACTIVE]
    return _Webhook(organization, found.installation, active, texts)


def _verified_pushes(services: Services, webhook: _Webhook, headers: Mapping[str, str], body: bytes) -> Sequence[Push]:
    """Return the pushes of a delivery that one of the webhook's secrets signed."""
    calls = _calls(services, webhook)
    for secret in webhook.secrets:
        with refusals():
            try:
                pushes = calls.read_push(webhook.installation, headers, body, secret, webhook.repositories)
            # For a while after a rotation, deliveries are signed with the old secret or with the new one.
            except ProviderForbidden:
                continue
        for push in pushes:
            services.limits.check("commits_per_request", len(push.commits))
        return pushes
    raise Unauthenticated("The delivery is not signed with a secret of this webhook.")


def _calls(services: Services, webhook: _Webhook) -> ProviderCalls:
    try:
        calls = services.plugins.calls_for(webhook.installation.provider, webhook.organization)
    except ProviderOff as off:
        log.warning("delivery refused", installation=webhook.installation.id, reason=str(off))
        raise _no_webhook() from off
    if not calls.has("scm_read_push"):
        raise _no_webhook()
    return calls


def _find(known: Sequence[Repository], name: str) -> Repository | None:
    """Return the installation's active repository that a delivery means by its external id, name or URL."""
    active = [repository for repository in known if repository.status is RepositoryStatus.ACTIVE]
    # The path of the address comes last, for a repository that has no URL of its own.
    for key in (name, name.casefold(), address_of(name), path_of(name)):
        for repository in active:
            if key and key in (repository.external_id, repository.name.casefold(), address_of(repository.url or "")):
                return repository
    return None


def _find_renamed(tx: Transaction, known: Sequence[Repository], name: str) -> Repository | None:
    """Return the active repository that had this name or URL before it was renamed or moved."""
    active = {repository.id: repository for repository in known if repository.status is RepositoryStatus.ACTIVE}
    meant = {name.casefold(), address_of(name)} - {""}
    earlier = alias_queries.keys_of(tx, known[0].organization_id, active) if known else {}
    return next((active[id_] for id_, keys in earlier.items() if meant & keys), None)


def _notes(push: Push, repository: Repository | None) -> Iterator[str]:
    if repository is None:
        yield f"Repository {push.repository!r} is not one of this installation's active repositories; it was left out."
    elif push.unlisted:
        yield (
            f"The delivery does not list all commits of the push to {repository.name!r}; "
            f"at least {push.unlisted} are missing here until they are sent in another way."
        )


def _no_webhook() -> NotFound:
    return NotFound("There is no webhook here that is ready for deliveries.")
