"""Installations that a person continues at the code host."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
TIME = sa.DateTime(timezone=True)
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pending_installations",
        sa.Column("organization_id", ID, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("callback_url", TEXT, nullable=False),
        sa.Column("sealed", TEXT),
        sa.Column("actor_kind", KEY, nullable=False),
        sa.Column("actor_id", ID),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.Column("status", KEY, nullable=False),
        sa.Column("detail", TEXT),
        sa.Column("installation_id", ID),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "digest"),
    )


def downgrade() -> None:
    op.drop_table("pending_installations")
