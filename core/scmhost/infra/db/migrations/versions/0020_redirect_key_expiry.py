"""When each redirect key expires, and when it was last used."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
oldest_code = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("expires_at", "last_used_at"):
        op.add_column("redirect_keys", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("last_used_at", "expires_at"):
        op.drop_column("redirect_keys", name)
