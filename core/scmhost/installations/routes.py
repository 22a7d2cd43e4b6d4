"""Routes of the provider catalogue, installations, those in steps, and webhook secrets."""

from collections.abc import Sequence
from html import escape
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from scmhost.infra.errors import (
    REFUSED_STATUS,
    Conflict,
    InvalidInput,
    NotFound,
    ProviderRefused,
    ScmhostError,
    Unavailable,
)
from scmhost.infra.http import RequestedPage, html_page, service_url
from scmhost.organizations.access import (
    AuditedServices,
    ForIntegrations,
    ForOrganization,
    NumericId,
    ServicesDep,
    parse_id,
)
from scmhost.plugins import ProviderOff
from scmhost.sdk import Organization
from scmhost.services import Services

from .install import (
    catalogue,
    configuration_form,
    configure_installation,
    get_installation,
    list_installations,
    shown_configuration,
)
from .install_steps import (
    CALLBACK,
    BegunInstallation,
    CallbackRefused,
    FinishedInstallation,
    begin_installation,
    finish_installation,
    pending_installation,
    shown_error,
)
from .queries import StoredInstallation
from .schemas import (
    BegunInstallationOut,
    Catalogue,
    DeliveryOut,
    NewWebhookSecretOut,
    OrganizationIntegration,
    PendingInstallationOut,
    WebhookOut,
    WebhookSecretOut,
    catalogue_provider,
    short_fields,
)
from .sealing import attention_reasons
from .webhooks import DELIVERIES, create_secret, delete_secret, list_deliveries, list_secrets

router: Final = APIRouter(prefix="/api/0/organizations/{organization}", tags=["installations"])


@router.get("/config/integrations/")
def providers_list(
    services: ServicesDep,
    organization: ForOrganization,
    # Both spellings occur in Sentry's API.
    provider_key: str | None = None,
    provider_key_camel: Annotated[str | None, Query(alias="providerKey")] = None,
) -> Catalogue:
    """The providers that are on for this organization."""
    key = provider_key or provider_key_camel
    providers = [
        catalogue_provider(provider, form)
        for provider, form in catalogue(services, organization)
        if not key or provider.key == key
    ]
    if not providers:
        # Sentry's own text.
        raise NotFound("Providers do not exist")
    return Catalogue(providers=providers)


@router.get("/integrations/")
def installations_list(
    services: ServicesDep,
    organization: ForIntegrations,
    page: RequestedPage,
    provider_key: Annotated[str | None, Query(alias="providerKey")] = None,
    provider_key_snake: Annotated[str | None, Query(alias="provider_key")] = None,
    features: Annotated[list[str] | None, Query()] = None,
    include_config: Annotated[str, Query(alias="includeConfig")] = "1",
) -> Sequence[OrganizationIntegration]:
    """Installations by name."""
    # Both spellings occur in Sentry's API.
    key = (provider_key or provider_key_snake or "").lower() or None
    stored = list_installations(
        services, organization, page.request, provider_key=key, features=frozenset(features or ())
    )
    # Sentry's clients send "0" to leave the configuration out; any other value includes it.
    with_config = include_config != "0"
    reasons = attention_reasons(services, organization, [each.installation for each in stored.items])
    shown = [
        _installation_out(services, organization, each, reasons.get(each.installation.id), with_config=with_config)
        for each in stored.items
    ]
    return page.answer(stored, shown)


@router.post(
    "/integrations/",
    status_code=201,
    response_model=OrganizationIntegration,
    responses={202: {"model": BegunInstallationOut, "description": "A person has to continue at the code host."}},
)
def installations_add(
    services: AuditedServices, organization: ForIntegrations, fields: Annotated[dict[str, Any], Body()]
) -> OrganizationIntegration | JSONResponse:
    """Install a provider: ``provider`` is its key, the other fields are its install form.

    The answer is 202 if the provider needs a person's consent at the code host: open ``redirect`` in a browser, and
    request the status of the pending installation until it is done.
    """
    key = fields.get("provider")
    if not isinstance(key, str) or not key:
        raise InvalidInput("This field is required.", "provider")
    form = {name: value for name, value in fields.items() if name != "provider"}
    # The key and the provider's id on Sentry's wire, integrations:<key>, are both accepted.
    made = begin_installation(services, organization, key.removeprefix("integrations:"), form)
    if isinstance(made, BegunInstallation):
        return JSONResponse(_begun_out(made).model_dump(mode="json"), status_code=202)
    return _one_installation_out(services, organization, made)


