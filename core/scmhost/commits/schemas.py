"""Wire shapes of commits."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import Field, JsonValue, ValidatorFunctionWrapHandler, WrapValidator
from starlette.concurrency import run_in_threadpool

from scmhost.infra.http import Moment, Wire
from scmhost.organizations.access import services_of
from scmhost.repositories.claim import serialize_repository
from scmhost.sdk import Organization
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from . import ingest
from .payload import are_ready, read_body
from .show import ShownCommit
from .values import ListedCommit, StoredCommit


class CommitReleaseOut(Wire):
    version: str
    short_version: str
    ref: str | None = None
    url: str | None = None
    date_released: Moment | None = None
    date_created: Moment


class CommitOut(Wire):
    id: str = Field(description="The sha.")
    message: str | None
    date_created: Moment
    # Sentry's schema requires both fields; there is no counterpart here.
    pull_request: None = None
    suspect_commit_type: str = ""
    repository: RepositoryPayload | dict[str, JsonValue]
    author: dict[str, str | None] = Field(description="Name and e-mail; empty when there is none.")
    issue_ids: list[str] = Field(default_factory=list, description="Issues that the message resolves.")
    url: str | None = Field(default=None, description="The commit's page on the code host.")
    releases: list[CommitReleaseOut] = Field(default_factory=list)


class IngestedRepository(Wire):
    id: str
    name: str
    new: int
    known: int


class Ingested(Wire):
    repositories: list[IngestedRepository]
    notes: list[str]


class MissingOut(Wire):
    missing: list[str]


class CommitsRequest(Request):
    """A request whose body may contain commits, which are checked while the body is decoded."""

    async def json(self) -> Any:
        """Return the body's fields. If it is not a JSON object, the default parser raises the error."""
        services = await services_of(self)
        # Decoding ten thousand commits takes tens of milliseconds, in which the event loop would serve nothing else.
        fields = await run_in_threadpool(read_body, await self.body(), services.limits)
        return await super().json() if fields is None else fields


class CommitsRoute(APIRoute):
    """A route that handles ``CommitsRequest``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_commits(request: Request) -> Response:
            return await handle(CommitsRequest(request.scope, request.receive))

        return handle_commits


def _keep_checked(entries: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    # One call for all of them: one for each of ten thousand takes milliseconds.
    if isinstance(entries, list) and are_ready(entries):
        return entries
    return validate(entries)


def _keep_checked_entry(entry: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    return entry if isinstance(entry, ListedCommit) else validate(entry)


SentCommits = Annotated[
    list[Annotated[dict[str, Any], WrapValidator(_keep_checked_entry)]], WrapValidator(_keep_checked)
]
"""The ``commits`` of a body: objects, or commits that ``CommitsRequest`` has checked."""


def shown_ingested(done: Sequence[ingest.IngestedCommits], notes: Sequence[str]) -> Ingested:
    """Return the answer to a request that sent commits."""
    repositories = [
        IngestedRepository(
            id=str(item.repository.id),
            name=item.repository.name,
            new=len(item.saved.new),
            known=item.saved.known,
        )
        for item in done
    ]
    return Ingested(repositories=repositories, notes=list(notes))


def shown_commits(services: Services, organization: Organization, commits: Sequence[ShownCommit]) -> list[CommitOut]:
    """Return commits as they are sent. Each of their repositories is serialized once."""
    # Each serialization calls a plugin, and a page has up to a hundred commits of few repositories.
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
        author=author_of(commit),
        issue_ids=list(commit.issue_ids),
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


def author_of(commit: StoredCommit) -> dict[str, str | None]:
    """Return the name and the e-mail address of a commit's author; empty without an author."""
    return {"name": commit.author.name, "email": commit.author.email} if commit.author else {}
