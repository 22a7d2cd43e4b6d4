"""Wire shapes of links and code mappings."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

# With Python 3.11 pydantic needs this one.
from typing_extensions import TypedDict

from scmhost.infra.http import Wire
from scmhost.installations.schemas import IntegrationShort, ProviderShort, provider_short
from scmhost.sdk import Repository
from scmhost.services import Services

from .code_mappings import MappingDetails
from .values import CodeMapping, MappingDraft, encodable


# Dictionaries with the keys of the wire are encoded as they are.
class EvidenceOut(TypedDict):
    """A frame's path and the file that it can only mean."""

    path: str
    file: str


class CodeMappingOut(Wire):
    id: str
    project_id: str
    project_slug: str
    repo_id: str
    repo_name: str
    integration_id: str | None
    provider: ProviderShort | None
    stack_root: str
    source_root: str
    default_branch: str | None
    automatically_generated: bool
    confidence: str | None = Field(description="The confidence of a derived mapping: high, medium or low.")
    derived_from: list[EvidenceOut] = Field(description="The frames and files that a derived mapping comes from.")


class ParsedPath(Wire):
    # Integers here, though ids are strings elsewhere: Sentry's path-parsing answer has them so.
    integration_id: int
    repository_id: int
    provider: str
    stack_root: str
    source_root: str
    default_branch: str | None = Field(description="Null for the newest state of a host without branches.")


class StacktraceLink(Wire):
    config: CodeMappingOut | None
    source_path: str | None = None
    source_url: str | None
    attempted_url: str | None = None
    integrations: list[IntegrationShort]
    error: str | None
    detail: str | None = Field(default=None, description="Why there is no link, in a sentence.")
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")
    verified: bool | None = None
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


class LinkedFile(Wire):
    file: str
    source_url: str | None
    error: str | None = None
    attempted_url: str | None = None
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")


class LinkedFiles(Wire):
    files: list[LinkedFile]
    notes: list[str] = Field(default_factory=list, description="Notes on the request, such as an unknown release.")


class RepositoryShort(TypedDict):
    id: str
    name: str


class MappingShort(TypedDict):
    id: Annotated[str | None, Field(description="Null for a mapping that was derived for this request alone.")]
    stackRoot: str
    sourceRoot: str
    defaultBranch: str | None
    repository: RepositoryShort | None
    automaticallyGenerated: bool
    confidence: Annotated[str | None, Field(description="The confidence of a derived mapping: high, medium or low.")]
    evidence: Annotated[
        str | None,
        Field(description="How many files of the trace a mapping explains that was derived from it, in words."),
    ]


class MappingWithEvidence(MappingShort):
    derivedFrom: Annotated[
        list[EvidenceOut], Field(description="The frames and files that a derived mapping comes from.")
    ]


def code_mapping_out(services: Services, details: MappingDetails) -> CodeMappingOut:
    """Return a code mapping on the wire."""
    mapping, repository = details.mapping, details.repository
    key, plugins = repository.provider, services.plugins
    provider = None if key is None else provider_short(key, plugins.provider_name(key), plugins.provider(key))
    return CodeMappingOut(
        id=str(mapping.id),
        project_id=str(details.project.id),
        project_slug=details.project.slug,
        repo_id=str(repository.id),
        repo_name=repository.name,
        integration_id=str(repository.installation_id) if repository.installation_id is not None else None,
        provider=provider,
        stack_root=mapping.stack_root,
        source_root=mapping.source_root,
        default_branch=mapping.default_branch,
        automatically_generated=mapping.generated,
        confidence=mapping.confidence,
        derived_from=_evidence(mapping.derived_from),
    )


def mapping_short(mapping: CodeMapping | MappingDraft, repository: Repository | None, mapping_id: int) -> MappingShort:
    """Return a code mapping as part of another object. An id of 0 or less is not shown."""
    return {
        "id": str(mapping_id) if mapping_id > 0 else None,
        "stackRoot": mapping.stack_root,
        "sourceRoot": mapping.source_root,
        "defaultBranch": mapping.default_branch,
        "repository": {"id": str(repository.id), "name": repository.name} if repository else None,
        "automaticallyGenerated": mapping.generated,
        "confidence": mapping.confidence,
        "evidence": encodable(mapping.evidence) if mapping.evidence else None,
    }


def mapping_with_evidence(
    mapping: CodeMapping | MappingDraft, repository: Repository, mapping_id: int
) -> MappingWithEvidence:
    """Return a code mapping with the evidence that it was derived from. An id of 0 or less is not shown."""
    return {**mapping_short(mapping, repository, mapping_id), "derivedFrom": _evidence(mapping.derived_from)}


def _evidence(evidence: Iterable[tuple[str, str]]) -> list[EvidenceOut]:
    # A JSON column can hold lone surrogates, unlike all other columns.
    return [{"path": encodable(path), "file": encodable(file)} for path, file in evidence]
