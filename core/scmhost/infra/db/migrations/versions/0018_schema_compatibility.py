"""The oldest code that can serve the tables, and a counter of the writes to each organization."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
oldest_code = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Its row is written after each migration.
    op.create_table("schema_compatibility", sa.Column("oldest_code", sa.Text(), nullable=False))
    writes = sa.Column("writes", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("organization_versions", writes)


def downgrade() -> None:
    op.drop_column("organization_versions", "writes")
    op.drop_table("schema_compatibility")
