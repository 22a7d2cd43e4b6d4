"""Routes of commits and of push deliveries."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from scmhost.infra.http import Wanted
from scmhost.organizations.access import ForOrganization, ForReleases, NumericId, ServicesOf, numeric, services_of

from .ingest import check_body, ingest_commits, missing_commits
from .push import receive_push
from .schemas import CommitOut, Ingested, Missing, shown_commits, shown_ingested
from .show import commits_of_repository

delivery_router: Final = APIRouter(prefix="/hooks", tags=["webhooks"])

_ANY_BODY: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/json": {"schema": {}}}, "description": "What the code host sends."}
}


async def raw_body(request: Request) -> bytes:
    """The body as it was sent: its signature is over these bytes."""
    return await request.body()


@delivery_router.post("/{installation_id}/", openapi_extra=_ANY_BODY)
def delivery_receive(
    services: ServicesOf, installation_id: NumericId, request: Request, body: Annotated[bytes, Depends(raw_body)]
) -> Ingested:
    """Take in a push from a code host, signed with a secret of the installation. Sent again it changes nothing."""
    done, notes = receive_push(services, numeric(installation_id, "webhook"), dict(request.headers), body)
    return shown_ingested(done, notes)


router: Final = APIRouter(prefix="/api/0/organizations/{organization}", tags=["commits"])


class CommitsIn(BaseModel):
    """Commits in the form that releases take them too: ``id``, ``repository``, ``message``, ``author_name``, ..."""

    commits: list[dict[str, Any]]


class ShasIn(BaseModel):
    """Shas of a repository, of which some may be known."""

    repository: str
    ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=10_000)]


class CommitsRequest(Request):
    """A request whose body is read and checked in one go. Where that fails, the usual way finds out why."""

    async def json(self) -> Any:
        checked = await run_in_threadpool(check_body, await services_of(self), await self.body())
        if checked is None:
            return await super().json()
        return CommitsIn.model_construct(commits=cast("list[dict[str, Any]]", checked))


class CommitsRoute(APIRoute):
    """A route of such requests."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_commits(request: Request) -> Response:
            return await handle(CommitsRequest(request.scope, request.receive))

        return handle_commits


def commits_send(services: ServicesOf, organization: ForReleases, body: CommitsIn) -> Ingested:
    """Send commits without a release. Sent twice they change nothing."""
    done, notes = ingest_commits(services, organization, body.commits)
    return shown_ingested(done, notes)


router.add_api_route("/commits/", commits_send, methods=["POST"], route_class_override=CommitsRoute)


@router.post("/commits/missing/")
def commits_missing(services: ServicesOf, organization: ForReleases, body: ShasIn) -> Missing:
    """Which of these commits are not there yet, so that a client sends no more than that."""
    return Missing(missing=missing_commits(services, organization, body.repository, body.ids))


@router.get("/repos/{repository_id}/commits/")
def commits_list(
    services: ServicesOf,
    organization: ForOrganization,
    repository_id: NumericId,
    page: Wanted,
) -> Sequence[CommitOut]:
    """A repository's commits, newest first."""
    found = commits_of_repository(services, organization, numeric(repository_id, "repository"), page.request)
    return page.answer(found, shown_commits(services, organization, found.items))
