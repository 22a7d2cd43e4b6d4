"""The tables of repositories, of their earlier names, known files and webhooks, and of their synchronization."""

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, text

from scmhost.infra.db.base import (
    Id,
    KeyText,
    LongText,
    UtcDateTime,
    child_key,
    entity_key,
    optional,
    refers_to,
    required,
    table,
)

IS_DUE_SOME_DAY: Final = "delete_after IS NOT NULL"
"""The condition of a small index: housekeeping searches once a minute for the few rows whose deletion is scheduled."""

NAME_IS_HELD: Final = "status IN ('active', 'hidden')"
"""The condition of unique indexes: others may take the name and external id of a repository that will be deleted."""

REPOSITORIES: Final = table(
    "repositories",
    *entity_key(),
    required("name", LongText),
    required("name_key", KeyText),
    optional("url", LongText),
    optional("provider", KeyText),
    optional("installation_id", Id),
    optional("external_id", KeyText),
    required("configuration", JSON),
    required("status", KeyText),
    required("created_at", UtcDateTime),
    optional("delete_after", UtcDateTime),
    # Workers of the version before insert rows without it.
    required("state", KeyText, server_default=text("'active'")),
    # The name that the code host reported last. Users may have given the repository another one.
    optional("host_name", LongText),
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

REPOSITORY_ALIASES: Final = table(
    "repository_aliases",
    child_key(),
    Column("kind", KeyText, primary_key=True),
    Column("key", KeyText, primary_key=True),
    required("repository_id", Id),
    optional("path", KeyText),
    optional("url", LongText),
    required("created_at", UtcDateTime),
    refers_to("repositories", "repository_id"),
    Index(None, "organization_id", "repository_id"),
    Index(None, "organization_id", "path"),
)
"""An earlier name or URL of a repository, which still finds it.

``key`` is the name as it is compared, or the host and the path of the URL; ``path`` is the path alone.
"""

REPOSITORY_SYNCS: Final = table(
    "repository_syncs",
    child_key(),
    Column("installation_id", Id, primary_key=True, autoincrement=False),
    required("due_at", UtcDateTime),
    optional("finished_at", UtcDateTime),
    required("checked", Id),
    required("changed", Id),
    required("notes", JSON),
    optional("fault", LongText),
    refers_to("installations", "installation_id"),
)
"""When an installation's repositories are next compared with its code host, and the last result."""

KNOWN_FILES: Final = table(
    "known_files",
    child_key(),
    Column("repository_id", Id, primary_key=True),
    Column("path_hash", BigInteger, primary_key=True),
    required("name", KeyText),
    required("path", LongText),
    required("deleted", Boolean),
    required("commit_id", Id),
    required("changed_at", UtcDateTime),
    refers_to("repositories", "repository_id"),
    Index(None, "organization_id", "name"),
)
"""A path that commits of a repository list, with the newest of these commits.

The table has a rowid: without one, SQLite would scan the primary key instead of using the index of names.
"""

REPOSITORY_WEBHOOKS: Final = table(
    "repository_webhooks",
    child_key(),
    Column("installation_id", Id, primary_key=True, autoincrement=False),
    Column("repository_id", Id, primary_key=True, autoincrement=False),
    required("repository", JSON),
    required("wanted", Boolean),
    required("state", KeyText),
    optional("reason", LongText),
    optional("external_id", KeyText),
    required("metadata", JSON),
    optional("address", LongText),
    required("changed_at", UtcDateTime),
    refers_to("installations", "installation_id"),
)
"""The webhook of a repository at its code host, as an installation has registered it or is to register it.

There is no reference to the repository, whose data is copied: after a deletion its webhook is still to be removed.
"""
