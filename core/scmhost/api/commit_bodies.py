"""Commits on the wire, wherever they stand."""

from collections.abc import Sequence

from scmhost.sdk import Organization
from scmhost.sdk.wire import RepositoryPayload
from scmhost.usecases.ingest_commits import Ingested as IngestedCommits
from scmhost.usecases.serialize_repository import serialize_repository
from scmhost.usecases.services import Services
from scmhost.usecases.show_commits import ShownCommit, ShownFile
from scmhost.usecases.values import StoredCommit

from .shapes import ChangedFileOut, CommitOut, CommitReleaseOut, Ingested, IngestedRepository


def shown_ingested(done: Sequence[IngestedCommits], notes: Sequence[str]) -> Ingested:
    """What became of commits that were sent."""
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


def shown_file(organization: Organization, shown: ShownFile) -> ChangedFileOut:
    """A file that a commit of a release changed."""
    commit = shown.commit
    return ChangedFileOut(
        id=f"{commit.sha}:{shown.change.path}",
        org_id=organization.id,
        author=author_of(commit),
        commit_message=commit.message,
        filename=shown.change.path,
        type=shown.change.type,
        repo_name=shown.repository.name,
    )


def author_of(commit: StoredCommit) -> dict[str, str | None]:
    """Name and e-mail; empty when there is no author."""
    return {"name": commit.author.name, "email": commit.author.email} if commit.author else {}
