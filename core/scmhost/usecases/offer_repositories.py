"""List the repositories that may be added to an installation."""

from collections.abc import Sequence

from scmhost.sdk import Offer, Organization
from scmhost.store import repositories

from .guarded import calls_for, refusals
from .install_provider import get_installation
from .services import Services


def offer_repositories(
    services: Services, organization: Organization, installation_id: int, search: str
) -> Sequence[Offer]:
    """What the provider offers, without what this installation has already, at most as many as the limit says."""
    installation = get_installation(services, organization, installation_id).installation
    calls = calls_for(services, installation.provider, organization)
    with services.store.read() as tx:
        unclaimed = repositories.unclaimed(tx, organization.id, services.limits.offers)
        owned = repositories.of_installation(tx, organization.id, installation_id)
    with refusals():
        offers = calls.offer_repositories(installation, unclaimed, search)
    taken = {name for repository in owned for name in (repository.name, repository.external_id)}
    return [offer for offer in offers if not {offer.identifier, offer.name} & taken][: services.limits.offers]
