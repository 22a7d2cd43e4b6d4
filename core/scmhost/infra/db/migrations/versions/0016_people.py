"""People, their memberships, links and sessions, and the key that signs cookies."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
TIME = sa.DateTime(timezone=True)
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_people()
    _create_secrets()
    keys = op.create_table(
        "host_keys",
        sa.Column("name", KEY, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    # Made here, so that no page has to write one before its first form.
    op.bulk_insert(keys, [{"name": "cookies", "key": secrets.token_urlsafe(32)}])


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", ID, nullable=False, autoincrement=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("subject", KEY),
        sa.Column("host_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("signed_in_at", TIME),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "memberships",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "person_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_memberships_person_id", "memberships", ["person_id"])


def _create_secrets() -> None:
    op.create_table(
        "sign_in_links",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("person_id", ID),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("person_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "person_sessions",
        sa.Column("id", ID, nullable=False, autoincrement=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_person_sessions_person_id", "person_sessions", ["person_id"])


def downgrade() -> None:
    for table in ("host_keys", "person_sessions", "sign_in_links", "memberships", "people"):
        op.drop_table(table)
