"""Names of branches, tags and commits."""

import re
from typing import Final

from .values import RefKind

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
# git-check-ref-format(1): what may stand in no ref name.
_BAD_REF: Final = re.compile(r"[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|/\.|^[-/.]|[/.]$|^@$|\.lock(?:/|$)")

_FULL: Final[dict[RefKind, str]] = {"branch": "refs/heads/", "tag": "refs/tags/", "commit": ""}


def looks_like_commit(ref: str) -> bool:
    """Whether a ref of unknown kind is a commit: 40 or 64 hexadecimal digits and nothing else."""
    return _COMMIT.fullmatch(ref) is not None


def ref_problem(ref: str) -> str | None:
    """What git would not accept about a ref's name, or None."""
    if not ref:
        return "the ref is empty"
    found = _BAD_REF.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def full_ref(ref: str, kind: RefKind) -> str:
    """The ref with its name space: ``refs/heads/main``, ``refs/tags/v1``, or the commit as it is."""
    return _FULL[kind] + ref
