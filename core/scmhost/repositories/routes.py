"""Repositories: create by name, claim through a provider, change, hide, delete."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from scmhost.infra.errors import InvalidInput
from scmhost.infra.http import Moment, PageParameters, Paging, Wire, json_answer, link_header, read_query, requested_url
from scmhost.infra.paging import Page
from scmhost.installations.install import InvalidForm, field_problems
from scmhost.installations.schemas import OfferOut, Offers, RemovedInstallation
from scmhost.organizations.access import (
    Access,
    AuditedServices,
    ForIntegrations,
    ForLoose,
    NumericId,
    ServicesDep,
    organization_access,
    organization_route,
    parse_id,
)
from scmhost.sdk import AddRequest, Organization, Repository, RepositoryStatus
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from .claim import add_repository, create_repository, serialize_repositories, serialize_repository
from .manage import (
    Shaped,
    change_repository,
    delete_repository,
    get_repository,
    list_repositories,
    listed_page,
    uninstall,
)
from .offers import offer_repositories
from .sync import SyncStatus, request_sync, sync_status
from .webhook_queries import RepositoryWebhook, WebhookState
from .webhooks import list_webhooks, request_all, webhooks_of


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


@installation_router.delete("/", status_code=204, response_model=None, responses={200: {"model": RemovedInstallation}})
def installations_delete(
    services: AuditedServices, organization: ForIntegrations, integration_id: NumericId
) -> Response:
    """Delete an installation. Its repositories stay and become unclaimed.

    The answer is 200 with notes, instead of 204, if the plugin could not clean up at the code host.
    """
    notes = uninstall(services, organization, parse_id(integration_id, "installation"))
    return JSONResponse({"notes": notes}) if notes else Response(status_code=204)


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
    url = str(requested_url(request).remove_query_params("cursor"))
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


class WebhookStatusOut(Wire):
    """The webhook of a repository at its code host."""

    state: WebhookState = Field(description="`pending` until a job has registered it; a failed one is tried again.")
    reason: str | None = Field(description="Why it is not registered.")


class InstallationWebhookOut(WebhookStatusOut):
    """The webhook of a repository in the list of an installation."""

    repository_id: str
    repository_name: str
    wanted: bool = Field(description="False: it is to be removed from the code host.")


@installation_router.get("/webhook/repositories/", tags=["webhooks"])
def registered_webhooks_list(
    services: ServicesDep, organization: ForIntegrations, integration_id: NumericId
) -> Sequence[InstallationWebhookOut]:
    """The webhooks that are registered at the code host, or to be registered or removed there, by repository."""
    listed = list_webhooks(services, organization, parse_id(integration_id, "installation"))
    return [_installation_webhook(webhook) for webhook in listed]


@installation_router.post("/webhook/repositories/", tags=["webhooks"], status_code=202)
def registered_webhooks_renew(
    services: AuditedServices, organization: ForIntegrations, integration_id: NumericId
) -> Sequence[InstallationWebhookOut]:
    """Register the webhooks of all active repositories of an installation again, in the background."""
    requested = request_all(services, organization, parse_id(integration_id, "installation"))
    return [_installation_webhook(webhook) for webhook in requested]


def _installation_webhook(webhook: RepositoryWebhook) -> InstallationWebhookOut:
    return InstallationWebhookOut(
        state=webhook.state,
        reason=webhook.reason,
        repository_id=str(webhook.repository_id),
        repository_name=webhook.repository.name,
        wanted=webhook.wanted,
    )


router: Final = APIRouter(prefix="/api/0/organizations/{organization}/repos", tags=["repositories"])


class RepositoryOut(RepositoryPayload):
    """A repository. It has a ``webhook`` only if its plugin registers one."""

    webhook: WebhookStatusOut | None = None


def _shown(
    services: Services, repositories: Sequence[Repository], payloads: Sequence[RepositoryPayload]
) -> list[RepositoryOut]:
    """Return payloads of repositories, each with the state of its webhook."""
    registering = [one for one in repositories if services.plugins.has_hook(one.provider, "scm_register_webhook")]
    webhooks = webhooks_of(services, registering) if registering else {}
    shown = []
    for repository, payload in zip(repositories, payloads, strict=True):
        webhook = webhooks.get(repository.id)
        # The plugin may add fields of any name.
        fields = {name: value for name, value in payload.model_dump().items() if name != "webhook"}
        if webhook and webhook.wanted:
            fields["webhook"] = WebhookStatusOut(state=webhook.state, reason=webhook.reason)
        shown.append(RepositoryOut.model_validate(fields))
    return shown


def _shown_one(services: Services, organization: Organization, repository: Repository) -> RepositoryOut:
    return _shown(services, [repository], [serialize_repository(services, organization, repository)])[0]


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


class RepositoriesQuery(PageParameters):
    """The query of the list of repositories."""

    query: str = ""
    status: str = "active"
    integration_id: Annotated[int | None, Field(ge=0, lt=2**53)] = None


_ANSWER: Final = TypeAdapter(list[RepositoryOut])


@router.get("/", response_model=Sequence[RepositoryOut], openapi_extra=organization_route(RepositoriesQuery))
def repositories_list(request: Request, access: Annotated[Access, Depends(organization_access("loose"))]) -> Response:
    """Repositories by name: active ones, or those of another ``status``."""
    services, _, organization = access
    query = read_query(request, RepositoriesQuery)
    paging = Paging(request, query)
    # As on Sentry, an unknown status is an empty list and not an error.
    if query.status not in _STATUSES:
        return json_answer(b"[]", paging.headers(Page((), paging.request, more=False)))

    def read() -> Shaped:
        found = list_repositories(
            services,
            organization,
            paging.request,
            query=query.query,
            statuses=_STATUSES[query.status],
            installation_id=query.integration_id,
        )
        payloads = serialize_repositories(services, organization, found.items)
        return found, payloads, _ANSWER.dump_json(_shown(services, found.items, payloads), exclude_unset=True)

    key = (paging.request, query.query, query.status, query.integration_id)
    listed = listed_page(services, organization, key, read)
    return json_answer(listed.answer, paging.headers(listed.page))


@router.post(
    "/",
    status_code=201,
    response_model_exclude_unset=True,
    responses={200: {"model": RepositoryOut, "description": "The repository existed already."}},
)
def repositories_add(
    services: AuditedServices, organization: ForLoose, response: Response, fields: Annotated[dict[str, Any], Body()]
) -> RepositoryOut:
    """Create a repository by ``name`` and ``url``, or claim one for an installation of a ``provider``."""
    # Sentry refuses a request without a provider, although users ask for just that.
    if fields.get("provider") is not None:
        return _add_through_provider(services, organization, fields)
    new = _validated(_NEW_REPOSITORY, fields)
    repository, created = create_repository(services, organization, new.name, new.url)
    response.status_code = 201 if created else 200
    return _shown_one(services, organization, repository)


@router.get("/{repository_id}/", response_model_exclude_unset=True)
def repositories_show(services: ServicesDep, organization: ForIntegrations, repository_id: NumericId) -> RepositoryOut:
    """One repository, in any status."""
    found = get_repository(services, organization, parse_id(repository_id, "repository"))
    return _shown_one(services, organization, found)


@router.put("/{repository_id}/", response_model_exclude_unset=True)
def repositories_change(
    services: AuditedServices, organization: ForIntegrations, repository_id: NumericId, changes: RepositoryChanges
) -> RepositoryOut:
    """Change name, URL, status or installation; ``integrationId: null`` unclaims the repository."""
    sent = _sent_changes(changes)
    saved = change_repository(services, organization, parse_id(repository_id, "repository"), sent)
    return _shown_one(services, organization, saved)


@router.delete("/{repository_id}/", status_code=202, response_model_exclude_unset=True)
def repositories_delete(
    services: AuditedServices, organization: ForIntegrations, repository_id: NumericId
) -> RepositoryOut:
    """Schedule the deletion. Until it is due, a PUT with ``status: active`` cancels it."""
    saved = delete_repository(services, organization, parse_id(repository_id, "repository"))
    return _shown_one(services, organization, saved)


def _add_through_provider(services: Services, organization: Organization, fields: Mapping[str, Any]) -> RepositoryOut:
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
    added = add_repository(services, organization, key, installation_id, request)
    return _shown(services, [added.saved], [added.payload])[0]


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
