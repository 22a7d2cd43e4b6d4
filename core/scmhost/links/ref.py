"""Which ref a link is made for."""

from dataclasses import dataclass
from typing import Final, Literal

from scmhost.sdk import RefKind, looks_like_commit, ref_problem

RefSource = Literal["frame", "release", "default_branch"]

MAX_COMMIT: Final = 64
MAX_BRANCH: Final = 255


@dataclass(frozen=True, slots=True)
class ChosenRef:
    """A ref, its kind, and who told it."""

    ref: str
    kind: RefKind
    source: RefSource


def choose_ref(frame_commit: str | None, release_commit: str | None, default_branch: str | None) -> ChosenRef | None:
    """The ref to link to: what the process said of itself, else its release's commit, else the default branch.

    A name that git would refuse is passed over. A default branch of 40 or 64 hexadecimal digits is a commit.
    """
    if frame_commit and _usable(frame_commit, MAX_COMMIT):
        return ChosenRef(frame_commit, "commit", "frame")
    if release_commit and _usable(release_commit, MAX_COMMIT):
        return ChosenRef(release_commit, "commit", "release")
    if default_branch and _usable(default_branch, MAX_BRANCH):
        kind: RefKind = "commit" if looks_like_commit(default_branch) else "branch"
        return ChosenRef(default_branch, kind, "default_branch")
    return None


def _usable(ref: str, most: int) -> bool:
    return len(ref) <= most and ref_problem(ref) is None
