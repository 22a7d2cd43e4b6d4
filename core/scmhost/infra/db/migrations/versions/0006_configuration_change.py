"""The audit action ``switchboard.change`` becomes ``configuration.change``."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ENTRIES = sa.table("audit_entries", sa.column("action", sa.Text()))


def upgrade() -> None:
    rename("switchboard.change", "configuration.change")


def downgrade() -> None:
    rename("configuration.change", "switchboard.change")


def rename(old: str, new: str) -> None:
    op.execute(ENTRIES.update().where(ENTRIES.c.action == old).values(action=new))
