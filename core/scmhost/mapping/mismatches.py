"""Explain why a code mapping gives no path for a frame. The rule itself decides whether it does."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .code_mapping import Rule, comparable, normalize_slashes


class Mismatch(StrEnum):
    """The reason why a mapping gives no path. The nearest to a match comes first."""

    NOT_A_FILE = "not_a_file"
    PATH_OUTSIDE = "path_outside_repository"
    INSIDE_SEGMENT = "inside_segment"
    CASE_DIFFERS = "case_differs"
    ROOT_DIFFERS = "root_differs"


_NEAREST_FIRST: Final = tuple(Mismatch)

MISMATCH_STEP: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "Nothing to do, if the frame names no source file; else make the stack root shorter.",
        Mismatch.PATH_OUTSIDE: "Check the source root, and the `..` in the frame's path.",
        Mismatch.INSIDE_SEGMENT: "If the root is to end inside a folder's name, end it in `*`.",
        Mismatch.CASE_DIFFERS: "Write the stack root with the letters of the frame's path.",
        Mismatch.ROOT_DIFFERS: "If this mapping is meant for the frame, make its stack root the start of the path.",
    }
)

_EXPLANATION: Final[Mapping[Mismatch, str]] = MappingProxyType(
    {
        Mismatch.NOT_A_FILE: "the path ends where the stack root does, so that no file is left",
        Mismatch.PATH_OUTSIDE: "the stack root fits, but the path that it gives leads out of the repository",
        Mismatch.INSIDE_SEGMENT: "the path begins like the stack root, but goes on inside the same folder's name",
        Mismatch.CASE_DIFFERS: "the path begins like the stack root but for upper and lower case",
        Mismatch.ROOT_DIFFERS: "the path does not begin with the stack root",
    }
)


def find_mismatch(rules: Sequence[Rule], paths: Sequence[str]) -> Mismatch | None:
    """Return why the rules of one mapping give no file for a frame's paths, or None if they do give one."""
    reasons = [_check_path(rule, path) for rule in rules for path in paths]
    if None in reasons:
        return None
    return min((reason for reason in reasons if reason), key=_NEAREST_FIRST.index, default=Mismatch.NOT_A_FILE)


def mismatch_message(stack_root: str, paths: Sequence[str], reason: Mismatch) -> str:
    """Return a sentence about a mapping that gives no path."""
    shown = " or ".join(repr(path) for path in paths) or "no path of a file"
    return f"Stack root {stack_root!r}, frame {shown}: {_EXPLANATION[reason]}."


def _check_path(rule: Rule, path: str) -> Mismatch | None:
    text = comparable(path)
    if rule.matched_length(text) is not None:
        source_path = rule.source_path(path)
        if source_path is None:
            return Mismatch.PATH_OUTSIDE
        return None if source_path else Mismatch.NOT_A_FILE
    if _would_match(f"{normalize_slashes(rule.stack_root).rstrip('/')}*", text):
        return Mismatch.INSIDE_SEGMENT
    return Mismatch.CASE_DIFFERS if _would_match(rule.stack_root.lower(), text.lower()) else Mismatch.ROOT_DIFFERS


def _would_match(stack_root: str, comparable_path: str) -> bool:
    return Rule(0, stack_root, "").matched_length(comparable_path) is not None
