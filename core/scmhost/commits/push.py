"""Receive pushes from code hosts: the plugin reads the delivery, the host saves the commits.

Each installation has an address of its own. A provider whose code host sends all deliveries to one address has a common
one, and its plugin names the installation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from scmhost.commits.ingest import IngestedCommits, report_saved_commits, take_commits
from scmhost.infra.db.base import is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import NotFound, ScmhostError, Unauthenticated
from scmhost.installations import delivery_queries
from scmhost.installations import queries as installation_queries
from scmhost.installations.delivery_queries import DeliveryDraft
from scmhost.installations.webhooks import delivery_detail, delivery_event, record_failed_delivery, secret_text
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls, ProviderOff
from scmhost.plugins.calls import refusals
from scmhost.repositories import alias_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.alias_queries import address_of, path_of
from scmhost.sdk import (
    DeliveryRoute,
    Installation,
    Organization,
    ProviderForbidden,
    Push,
    Repository,
    RepositoryStatus,
)
from scmhost.services import Services

from . import bulk_queries
from .complete import request_completion
from .fields import Notes
from .payload import commits_from_drafts

log = structlog.get_logger(__name__)

IGNORED: Final = "The delivery is not a push to an installation of this host; it was ignored."
# Each one is validated by its plugin, and the sender of the delivery is not known yet.
_MOST_TRIED: Final = 10
_NOT_SIGNED: Final = "The delivery is not signed with a secret of this webhook."


@dataclass(frozen=True, slots=True)
class _Webhook:
    """The installation that a delivery is for, and the secrets that may have signed it."""

    organization: Organization
    installation: Installation
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A request as it was received. Nothing of it is parsed before the plugin has checked the signature."""

    headers: Mapping[str, str]
    body: bytes


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
    calls = _calls(services, webhook)
    return _receive(services, calls, webhook, _Delivery(headers, body))


def receive_provider_delivery(
    services: Services, provider: str, headers: Mapping[str, str], body: bytes
) -> tuple[list[IngestedCommits], tuple[str, ...]] | None:
    """Save the commits of a delivery to the common address of a provider, for each organization that has it installed.

    Returns:
        As ``receive_push``; None for a delivery to ignore: an event that is no push, or an installation that this host
        does not have. The signature is checked first, so that nobody without the secret can learn which ones it has.

    Raises:
        NotFound: the provider has no common address, or is off.
        Unauthenticated: the delivery is not signed with the route's secret.
        ProviderRefused: the plugin cannot read the delivery.
    """
    calls = _routing_calls(services, provider)
    delivery = _Delivery(headers, body)
    route = _route(calls, delivery)
    if route is None:
        return None
    secrets = [route.secret.get_secret_value()]
    webhooks = _routed(services, calls, provider, route, secrets)
    if not webhooks:
        _check_foreign(services, calls, provider, delivery, secrets)
        return None
    ingested: list[IngestedCommits] = []
    notes: list[str] = []
    failed: ScmhostError | None = None
    for webhook in webhooks:
        try:
            done, added = _receive(services, calls, webhook, delivery)
        # The secret is that of the route: the other organizations would refuse the delivery too.
        except Unauthenticated:
            raise
        except ScmhostError as error:
            # One organization must not cost the others their commits; the code host sends the delivery again.
            failed = failed or error
            continue
        ingested += done
        notes += [note for note in added if note not in notes]
    if failed:
        raise failed
    return ingested, tuple(notes)


def _receive(
    services: Services, calls: ProviderCalls, webhook: _Webhook, delivery: _Delivery
) -> tuple[list[IngestedCommits], tuple[str, ...]]:
    """Save the commits of a delivery, and its outcome."""
    event = delivery_event(delivery.headers)
    try:
        return _save(services, calls, webhook, delivery, event)
    except ScmhostError as error:
        record_failed_delivery(services, webhook.installation, event, error, webhook.secrets)
        raise


