"""``scmhost derive``."""

from collections.abc import Mapping
from typing import Annotated, Final

import click
from pydantic import BeforeValidator

from scmhost.mapping import CLASS_PLATFORMS, DerivedMapping, derive_mappings

from .json_lines import Answer, FrameOrPath, Question, answer_lines, jsonl_option

LINES: Final = """
\b
Each line in:  {"platform", "frames": [{"filename", "module", "abs_path", "package", "in_app"}],
                "repo_trees": {"owner/name": {"branch", "files": ["path"]}}}
Each line out: {"derived": [{"repository", "stack_root", "source_root", "confidence", "derived_from"}]}
"""


class Tree(Question):
    """The files of a repository at a branch."""

    branch: str | None = None
    files: list[str]


def _tree(value: object) -> object:
    return {"files": value} if isinstance(value, list) else value


class FramesAndTrees(Question):
    """The frames of a project, and the files of the repositories that it may be of."""

    platform: str | None = None
    frames: tuple[FrameOrPath | None, ...]
    repo_trees: Mapping[str, Annotated[Tree, BeforeValidator(_tree)]]


@click.command(name="derive", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Tell code mappings from frames and lists of files.

    Only what is certain is told: a frame that could be of several files gives nothing.
    """
    answer_lines(FramesAndTrees, derived)


def derived(question: FramesAndTrees) -> Answer:
    """The code mappings that the frames and files tell.

    Frames of libraries are left out, but for platforms whose frames are of the project once a mapping says so.
    """
    all_count = question.platform in CLASS_PLATFORMS
    frames = [
        frame.info(question.platform)
        for frame in question.frames
        if frame is not None and (all_count or frame.in_app is not False)
    ]
    found = derive_mappings(frames, {name: tree.files for name, tree in question.repo_trees.items()})
    return {"derived": [_shown(mapping) for mapping in found]}


def _shown(mapping: DerivedMapping) -> dict[str, object]:
    return {
        "repository": mapping.repository,
        "stack_root": mapping.roots.stack_root,
        "source_root": mapping.roots.source_root,
        "confidence": mapping.confidence,
        "derived_from": [{"path": path, "file": file} for path, file in mapping.derived_from],
    }
