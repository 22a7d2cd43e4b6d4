"""Push webhooks: their secrets, and the address to which code hosts deliver."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from scmhost.api.commit_bodies import shown_ingested
from scmhost.api.context import ActingServices, ForIntegrations, NumericId, ServicesOf, numeric
from scmhost.api.shapes import Ingested, NewWebhookSecretOut, WebhookOut, WebhookSecretOut
from scmhost.sdk import Organization
from scmhost.usecases.receive_push import receive_push
from scmhost.usecases.services import Services
from scmhost.usecases.webhook_secrets import create_secret, delete_secret, list_secrets

router: Final = APIRouter(
    prefix="/api/0/organizations/{organization}/integrations/{integration_id}/webhook", tags=["webhooks"]
)
deliveries: Final = APIRouter(prefix="/hooks", tags=["webhooks"])

_ANY_BODY: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/json": {"schema": {}}}, "description": "What the code host sends."}
}


@router.get("/")
def get_one(
    services: ServicesOf, organization: ForIntegrations, integration_id: NumericId, request: Request
) -> WebhookOut:
    """An installation's webhook: its address, and which secrets are good."""
    installation_id = numeric(integration_id, "installation")
    return WebhookOut(**_shown(services, organization, installation_id, request))


@router.post("/", status_code=201)
def rotate(
    services: ActingServices, organization: ForIntegrations, integration_id: NumericId, request: Request
) -> NewWebhookSecretOut:
    """Make a new secret. Those before it stay good for a day, so that the code host can be told meanwhile."""
    installation_id = numeric(integration_id, "installation")
    new = create_secret(services, organization, installation_id)
    return NewWebhookSecretOut(**_shown(services, organization, installation_id, request), secret=new.text)


@router.delete("/{secret_id}/", status_code=204, response_class=Response)
def revoke(
    services: ActingServices, organization: ForIntegrations, integration_id: NumericId, secret_id: NumericId
) -> None:
    """Make a secret worthless, at once."""
    ids = numeric(integration_id, "installation"), numeric(secret_id, "secret")
    delete_secret(services, organization, *ids)


async def raw_body(request: Request) -> bytes:
    """The body as it was sent: its signature is over these bytes."""
    return await request.body()


@deliveries.post("/{installation_id}/", openapi_extra=_ANY_BODY)
def receive(
    services: ServicesOf, installation_id: NumericId, request: Request, body: Annotated[bytes, Depends(raw_body)]
) -> Ingested:
    """Take in a push from a code host, signed with a secret of the installation. Sent again it changes nothing."""
    done, notes = receive_push(services, numeric(installation_id, "webhook"), dict(request.headers), body)
    return shown_ingested(done, notes)


def _shown(services: Services, organization: Organization, installation_id: int, request: Request) -> dict[str, Any]:
    secrets = list_secrets(services, organization, installation_id)
    return {
        "url": str(request.url_for("receive", installation_id=installation_id)),
        "secrets": [
            WebhookSecretOut(id=str(secret.id), date_created=secret.created_at, date_expires=secret.expires_at)
            for secret in secrets
        ],
    }
