"""The first tables."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger()
TEXT = sa.Text()
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

NAME_IS_HELD = sa.text("status IN ('active', 'hidden')")

TABLES = (
    "organizations",
    "projects",
    "tokens",
    "installations",
    "repositories",
    "code_mappings",
    "authors",
    "commits",
    "file_changes",
    "releases",
    "release_projects",
    "release_commits",
    "release_heads",
)


def upgrade() -> None:
    create_series()
    create_organizations()
    create_setup()
    create_repositories()
    create_commits()
    create_releases()
    create_release_lists()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    if on_sqlite():
        op.drop_table("id_series")
    else:
        op.execute(sa.schema.DropSequence(sa.Sequence("scmhost_ids")))


def on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def create_series() -> None:
    if not on_sqlite():
        # JSON readers represent integers exactly below this number.
        op.execute(sa.schema.CreateSequence(sa.Sequence("scmhost_ids", maxvalue=2**53 - 1)))
        return
    series = op.create_table("id_series", sa.Column("next", ID, nullable=False))
    op.bulk_insert(series, [{"next": 1}])


def needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def refers_to(table: str, column: str, ondelete: str | None = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


def of_organization() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE")


def create_owned(name: str, *items: SchemaItem, narrow: bool = False) -> None:
    """Create a table of rows that have an id within their organization."""
    create_keyed(name, "id", *items, of_organization(), narrow=narrow)


def create_keyed(name: str, keys: str, *items: SchemaItem, narrow: bool = False) -> None:
    """Create a table whose primary key is the organization and the named columns."""
    primary = ["organization_id", *keys.split()]
    columns = [needed(key, ID) for key in primary]
    op.create_table(name, *columns, *items, sa.PrimaryKeyConstraint(*primary), sqlite_with_rowid=not narrow)


def create_index(table: str, columns: Sequence[str]) -> None:
    names = ["organization_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)


def create_organizations() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", ID, nullable=False, autoincrement=False),
        needed("slug", KEY),
        needed("name", TEXT),
        needed("created_at", TIME),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )


def create_setup() -> None:
    create_owned(
        "projects",
        needed("slug", KEY),
        needed("name", TEXT),
        sa.Column("platform", TEXT),
        needed("mappings_version", ID),
        needed("created_at", TIME),
        sa.UniqueConstraint("organization_id", "slug"),
    )
    create_owned(
        "tokens",
        needed("name", TEXT),
        needed("digest", KEY),
        needed("hint", TEXT),
        needed("scopes", sa.JSON()),
        needed("created_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.UniqueConstraint("organization_id", "digest"),
    )
    create_owned(
        "installations",
        needed("provider", KEY),
        needed("name", KEY),
        needed("external_id", KEY),
        needed("metadata", sa.JSON()),
        needed("configuration", sa.JSON()),
        needed("created_at", TIME),
        sa.UniqueConstraint("organization_id", "provider", "external_id"),
    )


def create_repositories() -> None:
    create_owned(
        "repositories",
        needed("name", TEXT),
        needed("name_key", KEY),
        sa.Column("url", TEXT),
        sa.Column("provider", KEY),
        sa.Column("installation_id", ID),
        sa.Column("external_id", KEY),
        needed("configuration", sa.JSON()),
        needed("status", KEY),
        needed("created_at", TIME),
        sa.Column("delete_after", TIME),
        refers_to("installations", "installation_id", None),
    )
    create_index("repositories", ["name_key", "id"])
    create_index("repositories", ["installation_id"])
    for name, columns in (("name", ["name_key"]), ("external_id", ["provider", "external_id"])):
        op.create_index(
            f"uq_repositories_{name}",
            "repositories",
            ["organization_id", *columns],
            unique=True,
            sqlite_where=NAME_IS_HELD,
            postgresql_where=NAME_IS_HELD,
        )
    create_owned(
        "code_mappings",
        needed("project_id", ID),
        needed("repository_id", ID),
        needed("stack_root", KEY),
        needed("source_root", TEXT),
        sa.Column("default_branch", TEXT),
        needed("generated", sa.Boolean()),
        needed("created_at", TIME),
        refers_to("projects", "project_id"),
        refers_to("repositories", "repository_id"),
        sa.UniqueConstraint("organization_id", "project_id", "stack_root"),
    )
    create_index("code_mappings", ["repository_id"])


def create_commits() -> None:
    create_owned(
        "authors",
        needed("email", KEY),
        sa.Column("name", TEXT),
        sa.UniqueConstraint("organization_id", "email"),
        narrow=True,
    )
    create_keyed(
        "commits",
        "id",
        needed("repository_id", ID),
        needed("sha", KEY),
        sa.Column("message", TEXT),
        sa.Column("author_id", ID),
        needed("committed_at", TIME),
        needed("dated", sa.Boolean()),
        refers_to("repositories", "repository_id"),
        refers_to("authors", "author_id", None),
        sa.UniqueConstraint("organization_id", "repository_id", "sha"),
    )
    create_index("commits", ["repository_id", "committed_at", "id"])
    create_keyed(
        "file_changes",
        "commit_id path_hash",
        needed("path", TEXT),
        needed("type", TEXT),
        refers_to("commits", "commit_id"),
        narrow=True,
    )


def create_releases() -> None:
    create_owned(
        "releases",
        needed("version", KEY),
        needed("status", TEXT),
        sa.Column("ref", TEXT),
        sa.Column("url", TEXT),
        sa.Column("owner", TEXT),
        needed("created_at", TIME),
        sa.Column("started_at", TIME),
        sa.Column("released_at", TIME),
        needed("commit_count", ID),
        needed("author_ids", sa.JSON()),
        sa.Column("last_commit_id", ID),
        sa.UniqueConstraint("organization_id", "version"),
    )


def create_release_lists() -> None:
    of_release = ("releases", "release_id")
    create_keyed(
        "release_projects",
        "release_id project_id",
        refers_to(*of_release),
        refers_to("projects", "project_id"),
        narrow=True,
    )
    create_index("release_projects", ["project_id"])
    create_keyed(
        "release_commits",
        "release_id repository_id position",
        needed("commit_id", ID),
        refers_to(*of_release),
        refers_to("commits", "commit_id"),
        narrow=True,
    )
    create_index("release_commits", ["commit_id"])
    create_keyed(
        "release_heads",
        "release_id repository_id",
        needed("sha", TEXT),
        sa.Column("previous_sha", TEXT),
        refers_to(*of_release),
        refers_to("repositories", "repository_id"),
        narrow=True,
    )
    create_index("release_heads", ["repository_id"])
