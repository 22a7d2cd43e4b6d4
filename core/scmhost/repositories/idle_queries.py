"""SQL that finds which repositories nothing refers to."""

from collections.abc import Iterable

from sqlalchemy import Table, exists, select

from scmhost.commits.tables import COMMITS
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches
from scmhost.links.tables import CODE_MAPPINGS

from .tables import REPOSITORIES


def with_commits(tx: Transaction, organization_id: int, ids: Iterable[int]) -> set[int]:
    """Return those of the ids whose repositories have commits."""
    return _referred_to(tx, organization_id, ids, COMMITS)


def with_mappings(tx: Transaction, organization_id: int, ids: Iterable[int]) -> set[int]:
    """Return those of the ids whose repositories have code mappings."""
    return _referred_to(tx, organization_id, ids, CODE_MAPPINGS)


def _referred_to(tx: Transaction, organization_id: int, ids: Iterable[int], table: Table) -> set[int]:
    # A subquery finds the first row of each repository; a join would read all of them.
    own = (table.c.organization_id == organization_id) & (table.c.repository_id == REPOSITORIES.c.id)
    query = select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id, exists().where(own))
    return {id_ for piece in batches(ids) for id_ in tx.scalars(query.where(REPOSITORIES.c.id.in_(piece)))}
