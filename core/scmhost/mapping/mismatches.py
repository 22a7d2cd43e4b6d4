"""Why a code mapping gives no path for a frame. Whether it does is asked of the rule itself."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .roots import subject, unify
from .rule import Rule


class Mismatch(StrEnum):
    """Why a mapping gives no path; what is nearest to a match comes first."""

    NOT_A_FILE = "not_a_file"
    PATH_OUTSIDE = "path_outside_repository"
    INSIDE_SEGMENT = "inside_segment"
    CASE_DIFFERS = "case_differs"
    ROOT_DIFFERS = "root_differs"


MISMATCH_STEP: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "Nothing to do, if the frame names no source file; else make the stack root shorter.",
        Mismatch.PATH_OUTSIDE: "Check the source root, and the `..` in the frame's path.",
        Mismatch.INSIDE_SEGMENT: "If the root is to end inside a folder's name, end it in `*`.",
        Mismatch.CASE_DIFFERS: "Write the stack root with the letters of the frame's path.",
        Mismatch.ROOT_DIFFERS: "If this mapping is meant for the frame, make its stack root the start of the path.",
    }
)

_SAID: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "the path ends where the stack root does, so that no file is left",
        Mismatch.PATH_OUTSIDE: "the stack root fits, but the path that it gives leads out of the repository",
        Mismatch.INSIDE_SEGMENT: "the path begins like the stack root, but goes on inside the same folder's name",
        Mismatch.CASE_DIFFERS: "the path begins like the stack root but for upper and lower case",
        Mismatch.ROOT_DIFFERS: "the path does not begin with the stack root",
    }
)


def mismatch(rules: Sequence[Rule], paths: Sequence[str]) -> Mismatch | None:
    """Why the rules of one mapping lead none of a frame's paths to a file, or None when they do lead one."""
    told = [_of_path(rule, path) for rule in rules for path in paths]
    if None in told:
        return None
    return min((why for why in told if why), key=list(Mismatch).index, default=Mismatch.NOT_A_FILE)


def mismatch_message(stack_root: str, paths: Sequence[str], why: Mismatch) -> str:
    """A sentence about a mapping that gives no path."""
    looked = " or ".join(repr(path) for path in paths) or "no path of a file"
    return f"Stack root {stack_root!r}, frame {looked}: {_SAID[why]}."


def _of_path(rule: Rule, path: str) -> Mismatch | None:
    wanted = subject(path)
    if rule.consumed(wanted) is not None:
        source_path = rule.source_path(path)
        return Mismatch.PATH_OUTSIDE if source_path is None else None if source_path else Mismatch.NOT_A_FILE
    if _fits(f"{unify(rule.stack_root).rstrip('/')}*", wanted):
        return Mismatch.INSIDE_SEGMENT
    return Mismatch.CASE_DIFFERS if _fits(rule.stack_root.lower(), wanted.lower()) else Mismatch.ROOT_DIFFERS


def _fits(stack_root: str, wanted: str) -> bool:
    return Rule(0, stack_root, "").consumed(wanted) is not None
