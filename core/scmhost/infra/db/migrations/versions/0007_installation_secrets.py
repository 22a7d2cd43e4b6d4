"""The encrypted secrets of installations."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
TIME = sa.DateTime(timezone=True)
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "installation_secrets",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("installation_id", ID, nullable=False),
        sa.Column("encrypted", TEXT, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("leased_until", TIME),
        sa.Column("problem", TEXT),
        sa.Column("problem_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "installation_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "installation_id"],
            ["installations.organization_id", "installations.id"],
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("installation_secrets")
