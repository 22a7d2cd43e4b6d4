"""The last deliveries of webhooks, and traces that people share."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
oldest_code = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("installation_id", ID, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "installation_id"],
            ["installations.organization_id", "installations.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_webhook_deliveries_organization_id_installation_id",
        "webhook_deliveries",
        ["organization_id", "installation_id"],
    )
    op.create_table(
        "shared_traces",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("release_version", sa.Text(), nullable=True),
        sa.Column("commit_sha", sa.Text(), nullable=True),
        sa.Column("actor_kind", KEY, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_shared_traces_organization_id_project_id", "shared_traces", ["organization_id", "project_id"])
    op.create_index("ix_shared_traces_expires_at", "shared_traces", ["expires_at"])


def downgrade() -> None:
    op.drop_table("shared_traces")
    op.drop_table("webhook_deliveries")
