"""Offer and claim repositories: the plugin decides, the host saves, the plugin shapes the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.audit.queries import Action, Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import NotFound, ProviderRefused
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import calls_for, get_installation, refusals
from scmhost.sdk import AddRequest, Claim, Create, Installation, Offer, Organization, Refusal, Repository
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from . import queries
from .manage import checked_name, checked_url
from .serialize import serialize_repository


def offer_repositories(
    services: Services, organization: Organization, installation_id: int, search: str
) -> Sequence[Offer]:
    """What the provider offers, without what this installation has already, at most as many as the limit says."""
    installation = get_installation(services, organization, installation_id).installation
    calls = calls_for(services, installation.provider, organization)
    with services.store.read() as tx:
        unclaimed = queries.unclaimed(tx, organization.id, services.limits.offers)
        owned = queries.of_installation(tx, organization.id, installation_id)
    with refusals():
        offers = calls.offer_repositories(installation, unclaimed, search)
    taken = {name for repository in owned for name in (repository.name, repository.external_id)}
    return [offer for offer in offers if not {offer.identifier, offer.name} & taken][: services.limits.offers]


@dataclass(frozen=True, slots=True)
class Added:
    """The three steps of adding a repository, for whoever wants to see them."""

    decision: Claim | Create
    saved: Repository
    payload: RepositoryPayload


def add_repository(
    services: Services, organization: Organization, provider_key: str, installation_id: int, request: AddRequest
) -> Added:
    """Dispatch, save, serialize.

    Raises:
        ProviderOff: the provider is not on for this organization.
        ProviderRefused: the plugin refuses, or another claim was faster.
        NotFound: the installation is not of this organization and provider.
    """
    installation = _installation(services, organization, provider_key, installation_id)
    decision, candidate = _dispatch(services, organization, installation, request)
    with services.store.write() as tx:
        saved = _save(tx, services, installation, decision, candidate)
        action: Action = "repository.add" if isinstance(decision, Create) else "repository.claim"
        details: Details = {"provider": provider_key, "integrationId": installation.id}
        record(tx, services, organization, action, (saved.id, saved.name), details)
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return Added(decision, saved, serialize_repository(services, organization, saved))


def _installation(
    services: Services, organization: Organization, provider_key: str, installation_id: int
) -> Installation:
    with services.store.read() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
    if found is None or found.installation.provider != provider_key:
        raise NotFound("Integration matching query does not exist.")
    return found.installation


def _dispatch(
    services: Services, organization: Organization, installation: Installation, request: AddRequest
) -> tuple[Claim | Create, Repository | None]:
    """The plugin's decision, and the candidate that it was about."""
    calls = calls_for(services, installation.provider, organization)
    with services.store.read() as tx:
        candidate = _candidate(tx, organization, request.identifier)
    with refusals():
        decision = calls.dispatch_repository(installation, request, candidate)
    if isinstance(decision, Refusal):
        raise ProviderRefused(decision.reason, decision.message)
    return decision, candidate


def _candidate(tx: Transaction, organization: Organization, identifier: str) -> Repository | None:
    """The unclaimed, active repository that the identifier names: by its id, else by its name."""
    found = None
    if identifier.isascii() and identifier.isdigit() and len(identifier) <= len(str(2**53)):
        found = queries.get(tx, organization.id, int(identifier))
    found = found or queries.by_name(tx, organization.id, identifier)
    return found if found and found.unclaimed and found.status == "active" else None


def _save(
    tx: Transaction,
    services: Services,
    installation: Installation,
    decision: Claim | Create,
    candidate: Repository | None,
) -> Repository:
    if isinstance(decision, Create):
        return _save_new(tx, services, installation, decision)
    if candidate is None:
        raise ProviderRefused("not_found", "The plugin claims a repository that is not there.")
    return _save_claim(tx, installation, candidate, decision)


def _save_claim(tx: Transaction, installation: Installation, candidate: Repository, claim: Claim) -> Repository:
    """Race free: the row is changed only while it is unclaimed and active."""
    checked = claim.model_copy(update={"url": checked_url(claim.url)})
    saved = queries.claim(
        tx, installation.organization_id, candidate.id, installation.provider, installation.id, checked
    )
    if saved is None:
        raise ProviderRefused("not_found", f"Repository {candidate.name!r} is not unclaimed any more.")
    return saved


def _save_new(tx: Transaction, services: Services, installation: Installation, new: Create) -> Repository:
    try:
        return queries.create(
            tx,
            installation.organization_id,
            checked_name(new.name),
            services.clock.now(),
            url=checked_url(new.url),
            provider=installation.provider,
            installation_id=installation.id,
            external_id=new.external_id,
            configuration=new.configuration,
        )
    except Duplicate as error:
        raise ProviderRefused("conflict", "A repository with that configuration already exists") from error
