"""The audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_series()
    op.create_table(
        "audit_entries",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", KEY, nullable=False),
        sa.Column("actor_id", ID),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("target_id", ID),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("key", KEY),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "key"),
    )
    op.create_index("ix_audit_entries_organization_id_action_id", "audit_entries", ["organization_id", "action", "id"])


def downgrade() -> None:
    op.drop_table("audit_entries")
    if on_sqlite():
        op.drop_table("audit_id_series")
    else:
        op.execute(sa.schema.DropSequence(sa.Sequence("scmhost_audit_ids")))


def on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def create_series() -> None:
    if not on_sqlite():
        # JSON readers represent integers exactly below this number.
        op.execute(sa.schema.CreateSequence(sa.Sequence("scmhost_audit_ids", maxvalue=2**53 - 1)))
        return
    series = op.create_table("audit_id_series", sa.Column("next", ID, nullable=False))
    op.bulk_insert(series, [{"next": 1}])
