"""The tables of repositories, of their earlier names, known files and webhooks, and of their synchronization."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, ChildMixin, EntityMixin, KeyText, refers_to, table_of

IS_DUE_SOME_DAY: Final = "delete_after IS NOT NULL"
"""The condition of a small index: housekeeping searches once a minute for the few rows whose deletion is scheduled."""

NAME_IS_HELD: Final = "status IN ('active', 'hidden')"
"""The condition of unique indexes: others may take the name and external id of a repository that will be deleted."""


class RepositoryRow(EntityMixin, Base):
    __tablename__ = "repositories"
    __table_args__ = (
        refers_to("installations", "installation_id", ondelete=None),
        Index(
            "uq_repositories_name",
            "organization_id",
            "name_key",
            unique=True,
            sqlite_where=text(NAME_IS_HELD),
            postgresql_where=text(NAME_IS_HELD),
        ),
        Index(
            "uq_repositories_external_id",
            "organization_id",
            "provider",
            "external_id",
            unique=True,
            sqlite_where=text(NAME_IS_HELD),
            postgresql_where=text(NAME_IS_HELD),
        ),
        # For pages by name, which also have the repositories that the unique index leaves out.
        Index(None, "organization_id", "name_key", "id"),
        Index(None, "delete_after", "id", sqlite_where=text(IS_DUE_SOME_DAY), postgresql_where=text(IS_DUE_SOME_DAY)),
        Index(None, "organization_id", "installation_id"),
    )

    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(KeyText)
    url: Mapped[str | None]
    provider: Mapped[str | None] = mapped_column(KeyText)
    installation_id: Mapped[int | None]
    external_id: Mapped[str | None] = mapped_column(KeyText)
    configuration: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(KeyText)
    created_at: Mapped[datetime]
    delete_after: Mapped[datetime | None]
    # Workers of the version before insert rows without it.
    state: Mapped[str] = mapped_column(KeyText, server_default=text("'active'"))
    # The name that the code host reported last. Users may have given the repository another one.
    host_name: Mapped[str | None]


class RepositoryAliasRow(ChildMixin, Base):
    """An earlier name or URL of a repository, which still finds it.

    ``key`` is the name as it is compared, or the host and the path of the URL; ``path`` is the path alone.
    """

    __tablename__ = "repository_aliases"
    __table_args__ = (
        refers_to("repositories", "repository_id"),
        Index(None, "organization_id", "repository_id"),
        Index(None, "organization_id", "path"),
    )

    kind: Mapped[str] = mapped_column(KeyText, primary_key=True)
    key: Mapped[str] = mapped_column(KeyText, primary_key=True)
    repository_id: Mapped[int]
    path: Mapped[str | None] = mapped_column(KeyText)
    url: Mapped[str | None]
    created_at: Mapped[datetime]


class RepositorySyncRow(ChildMixin, Base):
    """When an installation's repositories are next compared with its code host, and the last result."""

    __tablename__ = "repository_syncs"
    __table_args__ = (refers_to("installations", "installation_id"),)

    installation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    checked: Mapped[int]
    changed: Mapped[int]
    notes: Mapped[list[Any]]
    fault: Mapped[str | None]


class KnownFileRow(ChildMixin, Base):
    """A path that commits of a repository list, with the newest of these commits.

    The table has a rowid: without one, SQLite would scan the primary key instead of using the index of names.
    """

    __tablename__ = "known_files"
    __table_args__ = (refers_to("repositories", "repository_id"), Index(None, "organization_id", "name"))

    repository_id: Mapped[int] = mapped_column(primary_key=True)
    path_hash: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(KeyText)
    path: Mapped[str]
    deleted: Mapped[bool]
    commit_id: Mapped[int]
    changed_at: Mapped[datetime]


class RepositoryWebhookRow(ChildMixin, Base):
    """The webhook of a repository at its code host, as an installation has registered it or is to register it.

    There is no reference to the repository, whose data is copied: after a deletion its webhook is still to be removed.
    """

    __tablename__ = "repository_webhooks"
    __table_args__ = (refers_to("installations", "installation_id"),)

    installation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    repository_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    repository: Mapped[dict[str, Any]]
    wanted: Mapped[bool]
    state: Mapped[str] = mapped_column(KeyText)
    reason: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(KeyText)
    # SQLAlchemy reserves the attribute "metadata" of a declarative class.
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    address: Mapped[str | None]
    changed_at: Mapped[datetime]


REPOSITORIES: Final = table_of(RepositoryRow)
REPOSITORY_ALIASES: Final = table_of(RepositoryAliasRow)
REPOSITORY_SYNCS: Final = table_of(RepositorySyncRow)
KNOWN_FILES: Final = table_of(KnownFileRow)
REPOSITORY_WEBHOOKS: Final = table_of(RepositoryWebhookRow)
