"""The stored values that routes and commands show."""

from scmhost.store.values import (
    CodeMapping,
    Head,
    MappingDraft,
    Project,
    Release,
    ReleaseDraft,
    StoredCommit,
    StoredInstallation,
    Token,
)

__all__ = [
    "CodeMapping",
    "Head",
    "MappingDraft",
    "Project",
    "Release",
    "ReleaseDraft",
    "StoredCommit",
    "StoredInstallation",
    "Token",
]
