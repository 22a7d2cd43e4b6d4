"""Choose the ref that a link points to."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from scmhost.sdk import RefKind, looks_like_commit, ref_problem

RefSource = Literal["frame", "release", "default_branch", "newest_commit"]

# Short words such as "feed" consist of hexadecimal letters, so that a short sha must have a digit.
_REVISION: Final = re.compile(r"\d+|[0-9a-f]{7,64}|(?=[a-f]*\d)[0-9a-f]{4,6}", re.ASCII | re.IGNORECASE)
_VERSION: Final = re.compile(r"[A-Za-z]{0,20}[-_/@]?v?\d+(?:\.\d+)+[\w.+-]*", re.ASCII)

MAX_COMMIT: Final = 64
MAX_BRANCH: Final = 255


@dataclass(frozen=True, slots=True)
class ChosenRef:
    """A ref, its kind, and its source."""

    ref: str
    kind: RefKind
    source: RefSource


def choose_ref(
    frame_commit: str | None, release_commit: str | None, default_branch: str | None, newest_commit: str | None = None
) -> ChosenRef | None:
    """Return the first usable ref: the frame's commit, its release's commit, the default branch, the newest commit.

    The newest commit is the newest known one that named the file. A name that git would refuse is skipped, and so is
    ``HEAD`` as a release's commit, because the commit that it meant is not known.
    """
    if frame_commit and _is_usable(frame_commit, MAX_COMMIT):
        return ChosenRef(frame_commit, "commit", "frame")
    if release_commit and release_commit != "HEAD" and _is_usable(release_commit, MAX_COMMIT):
        kind = "branch" if release_commit == default_branch else _kind_of_release_ref(release_commit)
        return ChosenRef(release_commit, kind, "release")
    if default_branch and _is_usable(default_branch, MAX_BRANCH):
        return ChosenRef(default_branch, "commit" if looks_like_commit(default_branch) else "branch", "default_branch")
    if newest_commit and looks_like_commit(newest_commit):
        return ChosenRef(newest_commit, "commit", "newest_commit")
    return None


def _kind_of_release_ref(ref: str) -> RefKind:
    """Return the kind of a release's ref, which clients send without one: a revision, else a version, else a branch."""
    if _REVISION.fullmatch(ref):
        return "commit"
    return "tag" if _VERSION.fullmatch(ref) else "branch"


def _is_usable(ref: str, max_length: int) -> bool:
    return len(ref) <= max_length and ref_problem(ref) is None
