"""Indexes for due jobs, due deletions, and releases by date."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DUE = sa.text("delete_after IS NOT NULL")

RELEASES = sa.table("releases", *(sa.column(name, TIME) for name in ("dated_at", "released_at", "created_at")))


def upgrade() -> None:
    op.add_column("releases", sa.Column("dated_at", TIME))
    op.execute(RELEASES.update().values(dated_at=sa.func.coalesce(RELEASES.c.released_at, RELEASES.c.created_at)))
    with op.batch_alter_table("releases") as table:
        table.alter_column("dated_at", existing_type=TIME, nullable=False)
    op.create_index("ix_releases_organization_id_dated_at_id", "releases", ["organization_id", "dated_at", "id"])
    op.create_index("ix_jobs_state_due_at_id", "jobs", ["state", "due_at", "id"])
    columns = ["delete_after", "id"]
    op.create_index("ix_repositories_delete_after_id", "repositories", columns, sqlite_where=DUE, postgresql_where=DUE)


def downgrade() -> None:
    op.drop_index("ix_repositories_delete_after_id", "repositories")
    op.drop_index("ix_jobs_state_due_at_id", "jobs")
    op.drop_index("ix_releases_organization_id_dated_at_id", "releases")
    with op.batch_alter_table("releases") as table:
        table.drop_column("dated_at")