def _begun_out(begun: BegunInstallation) -> BegunInstallationOut:
    pending = begun.pending
    return BegunInstallationOut(
        id=str(pending.id), provider=pending.provider, redirect=begun.redirect, expires_at=pending.expires_at
    )


@router.get("/integrations/{integration_id}/")
def installations_show(
    services: ServicesDep, organization: ForIntegrations, integration_id: NumericId
) -> OrganizationIntegration:
    """One installation."""
    stored = get_installation(services, organization, parse_id(integration_id, "installation"))
    return _one_installation_out(services, organization, stored)


@router.post("/integrations/{integration_id}/")
def installations_change(
    services: AuditedServices,
    organization: ForIntegrations,
    integration_id: NumericId,
    fields: Annotated[dict[str, Any], Body()],
) -> OrganizationIntegration:
    """Replace an installation's configuration: the body has the fields of the provider's form."""
    stored = configure_installation(services, organization, parse_id(integration_id, "installation"), fields)
    return _one_installation_out(services, organization, stored)


def _one_installation_out(
    services: Services, organization: Organization, stored: StoredInstallation
) -> OrganizationIntegration:
    reasons = attention_reasons(services, organization, [stored.installation])
    return _installation_out(services, organization, stored, reasons.get(stored.installation.id), with_config=True)


def _installation_out(
    services: Services,
    organization: Organization,
    stored: StoredInstallation,
    needs_attention: str | None,
    *,
    with_config: bool,
) -> OrganizationIntegration:
    """Return an installation. While its provider is off, it is disabled, and ``idle`` has the reason."""
    # Sentry has the status twice: of the integration, and of its use by the organization.
    idle = services.plugins.idle_reason(stored.installation.provider, organization)
    status = "disabled" if idle else "active"
    return OrganizationIntegration(
        **short_fields(services, stored),
        status=status,
        config_organization=configuration_form(services, stored.installation) if with_config else None,
        config_data=shown_configuration(services, stored.installation) if with_config else None,
        external_id=stored.installation.external_id,
        organization_id=organization.id,
        organization_integration_status=status,
        idle=idle,
        needs_attention=needs_attention,
    )


webhook_router: Final = APIRouter(
    prefix="/api/0/organizations/{organization}/integrations/{integration_id}/webhook", tags=["webhooks"]
)


@webhook_router.get("/")
def webhook_show(
    services: ServicesDep, organization: ForIntegrations, integration_id: NumericId, request: Request
) -> WebhookOut:
    """An installation's webhook: its URL and its valid secrets, without their texts."""
    installation_id = parse_id(integration_id, "installation")
    return WebhookOut(**_webhook_out(services, organization, installation_id, request))


@webhook_router.post("/", status_code=201)
def webhook_rotate(
    services: AuditedServices, organization: ForIntegrations, integration_id: NumericId, request: Request
) -> NewWebhookSecretOut:
    """Create a secret. The older ones stay valid for a day, so that the code host can be changed meanwhile."""
    installation_id = parse_id(integration_id, "installation")
    new = create_secret(services, organization, installation_id)
    return NewWebhookSecretOut(**_webhook_out(services, organization, installation_id, request), secret=new.text)


@webhook_router.get("/deliveries/")
def webhook_deliveries(
    services: ServicesDep, organization: ForIntegrations, integration_id: NumericId
) -> Sequence[DeliveryOut]:
    """The last deliveries to an installation, the newest first, without their bodies."""
    found = list_deliveries(services, organization, parse_id(integration_id, "installation"))
    return [
        DeliveryOut(
            id=str(each.id),
            date_received=each.received_at,
            event=each.event,
            outcome=each.outcome,
            detail=each.detail,
        )
        for each in found
    ]


