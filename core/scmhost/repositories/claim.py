"""Add repositories: by name and URL, or through a provider, whose plugin decides and shapes the answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import JsonValue

from scmhost.audit.queries import Action, Details, record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.db.statements import as_id
from scmhost.infra.errors import Conflict, InvalidInput, NotFound, ProviderRefused
from scmhost.installations import queries as installation_queries
from scmhost.organizations.quotas import take_rows
from scmhost.plugins import PluginFault
from scmhost.plugins.calls import refusals
from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Installation,
    Organization,
    ProviderError,
    Refusal,
    Repository,
    UrlError,
    check_web_url,
)
from scmhost.sdk.provider import ProviderPayload, RepositoryPayload, default_payload
from scmhost.services import Services

from . import alias_queries, queries
from .webhooks import request_webhook

_log = structlog.get_logger(__name__)

# The limit of Sentry's model. Its limit of 64 for the repository of a commit is an oddity of one endpoint.
MAX_NAME: Final = 200

# For repositories of these providers sentry-cli compares the URL with that of the git remote.
_PROVIDERS_WITH_URL: Final = frozenset(
    {"git", "github", "bitbucket", "visualstudio", "google"}
    | {
        f"integrations:{key}"
        for key in ("github", "github_enterprise", "gitlab", "bitbucket", "bitbucket_server", "vsts")
    }
)

# Its links stay: the code host may restore it, and a report may be wrong, such as after a lost permission.
DELETED: Final = (
    "The code host reports that it deleted this repository. Its links are kept but cannot be verified, and no commits "
    "are fetched. Delete it here too, or restore it there and synchronize the installation."
)

UNKNOWN_PROVIDER: Final = {"id": "unknown", "name": "Unknown Provider"}


def create_repository(
    services: Services, organization: Organization, name: str, url: str | None = None
) -> tuple[Repository, bool]:
    """Create a repository by name and URL, without a provider.

    Returns:
        The repository, and whether it is new. A second call with the same name and URL returns the same repository.

    Raises:
        InvalidInput: the name or the URL cannot be accepted.
        Conflict: a repository of this name has another URL.
    """
    name, url = checked_name(name), checked_url(url)
    with services.store.write() as tx:
        known = _known(tx, organization, name, url)
        if known is not None:
            return known, False
        try:
            saved = queries.create(tx, organization.id, name, services.clock.now(), url=url)
        except Duplicate:
            # On PostgreSQL the same request may have been faster in another transaction.
            known = _known(tx, organization, name, url)
            if known is None:
                raise
            return known, False
        take_rows(tx, services, organization, {"repositories": 1})
        record(tx, services, organization, "repository.add", (saved.id, saved.name))
    services.plugins.notify("scm_repository_saved", organization=organization, repository=saved)
    return saved, True


def _known(tx: Transaction, organization: Organization, name: str, url: str | None) -> Repository | None:
    """Return the repository with this name, now or before it was renamed, if its URL is this one.

    Raises:
        Conflict: the repository that has the name now has another URL.
    """
    current = queries.by_name(tx, organization.id, name)
    known = current or alias_queries.named(tx, organization.id, [name]).get(queries.name_key(name))
    if known is None or _has_url(tx, known, url):
        return known
    # A retried request must succeed, but must not replace a URL that someone has corrected.
    if current is not None:
        raise Conflict(f"Repository {known.name!r} exists already, with another URL; change it with PUT.")
    # The code host allows a new repository once the name is free.
    return None


def _has_url(tx: Transaction, repository: Repository, url: str | None) -> bool:
    """Return whether a URL is that of a repository, now or before it moved. No URL is the same as any."""
    if url in (None, repository.url):
        return True
    earlier = alias_queries.at_addresses(tx, repository.organization_id, [alias_queries.address_of(url or "")]).values()
    return any(found.id == repository.id for found, _ in earlier)


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
    # After the transaction, so that a plugin sees committed data only and holds no lock.
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
    calls = services.plugins.calls_for(installation.provider, organization)
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
    # Sentry's custom SCM sends the id; a name is what users have at hand.
    found = None if id_ is None else queries.get(tx, organization.id, id_)
    found = found or queries.by_name(tx, organization.id, identifier)
    found = found or alias_queries.named(tx, organization.id, [identifier]).get(queries.name_key(identifier))
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
            take_rows(tx, services, organization, {"repositories": 1})
        else:
            saved = _claim(tx, installation, decision, candidate)
        # The repository was unclaimed: it has no webhook that would have to be removed.
        if services.plugins.has_hook(installation.provider, "scm_register_webhook"):
            request_webhook(tx, services, None, saved)
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


def serialize_repository(services: Services, organization: Organization, repository: Repository) -> RepositoryPayload:
    """Return the payload of one repository, as the plugin of its provider shapes it.

    While the provider is off or its plugin fails, this is the host's own payload, and its ``idle`` gives the reason.
    """
    key = repository.provider
    off = services.plugins.idle_reason(key, organization)
    idle = off or (DELETED if repository.state == "deleted" else None)
    payload = default_payload(repository, _provider_payload(services, key), idle)
    calls = None if key is None or off else services.plugins.calls(key)
    if calls is None:
        return RepositoryPayload.model_validate(payload)
    try:
        # The id is the host's: clients use it in the paths of later requests.
        shaped = {**payload, **calls.serialize_repository(repository, payload), "id": payload["id"]}
        return _usable_by_clients(_checked(shaped), payload)
    except (PluginFault, ProviderError, ValueError, RecursionError) as error:
        # The first line only: pydantic's errors have a line for each field, and a plugin may raise an empty one.
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        _log.warning("repository not shaped", plugin=calls.plugin, provider=key, repository=repository.id, error=reason)
        idle = f"The provider's plugin failed ({calls.plugin}): {reason}"
        return RepositoryPayload.model_validate({**payload, "idle": idle})


def serialize_repositories(
    services: Services, organization: Organization, repositories: Iterable[Repository]
) -> list[RepositoryPayload]:
    """Return the payloads of many repositories, in order. A plugin that fails affects its own repositories only."""
    return [serialize_repository(services, organization, repository) for repository in repositories]


def _checked(shaped: Mapping[str, JsonValue]) -> RepositoryPayload:
    """Return a plugin's payload if an answer can contain it.

    Raises:
        ValueError: a value has the wrong type, or JSON cannot express it, such as half of a surrogate pair.
    """
    payload = RepositoryPayload.model_validate(shaped)
    # Otherwise the whole answer would fail, with all other repositories in it.
    payload.model_dump_json()
    return payload


def _usable_by_clients(shaped: RepositoryPayload, own: Mapping[str, JsonValue]) -> RepositoryPayload:
    """Replace a provider that requires a URL where the repository has none.

    sentry-cli ends with an error for the whole organization when such a provider's repository has no URL.
    """
    if shaped.url is not None or shaped.provider.id not in _PROVIDERS_WITH_URL:
        return shaped
    provider = ProviderPayload.model_validate(own["provider"])
    if provider.id in _PROVIDERS_WITH_URL:
        provider = ProviderPayload(id="unknown", name=provider.name)
    return shaped.model_copy(update={"provider": provider})


def _provider_payload(services: Services, key: str | None) -> JsonValue:
    if key is None:
        return dict(UNKNOWN_PROVIDER)
    return {"id": f"integrations:{key}", "name": services.plugins.provider_name(key)}


def checked_name(name: str) -> str:
    """Return a repository's name as it is stored, without outer blanks.

    Raises:
        InvalidInput: it is empty, too long, or has a control character.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or any(ord(character) < ord(" ") for character in name):
        raise InvalidInput(f"A repository's name has 1 to {MAX_NAME} characters and no control characters.", "name")
    return name


def checked_url(url: str | None) -> str | None:
    """Return a repository's web URL, or None if it is blank.

    Raises:
        InvalidInput: it is not a web URL.
    """
    if url is None or not url.strip():
        return None
    try:
        return check_web_url(url.strip())
    except UrlError as error:
        raise InvalidInput(f"Enter a valid URL: {error}.", "url") from error
