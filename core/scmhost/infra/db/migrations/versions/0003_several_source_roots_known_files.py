"""Several code mappings of one stack root, the evidence of derived ones, and the file index."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

OLD_KEY = "uq_code_mappings_organization_id_project_id_stack_root"
NEW_KEY = "uq_code_mappings_roots"

MAPPINGS = sa.table(
    "code_mappings",
    *(sa.column(name, ID) for name in ("organization_id", "id", "project_id", "source_hash")),
    sa.column("stack_root", KEY),
    sa.column("source_root", TEXT),
)
REPOSITORIES = sa.table("repositories", sa.column("organization_id", ID), sa.column("id", ID))
JOBS = sa.table(
    "jobs",
    *(sa.column(name, ID) for name in ("organization_id", "id", "attempts")),
    *(sa.column(name, KEY) for name in ("kind", "key", "state")),
    sa.column("payload", sa.JSON()),
    sa.column("due_at", TIME),
)


def upgrade() -> None:
    with op.batch_alter_table("code_mappings") as table:
        table.add_column(sa.Column("source_hash", ID))
        table.add_column(sa.Column("confidence", TEXT))
        table.add_column(sa.Column("derived_from", sa.JSON()))
        table.drop_constraint(OLD_KEY, type_="unique")
    hash_source_roots()
    with op.batch_alter_table("code_mappings") as table:
        table.alter_column("source_hash", existing_type=ID, nullable=False)
        columns = ["organization_id", "project_id", "stack_root", "repository_id", "source_hash"]
        table.create_unique_constraint(NEW_KEY, columns)
    create_known_files()
    order_file_lists()


def downgrade() -> None:
    """Delete all but the oldest mapping of each stack root, because the older schema allows only one."""
    op.execute(sa.delete(JOBS).where(JOBS.c.kind == "list_files"))
    op.drop_table("known_files")
    older = MAPPINGS.alias()
    alike = [older.c[name] == MAPPINGS.c[name] for name in ("organization_id", "project_id", "stack_root")]
    op.execute(sa.delete(MAPPINGS).where(sa.exists().where(*alike, older.c.id < MAPPINGS.c.id)))
    with op.batch_alter_table("code_mappings") as table:
        table.drop_constraint(NEW_KEY, type_="unique")
        table.create_unique_constraint(OLD_KEY, ["organization_id", "project_id", "stack_root"])
        for name in ("derived_from", "confidence", "source_hash"):
            table.drop_column(name)


def hash_source_roots() -> None:
    found = op.get_bind().execute(sa.select(MAPPINGS.c.organization_id, MAPPINGS.c.id, MAPPINGS.c.source_root))
    rows = [{"of": row.organization_id, "key": row.id, "hash": hash_of(row.source_root)} for row in found]
    if rows:
        mine = (MAPPINGS.c.organization_id == sa.bindparam("of")) & (MAPPINGS.c.id == sa.bindparam("key"))
        op.get_bind().execute(sa.update(MAPPINGS).where(mine).values(source_hash=sa.bindparam("hash")), rows)


def hash_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def create_known_files() -> None:
    op.create_table(
        "known_files",
        *(needed(name, ID) for name in ("organization_id", "repository_id", "path_hash")),
        needed("name", KEY),
        needed("path", TEXT),
        needed("deleted", sa.Boolean()),
        needed("commit_id", ID),
        needed("changed_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "repository_id", "path_hash"),
        sa.ForeignKeyConstraint(
            ["organization_id", "repository_id"],
            ["repositories.organization_id", "repositories.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_known_files_organization_id_name", "known_files", ["organization_id", "name"])


def needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def order_file_lists() -> None:
    """Add jobs that index the files of the stored commits."""
    bind = op.get_bind()
    rows = bind.execute(sa.select(REPOSITORIES.c.organization_id, REPOSITORIES.c.id)).all()
    jobs = [
        {
            "organization_id": row.organization_id,
            "id": number,
            "kind": "list_files",
            "key": f"{row.id}:0",
            "payload": {"repository": row.id, "first": 0, "last": 2**53 - 1},
            "state": "waiting",
            "attempts": 0,
            "due_at": datetime.now(UTC),
        }
        for row, number in zip(rows, new_ids(bind, len(rows)), strict=True)
    ]
    if jobs:
        bind.execute(sa.insert(JOBS), jobs)


def new_ids(bind: sa.Connection, count: int) -> Iterable[int]:
    if bind.dialect.name != "sqlite":
        return [bind.scalars(sa.select(sa.func.nextval("scmhost_ids"))).one() for _ in range(count)]
    end = bind.scalars(sa.text("UPDATE id_series SET next = next + :count RETURNING next"), {"count": count}).one()
    return range(end - count, end)
