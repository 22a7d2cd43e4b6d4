"""SQL of snapshots: the rows of an organization that links need, in batches."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Select, and_, select

from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.organizations.tables import PROJECTS
from scmhost.releases.tables import RELEASE_HEADS, RELEASES
from scmhost.repositories.tables import KNOWN_FILES

_BATCH: Final = 5_000
# A repository that no mapping leads to has no links.
_MAPPED: Final = select(CODE_MAPPINGS.c.repository_id)


def projects(tx: Transaction, organization_id: int) -> Iterator[Sequence[AnyRow]]:
    """Yield id and slug of the projects."""
    query = select(PROJECTS.c.id, PROJECTS.c.slug).where(PROJECTS.c.organization_id == organization_id)
    return _batches(tx, query.order_by(PROJECTS.c.id))


def mappings(tx: Transaction, organization_id: int, project_id: int) -> Iterator[Sequence[AnyRow]]:
    """Yield the code mappings of a project, with the columns of ``SnapshotMapping``."""
    names = ("id", "repository_id", "stack_root", "source_root", "default_branch", "generated", "confidence")
    query = select(*(CODE_MAPPINGS.c[name] for name in names)).where(
        CODE_MAPPINGS.c.organization_id == organization_id, CODE_MAPPINGS.c.project_id == project_id
    )
    return _batches(tx, query.order_by(CODE_MAPPINGS.c.id))


def repository_ids(tx: Transaction, organization_id: int) -> list[int]:
    """Return the ids of the repositories that code mappings lead to."""
    query = _MAPPED.where(CODE_MAPPINGS.c.organization_id == organization_id).distinct()
    return sorted(tx.scalars(query))


def heads(tx: Transaction, organization_id: int) -> Iterator[Sequence[AnyRow]]:
    """Yield version, repository and commit of the releases of these repositories."""
    of_release = and_(
        RELEASES.c.organization_id == RELEASE_HEADS.c.organization_id, RELEASES.c.id == RELEASE_HEADS.c.release_id
    )
    query = (
        select(RELEASES.c.version, RELEASE_HEADS.c.repository_id, RELEASE_HEADS.c.sha)
        .join(RELEASE_HEADS, of_release)
        .where(
            RELEASE_HEADS.c.organization_id == organization_id,
            RELEASE_HEADS.c.repository_id.in_(_MAPPED.where(CODE_MAPPINGS.c.organization_id == organization_id)),
        )
    )
    return _batches(tx, query.order_by(RELEASES.c.id, RELEASE_HEADS.c.repository_id))


def commits(tx: Transaction, organization_id: int, repository_id: int) -> Iterator[Sequence[AnyRow]]:
    """Yield id and sha of a repository's commits, the oldest first."""
    query = select(COMMITS.c.id, COMMITS.c.sha).where(
        COMMITS.c.organization_id == organization_id, COMMITS.c.repository_id == repository_id
    )
    return _batches(tx, query.order_by(COMMITS.c.committed_at, COMMITS.c.id))


def files(tx: Transaction, organization_id: int, repository_id: int) -> Iterator[Sequence[AnyRow]]:
    """Yield path, id of the newest commit, and whether that deleted it, of a repository's indexed files."""
    query = select(KNOWN_FILES.c.path, KNOWN_FILES.c.commit_id, KNOWN_FILES.c.deleted).where(
        KNOWN_FILES.c.organization_id == organization_id, KNOWN_FILES.c.repository_id == repository_id
    )
    return _batches(tx, query)


def changes(
    tx: Transaction, organization_id: int, repository_id: int, first: int, last: int
) -> Iterator[Sequence[AnyRow]]:
    """Yield the same of the changes of the repository's commits in a range of ids."""
    of_commit = and_(
        FILE_CHANGES.c.organization_id == COMMITS.c.organization_id, FILE_CHANGES.c.commit_id == COMMITS.c.id
    )
    query = (
        select(FILE_CHANGES.c.path, FILE_CHANGES.c.commit_id, FILE_CHANGES.c.type == "D")
        .join(COMMITS, of_commit)
        .where(
            COMMITS.c.organization_id == organization_id,
            COMMITS.c.repository_id == repository_id,
            COMMITS.c.id.between(first, last),
        )
    )
    return _batches(tx, query)


def _batches(tx: Transaction, query: Select[Any]) -> Iterator[Sequence[AnyRow]]:
    return tx.execute(query.execution_options(yield_per=_BATCH)).partitions()