@webhook_router.delete("/{secret_id}/", status_code=204, response_class=Response)
def webhook_revoke(
    services: AuditedServices, organization: ForIntegrations, integration_id: NumericId, secret_id: NumericId
) -> None:
    """Delete a secret. Deliveries that it signs are refused from now on."""
    installation_id = parse_id(integration_id, "installation")
    delete_secret(services, organization, installation_id, parse_id(secret_id, "secret"))


def _webhook_out(
    services: Services, organization: Organization, installation_id: int, request: Request
) -> dict[str, Any]:
    secrets = list_secrets(services, organization, installation_id)
    path = DELIVERIES.format(installation_id=installation_id)
    return {
        "url": f"{service_url(request)}{path}",
        "secrets": [
            WebhookSecretOut(id=str(secret.id), date_created=secret.created_at, date_expires=secret.expires_at)
            for secret in secrets
        ],
    }


# A page for browsers: no client of the API calls it.
callback_router: Final = APIRouter(include_in_schema=False)

log = structlog.get_logger(__name__)

# Text only, some of which comes from plugins. The address has a code.
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} - scmhost</title></head>
<body>
<h1>{title}</h1>
<p>{text}</p>
<p>{next}</p>
</body>
</html>
"""
_STATUS: Final[tuple[tuple[type[ScmhostError], int], ...]] = ((ProviderOff, 404), (Conflict, 409), (Unavailable, 503))
_STATUS_UNAVAILABLE: Final = 503
_FAULT: Final = 502


@router.get("/integrations/pending/{pending_id}/")
def pending_show(
    services: AuditedServices, organization: ForIntegrations, pending_id: NumericId
) -> PendingInstallationOut:
    """The status of an installation that this token began."""
    pending = pending_installation(services, organization, parse_id(pending_id, "pending installation"))
    return PendingInstallationOut(
        id=str(pending.id),
        provider=pending.provider,
        status=pending.status,
        detail=pending.detail,
        integration_id=None if pending.installation_id is None else str(pending.installation_id),
        expires_at=pending.expires_at,
    )


@callback_router.get(CALLBACK, response_class=HTMLResponse)
def install_callback(
    services: ServicesDep,
    provider: Annotated[str, Path(description="The key of a provider.")],
    request: Request,
) -> HTMLResponse:
    """Finish an installation: the code host sends the browser back. The state in the query identifies it."""
    try:
        done = finish_installation(services, provider, request.scope["query_string"])
    except CallbackRefused as error:
        return _page(410 if error.gone else 400, "Nothing was installed", str(error))
    except (ProviderOff, Unavailable) as error:
        log.warning("callback not answered", provider=provider, error=str(error))
        return _page(_status_of(error), "Nothing was installed", shown_error(error))
    if done.error is not None:
        return _page(_status_of(done.error), f"{done.provider} was not installed", shown_error(done.error))
    return _page(200, f"{done.provider} is installed", _installed(done), _page_of(services, done))


def _installed(done: FinishedInstallation) -> str:
    name = done.installation.installation.name if done.installation else ""
    return f"Organization {done.organization.slug} now has the installation {name}."


def _page_of(services: Services, done: FinishedInstallation) -> str:
    """Return the address of the installation's page; empty if pages are off."""
    if not (services.web.enabled and services.url and done.installation):
        return ""
    return f"{services.url}/organizations/{done.organization.slug}/installations/{done.installation.installation.id}"


def _status_of(error: ScmhostError) -> int:
    if isinstance(error, ProviderRefused):
        return REFUSED_STATUS[error.reason]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _FAULT)


def _page(status: int, title: str, text: str, address: str = "") -> HTMLResponse:
    link = f'<a href="{escape(address)}">Open the installation</a>' if address else "You can close this window."
    answer = html_page(_PAGE.format(title=escape(title), text=escape(text), next=link), status)
    if status == _STATUS_UNAVAILABLE:
        answer.headers["Retry-After"] = str(Unavailable.retry_after)
    return answer
