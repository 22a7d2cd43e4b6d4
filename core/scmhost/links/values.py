"""Code mappings as they are stored."""

from dataclasses import dataclass
from datetime import datetime

from scmhost.mapping import Evidence
from scmhost.sdk.confidence import Confidence


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Stack root to source root, for one project and one repository.

    Attributes:
        generated: whether a machine made it; then ``confidence`` and ``derived_from`` say how sure it is, and what
            told it.
    """

    id: int
    organization_id: int
    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool
    created_at: datetime
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()

    @property
    def catches_all(self) -> bool:
        """Whether it is derived and does not tell which frames are the project's: it leads to listed files only."""
        return self.generated and not self.stack_root


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A code mapping to be saved."""

    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool = False
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()
