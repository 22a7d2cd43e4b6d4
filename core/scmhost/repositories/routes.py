"""Repositories: create by name, claim through a provider, change, hide, delete."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import Moment, RequestedPage, Wire, link_header
from scmhost.infra.paging import Page
from scmhost.installations.install import InvalidForm, field_problems
from scmhost.installations.schemas import OfferOut, Offers
from scmhost.organizations.access import AuditedServices, ForIntegrations, ForLoose, NumericId, ServicesDep, parse_id
from scmhost.sdk import AddRequest, Organization, RepositoryStatus
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from .claim import add_repository, create_repository, serialize_repositories, serialize_repository
from .manage import change_repository, delete_repository, get_repository, list_repositories, uninstall
from .offers import offer_repositories
from .sync import SyncStatus, request_sync, sync_status


class SyncOut(Wire):
    """The synchronization of an installation's repositories."""

    state: Literal["waiting", "retrying", "failed", "idle"] = Field(description="What is under way.")
    fault: str | None = Field(description="Why the code host could not be asked.")
    date_finished: Moment | None = Field(description="When the last synchronization ended.")
    checked: int = Field(description="How many repositories the provider was asked about then.")
    changed: int = Field(description="How many of them had changed.")
    notes: list[str] = Field(description="What could not be applied then.")


# Routes below an installation that change or list repositories.
installation_router: Final = APIRouter(
    prefix="/api/0/organizations/{organization}/integrations/{integration_id}", tags=["installations"]
)


@installation_router.delete("/", status_code=204, response_class=Response)
def installations_delete(services: AuditedServices, organization: ForIntegrations, integration_id: NumericId) -> None:
    """Delete an installation. Its repositories stay and become unclaimed."""
    uninstall(services, organization, parse_id(integration_id, "installation"))


@installation_router.get("/repos/")
def offers_list(
    services: ServicesDep,
    organization: ForIntegrations,
    integration_id: NumericId,
    request: Request,
    response: Response,
    search: str = "",
    cursor: Annotated[
        str, Query(description="A cursor from a Link header, or `nextCursor`; without one, the first page.")
    ] = "",
    installable_only: Annotated[  # noqa: ARG001 - Sentry's clients send it
        str,
        Query(
            alias="installableOnly",
            description="Changes nothing: repositories that the installation has are never offered.",
        ),
    ] = "false",
) -> Offers:
    """A page of the repositories that can be added to an installation, without those that it already has."""
    page = offer_repositories(services, organization, parse_id(integration_id, "installation"), search, cursor)
    url = str(request.url.remove_query_params("cursor"))
    pages = (("previous", False, ""), ("next", page.next is not None, page.next or ""))
    response.headers["Link"] = link_header(url, pages)
    return Offers(
        repos=[
            OfferOut(name=offer.name, identifier=offer.identifier, default_branch=offer.default_branch)
            for offer in page.offers
        ],
        next_cursor=page.next,
        notes=list(page.notes),
    )


@installation_router.get("/sync/")
def syncs_show(services: ServicesDep, organization: ForIntegrations, integration_id: NumericId) -> SyncOut:
    """How the repositories of an installation were last compared with its code host, and what is under way."""
    return _sync_out(sync_status(services, organization, parse_id(integration_id, "installation")))


@installation_router.post("/sync/", status_code=202)
def syncs_request(services: AuditedServices, organization: ForIntegrations, integration_id: NumericId) -> SyncOut:
    """Compare the repositories of an installation with its code host now, in the background."""
    return _sync_out(request_sync(services, organization, parse_id(integration_id, "installation")))


router: Final = APIRouter(prefix="/api/0/organizations/{organization}/repos", tags=["repositories"])

T = TypeVar("T")

_STATUSES: Final[Mapping[str, Collection[RepositoryStatus] | None]] = {
    "": None,
    "active": frozenset({RepositoryStatus.ACTIVE}),
    "hidden": frozenset({RepositoryStatus.HIDDEN}),
    "deleted": frozenset(RepositoryStatus) - {RepositoryStatus.ACTIVE},
}
_PUT_STATUS: Final[Mapping[str, RepositoryStatus]] = {
    "visible": RepositoryStatus.ACTIVE,
    "active": RepositoryStatus.ACTIVE,
    "hidden": RepositoryStatus.HIDDEN,
}


class NewRepository(BaseModel):
    """A repository to create without a provider."""

    name: str
    url: str | None = None


class AddedThroughProvider(BaseModel):
    """A repository to add through a provider."""

    provider: Annotated[str, Field(min_length=1)]
    installation: int | str
    identifier: int | str


class RepositoryChanges(BaseModel):
    """The fields that may be changed. An absent field stays as it is."""

    status: Literal["visible", "active", "hidden"] | None = None
    name: str | None = None
    url: str | None = None
    integrationId: int | Literal[""] | None = None  # noqa: N815 - the wire's spelling


