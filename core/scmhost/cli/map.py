"""``scmhost map``."""

from functools import lru_cache
from typing import Final

import click

from scmhost.mapping import MappingIndex, MappingMatch, Unmapped, map_frame, rules_of_mapping

from .json_lines import Answer, FrameOrPath, Question, answer_lines, jsonl_option

# Lines in a row are mostly of one project.
MOST_PROJECTS: Final = 16

LINES: Final = """
\b
Each line in:  {"platform", "sdk_name", "frame": {"filename", "module", "abs_path", "package"},
                "code_mappings": [{"stack_root", "source_root", "automatically_generated"}]}
Each line out: {"source_path", "matched_mapping", "munged_filename", "reason"}
"""


class Mapping(Question):
    """A code mapping."""

    stack_root: str
    source_root: str
    automatically_generated: bool = False


class FrameToMap(Question):
    """A frame, and the code mappings of its project."""

    platform: str | None = None
    sdk_name: str | None = None
    frame: FrameOrPath
    code_mappings: tuple[Mapping, ...] = ()


@click.command(name="map", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Map stack frames to paths in a repository.

    matched_mapping counts the code mappings from 0. Without a path, reason says why.
    """
    answer_lines(FrameToMap, mapped)


def mapped(question: FrameToMap) -> Answer:
    """Where the first code mapping that fits leads."""
    found = map_frame(_index(question.code_mappings), question.frame.info(question.platform, question.sdk_name))
    if isinstance(found, Unmapped):
        return _answer(None, None, found.munged, found.reason.value)
    first: MappingMatch = found[0]
    return _answer(first.source_path, first.rule.id, first.munged, None)


def _answer(path: str | None, mapping: int | None, munged: str | None, reason: str | None) -> Answer:
    return {"source_path": path, "matched_mapping": mapping, "munged_filename": munged, "reason": reason}


@lru_cache(MOST_PROJECTS)
def _index(mappings: tuple[Mapping, ...]) -> MappingIndex:
    return MappingIndex(
        [
            rule
            for number, item in enumerate(mappings)
            for rule in rules_of_mapping(
                number, item.stack_root, item.source_root, generated=item.automatically_generated
            )
        ]
    )
