"""Names of branches, tags and commits."""

import re
from typing import Final, Literal, NamedTuple

from .values import RefKind

# "none" is the kind where no ref is said, and the host shows its default branch.
AnyKind = RefKind | Literal["none"]

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
# git-check-ref-format(1): what may stand in no ref name.
_BAD_REF: Final = re.compile(r"[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|/\.|^[-/.]|[/.]$|^@$|\.lock(?:/|$)")

# What no host takes for a ref, whatever it names by it: an empty segment, a way up, half a character.
_BAD_NAME: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]|(?:^|/)\.\.?(?:/|$)|//|/$")

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


def free_ref_problem(ref: str) -> str | None:
    """What a host that is not git's would not accept about a ref's name, or None."""
    if not ref:
        return "the ref is empty"
    found = _BAD_NAME.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def full_ref(ref: str, kind: RefKind) -> str:
    """The ref with its name space: ``refs/heads/main``, ``refs/tags/v1``, or the commit or ``HEAD`` as it is."""
    return ref if ref == "HEAD" else _FULL[kind] + ref


def named_ref(ref: str) -> tuple[str, RefKind | None]:
    """A ref's name and, if it stands in a name space, its kind."""
    for kind, space in _FULL.items():
        if space and ref.startswith(space):
            return ref[len(space) :], kind
    return ref, None


class At(NamedTuple):
    """Where in history: a ref, its kind, and the commit that it stands at if that is known."""

    ref: str | None
    kind: AnyKind
    commit: str | None = None

    def values(self) -> dict[str, str]:
        """The values of a template's ref tokens."""
        known = {"commit": self.commit} if self.commit else {}
        if self.ref is None or self.kind == "none":
            return known
        values = {**known, "ref": self.ref, "ref_full": full_ref(self.ref, self.kind), "ref_kind": self.kind}
        values[self.kind] = self.ref
        if self.kind == "commit":
            values |= {"changelist": self.ref, "changeset": self.ref}
        return values
