"""Commits: send them, ask which are missing, list those of a repository."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from scmhost.api.commit_bodies import shown_commits, shown_ingested
from scmhost.api.context import ForOrganization, ForReleases, NumericId, ServicesOf, numeric, services_of
from scmhost.api.pages import Wanted
from scmhost.api.shapes import CommitOut, Ingested, Missing
from scmhost.usecases.ingest_commits import check_body, ingest_commits, missing_commits
from scmhost.usecases.show_commits import commits_of_repository

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


def send(services: ServicesOf, organization: ForReleases, body: CommitsIn) -> Ingested:
    """Send commits without a release. Sent twice they change nothing."""
    done, notes = ingest_commits(services, organization, body.commits)
    return shown_ingested(done, notes)


router.add_api_route("/commits/", send, methods=["POST"], route_class_override=CommitsRoute)


@router.post("/commits/missing/")
def missing(services: ServicesOf, organization: ForReleases, body: ShasIn) -> Missing:
    """Which of these commits are not there yet, so that a client sends no more than that."""
    return Missing(missing=missing_commits(services, organization, body.repository, body.ids))


@router.get("/repos/{repository_id}/commits/")
def list_all(
    services: ServicesOf,
    organization: ForOrganization,
    repository_id: NumericId,
    page: Wanted,
) -> Sequence[CommitOut]:
    """A repository's commits, newest first."""
    found = commits_of_repository(services, organization, numeric(repository_id, "repository"), page.request)
    return page.answer(found, shown_commits(services, organization, found.items))
