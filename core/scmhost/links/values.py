"""Values of links: what is asked about frames, and code mappings as they are stored."""

from dataclasses import dataclass
from datetime import datetime

from scmhost.mapping import Evidence, FrameInfo
from scmhost.sdk.reasons import Confidence


@dataclass(frozen=True, slots=True)
class FrameQuery:
    """A frame to link.

    Attributes:
        info: what it says of its file.
        line: the line in it.
        commit: what the running process said of itself, if it did.
        in_app: whether it is of the project's own code, where somebody says so.
    """

    info: FrameInfo
    line: int | None = None
    commit: str | None = None
    in_app: bool | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """How frames are to be linked.

    Attributes:
        release: the release that they are of.
        derive: whether mappings may be derived for frames that no mapping fits. They are not saved.
        tell_files: whether each link is to say what the known commits say of its file, not only where that decides.
    """

    release: str | None = None
    derive: bool = False
    tell_files: bool = False


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