def _save(
    services: Services, calls: ProviderCalls, webhook: _Webhook, delivery: _Delivery, event: str
) -> tuple[list[IngestedCommits], tuple[str, ...]]:
    pushes = _verified_pushes(services, calls, webhook, delivery)
    ingested: list[IngestedCommits] = []
    notes: list[str] = []
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        # Only those of the installation: its secret must not give write access to other repositories.
        known = _active(tx, webhook)
        for push in pushes:
            repository = _find(known, push.repository) or _find_renamed(tx, known, push.repository)
            completed = repository is not None and request_completion(tx, services, calls, repository, push)
            notes += _notes(push, repository, completed=completed)
            cut = Notes()
            commits = commits_from_drafts(push.commits, services.limits, cut)
            notes += cut.all() if repository else ()
            if repository and commits:
                saved = bulk_queries.save(tx, webhook.organization.id, repository.id, commits, services.clock.now())
                ingested.append(IngestedCommits(repository, commits, saved, commits[0].sha))
        take_commits(tx, services, webhook.organization, ingested)
        place = webhook.organization.id, webhook.installation.id
        delivery_queries.add(tx, *place, _outcome(event, ingested, notes), services.clock.now())
    # After the transaction: a slow plugin must not hold its locks.
    report_saved_commits(services, webhook.organization, ingested)
    return ingested, tuple(notes)


def _outcome(event: str, ingested: Sequence[IngestedCommits], notes: Sequence[str]) -> DeliveryDraft:
    """Return what a delivery has changed, in words."""
    new = sum(len(each.saved.new) for each in ingested)
    outcome: delivery_queries.DeliveryOutcome = "saved" if new else "unchanged" if ingested else "ignored"
    texts = [f"{each.repository.name}: {len(each.saved.new)} new, {each.saved.known} known." for each in ingested]
    return DeliveryDraft(event, outcome, delivery_detail([*texts, *notes] or ["It is not a push with commits."]))


def _webhook(services: Services, installation_id: int) -> _Webhook:
    key = services.webhook_key
    with services.store.read() as tx:
        owner = installation_queries.owner_of(tx, installation_id)
        organization = organization_queries.get_organization(tx, owner) if owner is not None else None
        if key is None or organization is None:
            raise _no_webhook()
        found = installation_queries.get(tx, organization.id, installation_id)
        now = services.clock.now()
        live = installation_queries.live_secrets(tx, organization.id, installation_id, now)
    if found is None or not live:
        raise _no_webhook()
    # Secrets are derived from the key of the service, so that the database alone does not reveal them.
    texts = [secret_text(key.get_secret_value(), secret) for secret in live]
    return _Webhook(organization, found.installation, texts)


def _routed(
    services: Services, calls: ProviderCalls, provider: str, route: DeliveryRoute, secrets: Sequence[str]
) -> list[_Webhook]:
    """Return the installations that a routed delivery is for, of the organizations for which the provider is on."""
    # The body is not verified yet, and no database has a text with NUL or a lone surrogate.
    if not is_text(route.external_id):
        return []
    with services.store.read() as tx:
        found = installation_queries.with_external_id(tx, provider, route.external_id)
        owners = [organization_queries.get_organization(tx, each.organization_id) for each in found]
    return [
        _Webhook(owner, each, secrets)
        for owner, each in zip(owners, found, strict=True)
        if owner is not None and services.plugins.decide(provider, owner).on and _is_valid(calls, each)
    ]


def _route(calls: ProviderCalls, delivery: _Delivery) -> DeliveryRoute | None:
    with refusals():
        try:
            return calls.route_delivery(delivery.headers, delivery.body)
        except ProviderForbidden:
            raise Unauthenticated(_NOT_SIGNED) from None


def _check_foreign(
    services: Services, calls: ProviderCalls, provider: str, delivery: _Delivery, secrets: Sequence[str]
) -> None:
    """Check the signature of a delivery for an installation that is not here, with another one in its place.

    The secret of a route does not depend on the installation. A sender without the secret thus gets the
    same answer for one that is here and one that is not.

    Raises:
        Unauthenticated: the delivery is not signed, or nothing can check it.
    """
    with services.store.read() as tx:
        oldest = installation_queries.oldest_of_provider(tx, provider, _MOST_TRIED)
        other = next((each for each in oldest if _is_valid(calls, each)), None)
        owner = organization_queries.get_organization(tx, other.organization_id) if other else None
    if other is None or owner is None:
        raise Unauthenticated(_NOT_SIGNED)
    _verified_pushes(services, calls, _Webhook(owner, other, secrets), delivery, read=False)