_NEW_REPOSITORY: Final = TypeAdapter(NewRepository)
_ADDED_THROUGH_PROVIDER: Final = TypeAdapter(AddedThroughProvider)


@router.get("/")
def repositories_list(
    services: ServicesDep,
    organization: ForLoose,
    page: RequestedPage,
    query: str = "",
    status: str = "active",
    integration_id: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
) -> Sequence[RepositoryPayload]:
    """Repositories by name: active ones, or those of another ``status``."""
    # As on Sentry, an unknown status is an empty list and not an error.
    if status not in _STATUSES:
        return page.answer(Page((), page.request, more=False), [])
    found = list_repositories(
        services, organization, page.request, query=query, statuses=_STATUSES[status], installation_id=integration_id
    )
    return page.answer(found, serialize_repositories(services, organization, found.items))


@router.post(
    "/",
    status_code=201,
    responses={200: {"model": RepositoryPayload, "description": "The repository existed already."}},
)
def repositories_add(
    services: AuditedServices, organization: ForLoose, response: Response, fields: Annotated[dict[str, Any], Body()]
) -> RepositoryPayload:
    """Create a repository by ``name`` and ``url``, or claim one for an installation of a ``provider``."""
    # Sentry refuses a request without a provider, although users ask for just that.
    if fields.get("provider") is not None:
        return _add_through_provider(services, organization, fields)
    new = _validated(_NEW_REPOSITORY, fields)
    repository, created = create_repository(services, organization, new.name, new.url)
    response.status_code = 201 if created else 200
    return serialize_repository(services, organization, repository)


@router.get("/{repository_id}/")
def repositories_show(
    services: ServicesDep, organization: ForIntegrations, repository_id: NumericId
) -> RepositoryPayload:
    """One repository, in any status."""
    found = get_repository(services, organization, parse_id(repository_id, "repository"))
    return serialize_repository(services, organization, found)


@router.put("/{repository_id}/")
def repositories_change(
    services: AuditedServices, organization: ForIntegrations, repository_id: NumericId, changes: RepositoryChanges
) -> RepositoryPayload:
    """Change name, URL, status or installation; ``integrationId: null`` unclaims the repository."""
    sent = _sent_changes(changes)
    saved = change_repository(services, organization, parse_id(repository_id, "repository"), sent)
    return serialize_repository(services, organization, saved)


@router.delete("/{repository_id}/", status_code=202)
def repositories_delete(
    services: AuditedServices, organization: ForIntegrations, repository_id: NumericId
) -> RepositoryPayload:
    """Schedule the deletion. Until it is due, a PUT with ``status: active`` cancels it."""
    saved = delete_repository(services, organization, parse_id(repository_id, "repository"))
    return serialize_repository(services, organization, saved)


def _add_through_provider(
    services: Services, organization: Organization, fields: Mapping[str, Any]
) -> RepositoryPayload:
    sent = _validated(_ADDED_THROUGH_PROVIDER, fields)
    # Answers have the provider with this prefix, and clients send it back.
    key = sent.provider.removeprefix("integrations:")
    if not services.plugins.is_known(key):
        raise InvalidInput(f"Provider {sent.provider!r} is unknown.", "provider")
    rest: dict[str, JsonValue] = {
        name: value for name, value in fields.items() if name not in ("provider", "installation", "identifier")
    }
    request = AddRequest(identifier=str(sent.identifier), fields=rest)
    installation_id = parse_id(str(sent.installation), "installation")
    return add_repository(services, organization, key, installation_id, request).payload


def _sync_out(status: SyncStatus) -> SyncOut:
    last = status.last
    return SyncOut(
        state=status.state,
        fault=status.fault,
        date_finished=last.finished_at if last else None,
        checked=last.checked if last else 0,
        changed=last.changed if last else 0,
        notes=list(last.notes) if last else [],
    )


def _sent_changes(changes: RepositoryChanges) -> dict[str, Any]:
    """Return the fields that were sent. A blank integrationId changes nothing; null is an unclaim."""
    sent = {name: getattr(changes, name) for name in changes.model_fields_set}
    if sent.get("integrationId") == "":
        del sent["integrationId"]
    if sent.get("name", "") is None:
        raise InvalidInput("This field may not be null.", "name")
    if sent.get("status", "") is None:
        raise InvalidInput("This field may not be null.", "status")
    return sent | ({"status": _PUT_STATUS[changes.status]} if changes.status else {})


def _validated(model: TypeAdapter[T], fields: Mapping[str, Any]) -> T:
    try:
        return model.validate_python(dict(fields))
    except ValidationError as error:
        raise InvalidForm(field_problems(error)) from error
