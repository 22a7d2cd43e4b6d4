"""Changes of repositories at their code hosts: state, earlier names and URLs, synchronization; notes about fetches."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
TIME = sa.DateTime(timezone=True)
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

JOBS = sa.table("jobs", sa.column("kind", KEY))


def upgrade() -> None:
    op.add_column("repositories", sa.Column("state", KEY, nullable=False, server_default=sa.text("'active'")))
    op.add_column("repositories", sa.Column("host_name", TEXT))
    op.add_column("release_heads", sa.Column("note", TEXT))
    op.create_table(
        "repository_aliases",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("path", KEY),
        sa.Column("url", TEXT),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "kind", "key"),
        sa.ForeignKeyConstraint(
            ["organization_id", "repository_id"],
            ["repositories.organization_id", "repositories.id"],
            ondelete="CASCADE",
        ),
    )
    for name in ("repository_id", "path"):
        op.create_index(
            f"ix_repository_aliases_organization_id_{name}", "repository_aliases", ["organization_id", name]
        )
    op.create_table(
        "repository_syncs",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("installation_id", ID, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("checked", ID, nullable=False),
        sa.Column("changed", ID, nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("fault", TEXT),
        sa.PrimaryKeyConstraint("organization_id", "installation_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "installation_id"],
            ["installations.organization_id", "installations.id"],
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.execute(sa.delete(JOBS).where(JOBS.c.kind == "sync_repositories"))
    op.drop_table("repository_syncs")
    op.drop_table("repository_aliases")
    op.drop_column("release_heads", "note")
    op.drop_column("repositories", "host_name")
    op.drop_column("repositories", "state")
