"""Offer and claim repositories: the plugin decides, the host saves, the plugin shapes the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.audit.queries import Action, Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.db.statements import as_id
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
    """Return what the provider offers, without the repositories that the installation has, up to a limit."""
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
class AddedRepository:
    """The result of each step of adding a repository."""

    decision: Claim | Create
    saved: Repository
    payload: RepositoryPayload


def add_repository(
    services: Services, organization: Organization, provider_key: str, installation_id: int, request: AddRequest
) -> AddedRepository:
    """Add a repository to an installation: dispatch, save, serialize.

    Raises:
        ProviderOff: the provider is not on for this organization.
        ProviderRefused: the plugin refuses, or another claim was faster.
        NotFound: the organization has no such installation of this provider.
    """
    installation = _installation(services, organization, provider_key, installation_id)
    decision, candidate = _dispatch(services, organization, installation, request)
    saved = _save(services, organization, installation, decision, candidate)
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return AddedRepository(decision, saved, serialize_repository(services, organization, saved))


def _installation(
    services: Services, organization: Organization, provider_key: str, installation_id: int
) -> Installation:
    with services.store.read() as tx:
        found = installation_queries.get(tx, organization.id, installation_id)
    if found is None or found.installation.provider != provider_key:
        # The text of Sentry's API, which its clients show.
        raise NotFound("Integration matching query does not exist.")
    return found.installation


def _dispatch(
    services: Services, organization: Organization, installation: Installation, request: AddRequest
) -> tuple[Claim | Create, Repository | None]:
    """Return the plugin's decision, and the unclaimed repository that it may claim, if there is one."""
    calls = calls_for(services, installation.provider, organization)
    with services.store.read() as tx:
        candidate = _find_candidate(tx, organization, request.identifier)
    with refusals():
        decision = calls.dispatch_repository(installation, request, candidate)
    if isinstance(decision, Refusal):
        raise ProviderRefused(decision.reason, decision.message)
    return decision, candidate


def _find_candidate(tx: Transaction, organization: Organization, identifier: str) -> Repository | None:
    """Return the unclaimed, active repository with the identifier as its id, or else as its name."""
    id_ = as_id(identifier)
    found = None if id_ is None else queries.get(tx, organization.id, id_)
    found = found or queries.by_name(tx, organization.id, identifier)
    return found if found and found.unclaimed and found.status == "active" else None


def _save(
    services: Services,
    organization: Organization,
    installation: Installation,
    decision: Claim | Create,
    candidate: Repository | None,
) -> Repository:
    """Save what the plugin decided, with its entry in the audit log, in one transaction."""
    action: Action = "repository.add" if isinstance(decision, Create) else "repository.claim"
    with services.store.write() as tx:
        if isinstance(decision, Create):
            saved = _create(tx, services, installation, decision)
        else:
            saved = _claim(tx, installation, decision, candidate)
        details: Details = {"provider": installation.provider, "integrationId": installation.id}
        record(tx, services, organization, action, (saved.id, saved.name), details)
    return saved


def _claim(tx: Transaction, installation: Installation, claim: Claim, candidate: Repository | None) -> Repository:
    """Give the candidate to the installation, if no other claim was faster."""
    if candidate is None:
        raise ProviderRefused("not_found", "The plugin claims a repository that does not exist.")
    checked = claim.model_copy(update={"url": checked_url(claim.url)})
    # The statement changes the row only while it is unclaimed and active, so that one of two claims at once succeeds.
    saved = queries.claim(
        tx, installation.organization_id, candidate.id, installation.provider, installation.id, checked
    )
    if saved is None:
        raise ProviderRefused("not_found", f"Repository {candidate.name!r} is not unclaimed any more.")
    return saved


def _create(tx: Transaction, services: Services, installation: Installation, new: Create) -> Repository:
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
        # The text of Sentry's API, which its clients show.
        raise ProviderRefused("conflict", "A repository with that configuration already exists") from error
