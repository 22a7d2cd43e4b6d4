"""Routes of commits and of push deliveries."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from scmhost.commits.schemas import (
    CommitOut,
    CommitsRoute,
    Ingested,
    MissingOut,
    SentCommits,
    shown_commits,
    shown_ingested,
)
from scmhost.infra.http import RequestedPage
from scmhost.installations.webhooks import DELIVERIES
from scmhost.organizations.access import ForOrganization, ForReleases, NumericId, ServicesDep, parse_id

from .ingest import ingest_commits, missing_commits
from .push import IGNORED, receive_provider_delivery, receive_push
from .show import commits_of_repository

delivery_router: Final = APIRouter(tags=["webhooks"])

_ANY_BODY: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/json": {"schema": {}}}, "description": "What the code host sends."}
}


async def raw_body(request: Request) -> bytes:
    """Return the body as it was sent, because the signature is over these bytes."""
    return await request.body()


@delivery_router.post(DELIVERIES, openapi_extra=_ANY_BODY)
def delivery_receive(
    services: ServicesDep, installation_id: NumericId, request: Request, body: Annotated[bytes, Depends(raw_body)]
) -> Ingested:
    """Receive a push from a code host, signed with a secret of the installation. Sent again it changes nothing."""
    done, notes = receive_push(services, parse_id(installation_id, "webhook"), dict(request.headers), body)
    return shown_ingested(done, notes)


@delivery_router.post(
    "/hooks/provider/{provider}/",
    openapi_extra=_ANY_BODY,
    responses={202: {"model": Ingested, "description": "Not a push to an installation of this host; ignored."}},
)
def delivery_receive_for_provider(
    services: ServicesDep,
    provider: str,
    request: Request,
    response: Response,
    body: Annotated[bytes, Depends(raw_body)],
) -> Ingested:
    """Receive a delivery for any installation of a provider whose code host sends all of them to one address."""
    received = receive_provider_delivery(services, provider, dict(request.headers), body)
    if received is None:
        response.status_code = 202
        return shown_ingested([], [IGNORED])
    return shown_ingested(*received)


router: Final = APIRouter(prefix="/api/0/organizations/{organization}", tags=["commits"], route_class=CommitsRoute)


class CommitsIn(BaseModel):
    """Commits in the form of releases: ``id``, ``repository``, ``message``, ``author_name``, ..."""

    commits: SentCommits


class ShasIn(BaseModel):
    """Shas of a repository."""

    repository: str
    # Shas as long as Sentry accepts.
    ids: list[Annotated[str, Field(max_length=64)]]


@router.post("/commits/")
def commits_send(services: ServicesDep, organization: ForReleases, body: CommitsIn) -> Ingested:
    """Send commits without a release. Sending them again changes nothing."""
    done, notes = ingest_commits(services, organization, body.commits)
    return shown_ingested(done, notes)


@router.post("/commits/missing/")
def commits_missing(services: ServicesDep, organization: ForReleases, body: ShasIn) -> MissingOut:
    """List those of the shas that the repository does not have yet, so that a client sends only these."""
    return MissingOut(missing=missing_commits(services, organization, body.repository, body.ids))


@router.get("/repos/{repository_id}/commits/")
def commits_list(
    services: ServicesDep,
    organization: ForOrganization,
    repository_id: NumericId,
    page: RequestedPage,
) -> Sequence[CommitOut]:
    """A repository's commits, newest first."""
    found = commits_of_repository(services, organization, parse_id(repository_id, "repository"), page.request)
    return page.answer(found, shown_commits(services, organization, found.items))
