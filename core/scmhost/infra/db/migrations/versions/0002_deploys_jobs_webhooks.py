"""Deploys, jobs, webhook secrets, and the issues that commits resolve."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.schema import SchemaItem

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

TABLES = ("deploys", "deploy_projects", "jobs", "webhook_secrets")


def upgrade() -> None:
    op.add_column("commits", sa.Column("issue_ids", TEXT))
    create_deploys()
    create_jobs()
    create_webhook_secrets()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    op.drop_column("commits", "issue_ids")


def needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def refers_to(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete="CASCADE"
    )


def create_keyed(name: str, keys: Sequence[str], *items: SchemaItem, narrow: bool = False) -> None:
    """Create a table whose primary key is the organization and the named columns."""
    primary = ["organization_id", *keys]
    columns = [needed(key, ID) for key in primary]
    op.create_table(name, *columns, *items, sa.PrimaryKeyConstraint(*primary), sqlite_with_rowid=not narrow)


def create_owned(name: str, *items: SchemaItem) -> None:
    """Create a table of rows that have an id within their organization."""
    owner = sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE")
    create_keyed(name, ["id"], *items, owner)


def create_index(table: str, columns: Sequence[str]) -> None:
    names = ["organization_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)


def create_deploys() -> None:
    create_owned(
        "deploys",
        needed("release_id", ID),
        sa.Column("request_key", KEY),
        needed("environment", TEXT),
        sa.Column("name", TEXT),
        sa.Column("url", TEXT),
        sa.Column("started_at", TIME),
        needed("finished_at", TIME),
        refers_to("releases", "release_id"),
        sa.UniqueConstraint("organization_id", "release_id", "request_key"),
    )
    create_index("deploys", ["release_id", "finished_at", "id"])
    create_keyed(
        "deploy_projects",
        ["deploy_id", "project_id"],
        refers_to("deploys", "deploy_id"),
        refers_to("projects", "project_id"),
        narrow=True,
    )
    create_index("deploy_projects", ["project_id"])


def create_jobs() -> None:
    create_owned(
        "jobs",
        needed("kind", KEY),
        needed("key", KEY),
        needed("payload", sa.JSON()),
        needed("state", KEY),
        needed("attempts", ID),
        needed("due_at", TIME),
        sa.Column("leased_until", TIME),
        sa.Column("fault", TEXT),
        sa.UniqueConstraint("organization_id", "kind", "key"),
    )


def create_webhook_secrets() -> None:
    create_owned(
        "webhook_secrets",
        needed("installation_id", ID),
        needed("created_at", TIME),
        sa.Column("expires_at", TIME),
        refers_to("installations", "installation_id"),
    )
    create_index("webhook_secrets", ["installation_id"])
