"""The version of the plugin that stored the configuration of an installation."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installations", sa.Column("configuration_version", sa.Text()))


def downgrade() -> None:
    op.drop_column("installations", "configuration_version")
