"""Refs of a repository: by which names git knows them, and which branch is the default one."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from scmhost.sdk import RefKind, looks_like_commit, ref_problem

# What the code host has counts, and a checkout knows that by the name of its remote.
_REMOTE: Final = "refs/remotes/origin/"
_BRANCH: Final = "refs/heads/"
_HEADS: Final = (_REMOTE + "HEAD", "HEAD")
_SYMBOLIC: Final = "ref: "
_COMMIT: Final = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_PLACES: Final[dict[RefKind, tuple[str, ...]]] = {"tag": ("refs/tags/",), "branch": (_REMOTE, _BRANCH)}


class Spelling(NamedTuple):
    """What a ref may be: the kind of ref, and the name by which git finds it."""

    kind: RefKind
    full: str


def spellings(ref: str, kind: RefKind | None) -> list[Spelling]:
    """All that a ref may be, most likely first; nothing for a name that git would not have.

    A kind is what somebody took the ref for, perhaps by its looks, so that the other kinds follow. As for git, a name
    goes before the beginning of a commit's id.
    """
    if ref_problem(ref):
        return []
    if ref == "HEAD":
        return [Spelling("branch", head) for head in _HEADS]
    commit = [Spelling("commit", ref)] if _COMMIT.fullmatch(ref) else []
    if looks_like_commit(ref):
        return commit
    kinds = sorted(_PLACES, key=lambda name: name != kind)
    return [*(Spelling(name, place + ref) for name in kinds for place in _PLACES[name]), *commit]


def default_branch(git_dir: Path) -> str | None:
    """The name of the branch that the repository's HEAD stands at; None when it stands at none."""
    for head in _HEADS:
        full = _symbolic(git_dir / head)
        for place in (_REMOTE, _BRANCH):
            if full.startswith(place) and ref_problem(full.removeprefix(place)) is None:
                return full.removeprefix(place)
    return None


def _symbolic(file: Path) -> str:
    """The ref that a ref stands for, as its file says."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.removeprefix(_SYMBOLIC).strip() if text.startswith(_SYMBOLIC) else ""
