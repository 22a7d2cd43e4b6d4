"""Names of branches, tags and commits."""

import re
from typing import Final, Literal, NamedTuple

from scmhost.sdk.values import RefKind

AnyKind = RefKind | Literal["none"]
"""A kind of ref, or ``none`` for URLs without a ref, which show the default branch."""

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
# What git-check-ref-format(1) refuses in the name of a ref.
_BAD_REF: Final = re.compile(r"[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|/\.|^[-/.]|[/.]$|^@$|\.lock(?:/|$)")
# Refused on all hosts, git or not: an empty segment, a dot segment, a lone surrogate.
_BAD_NAME: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]|(?:^|/)\.\.?(?:/|$)|//|/$")

_NAMESPACES: Final[dict[RefKind, str]] = {"branch": "refs/heads/", "tag": "refs/tags/", "commit": ""}


def looks_like_commit(ref: str) -> bool:
    """Return whether a ref of unknown kind is a commit: exactly 40 or 64 hexadecimal digits."""
    return _COMMIT.fullmatch(ref) is not None


def ref_problem(ref: str) -> str | None:
    """Return why git does not allow a ref's name, or None if it does."""
    if not ref:
        return "the ref is empty"
    found = _BAD_REF.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def free_ref_problem(ref: str) -> str | None:
    """Return why no version control system allows a ref's name, or None; for hosts of other systems than git."""
    if not ref:
        return "the ref is empty"
    found = _BAD_NAME.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def full_ref(ref: str, kind: RefKind) -> str:
    """Return the ref with its namespace, such as ``refs/heads/main``; commits and ``HEAD`` have none."""
    return ref if ref == "HEAD" else _NAMESPACES[kind] + ref


def split_ref(ref: str) -> tuple[str, RefKind | None]:
    """Return a ref's name without its namespace, and the kind that the namespace gives, or None without one."""
    for kind, namespace in _NAMESPACES.items():
        if namespace and ref.startswith(namespace):
            return ref[len(namespace) :], kind
    return ref, None


class RefAt(NamedTuple):
    """A ref (None for the default branch), its kind, and the commit that it refers to if that is known."""

    ref: str | None
    kind: AnyKind
    commit: str | None = None

    def values(self) -> dict[str, str]:
        """Return the values of a template's ref tokens."""
        known = {"commit": self.commit} if self.commit else {}
        if self.ref is None or self.kind == "none":
            return known
        values = {**known, "ref": self.ref, "ref_full": full_ref(self.ref, self.kind), "ref_kind": self.kind}
        values[self.kind] = self.ref
        if self.kind == "commit":
            values |= {"changelist": self.ref, "changeset": self.ref}
        return values
