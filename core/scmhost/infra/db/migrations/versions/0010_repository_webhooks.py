"""The webhooks of repositories at their code hosts, and an index of installations by their external ids."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BY_EXTERNAL_ID = "ix_installations_provider_external_id_organization_id"


def upgrade() -> None:
    op.create_table(
        "repository_webhooks",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("installation_id", ID, nullable=False),
        sa.Column("repository_id", ID, nullable=False),
        sa.Column("repository", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("external_id", KEY),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("address", TEXT),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "installation_id", "repository_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "installation_id"],
            ["installations.organization_id", "installations.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index(BY_EXTERNAL_ID, "installations", ["provider", "external_id", "organization_id"])


def downgrade() -> None:
    op.drop_index(BY_EXTERNAL_ID, table_name="installations")
    op.drop_table("repository_webhooks")
