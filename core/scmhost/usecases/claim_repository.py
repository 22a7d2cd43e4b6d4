"""Add a repository through a provider: the plugin decides, the host saves, the plugin shapes what is shown."""

from dataclasses import dataclass

from scmhost.kernel.errors import NotFound
from scmhost.sdk import AddRequest, Claim, Create, Installation, Organization, Refusal, Repository
from scmhost.sdk.wire import RepositoryPayload
from scmhost.store import installations, repositories
from scmhost.store.engine import Transaction
from scmhost.store.errors import Duplicate

from .audit import Action, Details, of_repository, record
from .errors import ProviderRefused
from .guarded import calls_for, refusals
from .repositories import checked_name, checked_url
from .serialize_repository import serialize_repository
from .services import Services


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
        record(tx, services, organization, action, of_repository(saved), details)
    services.plugins.tell("scm_repository_saved", organization=organization, repository=saved)
    return Added(decision, saved, serialize_repository(services, organization, saved))


def _installation(
    services: Services, organization: Organization, provider_key: str, installation_id: int
) -> Installation:
    with services.store.read() as tx:
        found = installations.get(tx, organization.id, installation_id)
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
        found = repositories.get(tx, organization.id, int(identifier))
    found = found or repositories.by_name(tx, organization.id, identifier)
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
    saved = repositories.claim(
        tx, installation.organization_id, candidate.id, installation.provider, installation.id, checked
    )
    if saved is None:
        raise ProviderRefused("not_found", f"Repository {candidate.name!r} is not unclaimed any more.")
    return saved


def _save_new(tx: Transaction, services: Services, installation: Installation, new: Create) -> Repository:
    try:
        return repositories.create(
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
