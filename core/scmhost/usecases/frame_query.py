"""What is asked about stack frames."""

from dataclasses import dataclass

from scmhost.mapping import FrameInfo


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
