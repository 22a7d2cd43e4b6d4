"""The stored values that routes and commands show."""

from scmhost.sdk import Repository
from scmhost.store.values import (
    Actor,
    AuditEntry,
    CodeMapping,
    Deploy,
    DeployDraft,
    Head,
    MappingDraft,
    Project,
    Release,
    ReleaseDraft,
    StoredCommit,
    StoredInstallation,
    Token,
    WebhookSecret,
)

__all__ = [
    "Actor",
    "AuditEntry",
    "CodeMapping",
    "Deploy",
    "DeployDraft",
    "Head",
    "MappingDraft",
    "Project",
    "Release",
    "ReleaseDraft",
    "Repository",
    "StoredCommit",
    "StoredInstallation",
    "Token",
    "WebhookSecret",
]
