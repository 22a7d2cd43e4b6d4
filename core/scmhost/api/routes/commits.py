"""Commits: send them, ask which are missing, list those of a repository."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from scmhost.api.context import ForOrganization, ForReleases, NumericId, ServicesOf, numeric
from scmhost.api.pages import Wanted
from scmhost.api.shapes import CommitOut, CommitReleaseOut, Ingested, IngestedRepository, Missing
from scmhost.sdk import Organization
from scmhost.usecases.ingest_commits import ingest_commits, missing_commits
from scmhost.usecases.serialize_repository import RepositoryPayload, serialize_repository
from scmhost.usecases.services import Services
from scmhost.usecases.show_commits import ShownCommit, commits_of_repository

router: Final = APIRouter(prefix="/api/0/organizations/{organization}", tags=["commits"])


class CommitsIn(BaseModel):
    """Commits in the form that releases take them too: ``id``, ``repository``, ``message``, ``author_name``, ..."""

    commits: list[dict[str, Any]]


class ShasIn(BaseModel):
    """Shas of a repository, of which some may be known."""

    repository: str
    ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=10_000)]


@router.post("/commits/")
def send(services: ServicesOf, organization: ForReleases, body: CommitsIn) -> Ingested:
    """Send commits without a release. Sent twice they change nothing."""
    done, notes = ingest_commits(services, organization, body.commits)
    return Ingested(
        repositories=[
            IngestedRepository(
                id=str(item.repository.id),
                name=item.repository.name,
                new=len(item.saved.new),
                known=item.saved.known,
            )
            for item in done
        ],
        notes=list(notes),
    )


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


def shown_commits(services: Services, organization: Organization, commits: Sequence[ShownCommit]) -> list[CommitOut]:
    """Commits on the wire; each repository among them is serialized once."""
    payloads: dict[int, RepositoryPayload] = {}
    for shown in commits:
        if shown.repository.id not in payloads:
            payloads[shown.repository.id] = serialize_repository(services, organization, shown.repository)
    return [_shown(shown, payloads[shown.repository.id]) for shown in commits]


def _shown(shown: ShownCommit, repository: RepositoryPayload) -> CommitOut:
    commit = shown.commit
    return CommitOut(
        id=commit.sha,
        message=commit.message,
        date_created=commit.committed_at,
        repository=repository,
        author={"name": commit.author.name, "email": commit.author.email} if commit.author else {},
        url=shown.url,
        releases=[
            CommitReleaseOut(
                version=release.version,
                short_version=release.version,
                ref=release.ref,
                url=release.url,
                date_released=release.released_at,
                date_created=release.created_at,
            )
            for release in shown.releases
        ],
    )
