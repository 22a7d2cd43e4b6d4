"""The route of suspect commits, and their shapes on the wire."""

from datetime import datetime
from typing import Annotated, Final, NotRequired

from fastapi import APIRouter
from pydantic import AliasChoices, Field

from scmhost.infra.http import Moment, Wire
from scmhost.organizations.access import ForLinks, ProjectToLink, ServicesDep
from scmhost.releases.schemas import MomentIn
from scmhost.sdk import Organization
from scmhost.services import Services

from .resolve import ResolvedFrame, resolve_links
from .schemas import RepositoryShort
from .suspects import FoundSuspect, SuspectOptions, find_suspects
from .trace_schemas import LinkedTraceOut
from .traces import LinksIn, Trace, counts_trace_time, read_trace

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["links"])


class SuspectsIn(LinksIn):
    """A trace whose suspect commits are requested."""

    first_seen: MomentIn | None = Field(
        default=None,
        validation_alias=AliasChoices("firstSeen", "first_seen"),
        description="The first occurrence of the error; later commits are left out.",
    )
    blame: bool = Field(default=True, description="Whether code hosts are asked who last changed the trace's lines.")


class SuspectAuthor(Wire):
    name: str | None
    email: str | None


class SuspectOut(Wire):
    """A commit that may have introduced the error."""

    sha: str
    score: float = Field(description="The estimated probability, from 0 to 1.")
    confidence: str = Field(description="high, medium or low; only the first suspect is ever high.")
    evidence: list[str] = Field(description="The reasons in words, the strongest first.")
    message: str | None = Field(description="Null for a commit that is not stored.")
    author: SuspectAuthor | None
    date_created: Moment | None
    repository: RepositoryShort
    url: str | None = Field(description="The commit's page on the code host.")


class SuspectsOut(Wire):
    """At most five suspects, the most probable first; or none, and the reason."""

    suspects: list[SuspectOut]
    reason: str | None = Field(description="Why there are no suspects.")
    release: str | None = Field(description="The release whose commits were compared; null for all newest commits.")
    compare_url: str | None = Field(description="The page of all changes of the release.")
    notes: list[str]


class TraceWithSuspectsOut(LinkedTraceOut):
    suspects: NotRequired[Annotated[SuspectsOut, Field(description="Only with the parameter `suspects`.")]]


@router.post("/suspects/")
@counts_trace_time
def suspects(services: ServicesDep, organization: ForLinks, project: ProjectToLink, body: SuspectsIn) -> SuspectsOut:
    """The commits that may have introduced the error of a trace."""
    trace = read_trace(services, body)
    resolved = resolve_links(services, organization, project, trace.queries, body.options)
    options = SuspectOptions(body.release or None, body.first_seen, body.blame)
    return suspects_out(services, organization, trace, resolved, options)


def suspects_out(
    services: Services,
    organization: Organization,
    trace: Trace,
    resolved: list[ResolvedFrame],
    options: SuspectOptions,
) -> SuspectsOut:
    """Return the suspects of resolved frames on the wire."""
    found = find_suspects(services, organization, trace, resolved, options)
    return SuspectsOut(
        suspects=[_suspect_out(item) for item in found.suspects],
        reason=found.reason,
        release=found.release,
        compare_url=found.compare_url,
        notes=list(found.notes),
    )


def _suspect_out(item: FoundSuspect) -> SuspectOut:
    suspect, commit = item.suspect, item.commit
    author, moment = _origin(item)
    return SuspectOut(
        sha=suspect.sha,
        score=suspect.score,
        confidence=suspect.confidence,
        evidence=list(suspect.evidence),
        message=commit.message if commit else None,
        author=author,
        date_created=moment,
        repository=RepositoryShort(id=str(item.repository.id), name=item.repository.name),
        url=item.url,
    )


def _origin(item: FoundSuspect) -> tuple[SuspectAuthor | None, datetime | None]:
    """Return the author and the time: of the stored commit, else of the blamed line."""
    if item.commit:
        author = item.commit.author
        shown = SuspectAuthor(name=author.name, email=author.email) if author else None
        return shown, item.commit.committed_at
    if item.blamed:
        return SuspectAuthor(name=item.blamed.author_name, email=item.blamed.author_email), item.blamed.timestamp
    return None, None
