"""Deploys of releases."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from scmhost.api.context import ForReleases, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.release_bodies import SAID_BEFORE, MomentIn, shown_deploy
from scmhost.api.shapes import DeployOut
from scmhost.usecases.deploys import create_deploy, list_deploys
from scmhost.usecases.values import DeployDraft

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/releases/{version}/deploys", tags=["deploys"])


class NewDeploy(BaseModel):
    """A deploy to note. Without projects it is of all that have the release; without an end it ended now."""

    environment: str
    name: str | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    dateStarted: MomentIn | None = None  # noqa: N815 - the wire's spelling
    dateFinished: MomentIn | None = None  # noqa: N815 - the wire's spelling
    projects: list[str | int] | None = None

    def draft(self) -> DeployDraft:
        """The deploy to save."""
        return DeployDraft(self.environment, self.name or None, self.url or None, self.dateStarted, self.dateFinished)


@router.get("/")
def list_all(services: ServicesOf, organization: ForReleases, version: str, page: Wanted) -> Sequence[DeployOut]:
    """A release's deploys, the last one first."""
    found = list_deploys(services, organization, version, page.request)
    return page.answer(found, [shown_deploy(deploy) for deploy in found.items])


@router.post("/", status_code=201, responses={208: {"model": DeployOut, "description": "It was there already."}})
def create(
    services: ServicesOf, organization: ForReleases, version: str, new: NewDeploy, response: Response
) -> DeployOut:
    """Note a deploy. The same times and words again are the same deploy."""
    projects = [str(name) for name in new.projects or ()]
    deploy, created = create_deploy(services, organization, version, new.draft(), projects)
    response.status_code = 201 if created else SAID_BEFORE
    return shown_deploy(deploy)
