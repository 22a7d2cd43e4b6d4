"""The tables of commits, their authors and file changes."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, UniqueConstraint

from scmhost.infra.db.base import (
    NARROW,
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

AUTHORS: Final = table(
    "authors",
    *entity_key(),
    required("email", KeyText),
    optional("name", LongText),
    UniqueConstraint("organization_id", "email"),
    **NARROW,
)

COMMITS: Final = table(
    "commits",
    child_key(),
    Column("id", Id, primary_key=True),
    required("repository_id", Id),
    # A generated id is the key, so that rows are appended, and only this index has random keys.
    required("sha", KeyText),
    optional("message", LongText),
    optional("author_id", Id),
    required("committed_at", UtcDateTime),
    required("dated", Boolean),
    optional("issue_ids", LongText),
    refers_to("repositories", "repository_id"),
    # No cascade: an author is never deleted while commits refer to it.
    refers_to("authors", "author_id", ondelete=None),
    UniqueConstraint("organization_id", "repository_id", "sha"),
    Index(None, "organization_id", "repository_id", "committed_at", "id"),
)
"""A commit.

``dated`` is false while ``committed_at`` is only the time at which the commit arrived. ``issue_ids`` are the
issues that the message resolves, with blanks between them.
"""

FILE_CHANGES: Final = table(
    "file_changes",
    child_key(),
    Column("commit_id", Id, primary_key=True),
    Column("path_hash", BigInteger, primary_key=True),
    required("path", LongText),
    required("type", LongText),
    refers_to("commits", "commit_id"),
    **NARROW,
)
"""A change of a file by a commit. A hash is the key, because paths may be too long for an index."""
