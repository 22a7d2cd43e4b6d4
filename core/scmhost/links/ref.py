"""Which ref a link is made for."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from scmhost.sdk import RefKind, looks_like_commit, ref_problem

RefSource = Literal["frame", "release", "default_branch", "newest_commit"]

# Words such as "feed" are spelled with the same letters, so that a short sha has a digit.
_REVISION: Final = re.compile(r"\d+|[0-9a-f]{7,64}|(?=[a-f]*\d)[0-9a-f]{4,6}", re.ASCII | re.IGNORECASE)
_VERSION: Final = re.compile(r"[A-Za-z]{0,20}[-_/@]?v?\d+(?:\.\d+)+[\w.+-]*", re.ASCII)

MAX_COMMIT: Final = 64
MAX_BRANCH: Final = 255


@dataclass(frozen=True, slots=True)
class ChosenRef:
    """A ref, its kind, and who told it."""

    ref: str
    kind: RefKind
    source: RefSource


def choose_ref(
    frame_commit: str | None, release_commit: str | None, default_branch: str | None, newest_commit: str | None = None
) -> ChosenRef | None:
    """The ref to link to: what the process said of itself, else its release's commit, else the default branch.

    Where nobody tells any of these, it is the newest commit that is known to have named the file.

    A name that git would refuse is passed over, and so is a release's ``HEAD``: nobody can tell which commit that was.
    """
    if frame_commit and _usable(frame_commit, MAX_COMMIT):
        return ChosenRef(frame_commit, "commit", "frame")
    if release_commit and release_commit != "HEAD" and _usable(release_commit, MAX_COMMIT):
        kind = "branch" if release_commit == default_branch else _kind_of_release(release_commit)
        return ChosenRef(release_commit, kind, "release")
    if default_branch and _usable(default_branch, MAX_BRANCH):
        return ChosenRef(default_branch, "commit" if looks_like_commit(default_branch) else "branch", "default_branch")
    if newest_commit and looks_like_commit(newest_commit):
        return ChosenRef(newest_commit, "commit", "newest_commit")
    return None


def _kind_of_release(ref: str) -> RefKind:
    """What a client names a release's place by: a revision, else a version's tag, else a branch."""
    if _REVISION.fullmatch(ref):
        return "commit"
    return "tag" if _VERSION.fullmatch(ref) else "branch"


def _usable(ref: str, most: int) -> bool:
    return len(ref) <= most and ref_problem(ref) is None
