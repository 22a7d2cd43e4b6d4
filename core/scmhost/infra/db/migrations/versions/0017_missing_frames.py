"""Counters of frames without a link."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "missing_frames",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("root", KEY, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "day", "project_id", "reason", "root"),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_missing_frames_organization_id_project_id", "missing_frames", ["organization_id", "project_id"])


def downgrade() -> None:
    op.drop_table("missing_frames")
