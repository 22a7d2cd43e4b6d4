"""Values of links: frames to link, options, and code mappings as they are stored."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scmhost.mapping import Evidence, FrameInfo
from scmhost.sdk.reasons import Confidence

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FrameQuery:
    """A frame to link.

    Attributes:
        info: the fields that its path is derived from.
        line: the line in the file.
        commit: the commit of the process that printed the frame, if it is known.
        in_app: whether the frame belongs to the project's own code, if the sender states it.
    """

    info: FrameInfo
    line: int | None = None
    commit: str | None = None
    in_app: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How frames are linked.

    Attributes:
        release: the version of the release that the frames come from.
        derive: whether frames that no mapping matches are linked by derived mappings. These are not saved.
        with_file_status: whether each link has the status of its file. Otherwise the status is read only where it
            decides which link a frame gets.
    """

    release: str | None = None
    derive: bool = False
    with_file_status: bool = False


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Stack root to source root, for one project and one repository.

    Attributes:
        generated: whether the mapping was derived. Then ``confidence`` and ``derived_from`` are set.
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
        """Whether this is a derived mapping without a stack root, which matches frames of libraries too."""
        return self.generated and not self.stack_root


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A code mapping to save."""

    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool = False
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()


def encodable(text: str) -> str:
    """Return the text with lone surrogates replaced: JSON can hold them, but UTF-8 and so an answer cannot."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