def _verified_pushes(
    services: Services, calls: ProviderCalls, webhook: _Webhook, delivery: _Delivery, *, read: bool = True
) -> Sequence[Push]:
    """Return the pushes of a delivery that one of the webhook's secrets signed. ``read``: pass the repositories."""
    repositories: Iterable[Repository] = ()
    if read and calls.takes("scm_read_push", "repositories"):
        with services.store.read() as tx:
            repositories = _active(tx, webhook)
    known = tuple(repositories)
    for secret in webhook.secrets:
        with refusals():
            try:
                pushes = calls.read_push(webhook.installation, delivery.headers, delivery.body, secret, known)
            # For a while after a rotation, deliveries are signed with the old secret or with the new one.
            except ProviderForbidden:
                continue
        for push in pushes:
            services.limits.check("commits_per_request", len(push.commits))
        return pushes
    raise Unauthenticated(_NOT_SIGNED)


def _active(tx: Transaction, webhook: _Webhook) -> list[Repository]:
    owned = repository_queries.of_installation(tx, webhook.organization.id, webhook.installation.id)
    return [repository for repository in owned if repository.status is RepositoryStatus.ACTIVE]


def _calls(services: Services, webhook: _Webhook) -> ProviderCalls:
    try:
        calls = services.plugins.calls_for(webhook.installation.provider, webhook.organization)
    except ProviderOff as off:
        log.warning("delivery refused", installation=webhook.installation.id, reason=str(off))
        raise _no_webhook() from off
    # Its error would show a sender without the secret the name of the installation.
    if not calls.has("scm_read_push") or not _is_valid(calls, webhook.installation):
        raise _no_webhook()
    return calls


def _is_valid(calls: ProviderCalls, installation: Installation) -> bool:
    """Return whether hooks can be called for an installation."""
    problem = calls.configuration_problem(installation)
    if problem:
        log.warning("delivery refused", installation=installation.id, reason=problem)
    return problem is None


def _routing_calls(services: Services, provider: str) -> ProviderCalls:
    calls = services.plugins.calls(provider)
    # Before the route is known there is no organization for which the provider could be on or off.
    if calls is None or services.plugins.settings.of(calls.plugin).kill:
        raise _no_webhook()
    if not (calls.has("scm_route_delivery") and calls.has("scm_read_push")):
        raise _no_webhook()
    return calls


def _find(known: Sequence[Repository], name: str) -> Repository | None:
    """Return the installation's active repository that a delivery means by its external id, name or URL."""
    # The path of the address comes last, for a repository that has no URL of its own.
    for key in (name, name.casefold(), address_of(name), path_of(name)):
        for repository in known:
            if key and key in (repository.external_id, repository.name.casefold(), address_of(repository.url or "")):
                return repository
    return None


def _find_renamed(tx: Transaction, known: Sequence[Repository], name: str) -> Repository | None:
    """Return the active repository that had this name or URL before it was renamed or moved."""
    active = {repository.id: repository for repository in known if repository.status is RepositoryStatus.ACTIVE}
    meant = {name.casefold(), address_of(name)} - {""}
    earlier = alias_queries.keys_of(tx, known[0].organization_id, active) if known else {}
    return next((active[id_] for id_, keys in earlier.items() if meant & keys), None)


def _notes(push: Push, repository: Repository | None, *, completed: bool) -> Iterator[str]:
    if repository is None:
        yield f"Repository {push.repository!r} is not one of this installation's active repositories; it was left out."
    elif completed:
        yield (
            f"The delivery does not list all commits of the push to {repository.name!r}; "
            "a job fetches the others from its provider, and they appear in a moment."
        )
    elif push.unlisted:
        yield (
            f"The delivery does not list all commits of the push to {repository.name!r}; "
            f"at least {push.unlisted} are missing here until they are sent in another way."
        )


def _no_webhook() -> NotFound:
    return NotFound("There is no webhook here that is ready for deliveries.")
