"""``scmhost map``, ``roots`` and ``derive``: code mappings as JSON lines."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final

import click
from pydantic import BeforeValidator

from scmhost.mapping import (
    CLASS_PLATFORMS,
    DerivedMapping,
    FrameInfo,
    MappingIndex,
    NoRoots,
    Unmapped,
    derive_mappings,
    derive_roots,
    map_frame,
    rules_of_mapping,
)

from .json_lines import Answer, LineRequest, answer_lines, jsonl_option, refusal

# Consecutive lines mostly belong to the same project.
_INDEX_CACHE_SIZE: Final = 16

MAP_LINES: Final = """
\b
Each line in:  {"platform", "sdk_name", "frame": {"filename", "module", "abs_path", "package"},
                "code_mappings": [{"stack_root", "source_root", "automatically_generated"}]}
Each line out: {"source_path", "matched_mapping", "munged_filename", "reason"}
"""
ROOTS_LINES: Final = """
\b
Each line in:  {"platform", "frame": {"filename", "module", "abs_path", "package"}, "source_file", "repo_files"}
Each line out: {"stack_root", "source_root"} or {"error", "reason"}
"""
DERIVE_LINES: Final = """
\b
Each line in:  {"platform", "frames": [{"filename", "module", "abs_path", "package", "in_app"}],
                "repo_trees": {"owner/name": {"branch", "files": ["path"]}}}
Each line out: {"derived": [{"repository", "stack_root", "source_root", "confidence", "derived_from"}]}
"""


class RequestFrame(LineRequest):
    """A frame as its platform prints it."""

    filename: str | None = None
    module: str | None = None
    abs_path: str | None = None
    package: str | None = None
    in_app: bool | None = None

    def info(self, platform: str | None, sdk_name: str | None = None) -> FrameInfo:
        """Return the frame as the mapping rules take it."""
        return FrameInfo(self.filename, self.module, self.abs_path, self.package, platform, sdk_name)


def _frame(value: object) -> object:
    return {"filename": value} if isinstance(value, str) else value


# A frame, or only its path.
FrameOrPath = Annotated[RequestFrame, BeforeValidator(_frame)]


class RequestMapping(LineRequest):
    """A code mapping."""

    stack_root: str
    source_root: str
    automatically_generated: bool = False


class MapRequest(LineRequest):
    """A frame, and the code mappings of its project."""

    platform: str | None = None
    sdk_name: str | None = None
    frame: FrameOrPath
    code_mappings: tuple[RequestMapping, ...] = ()


class RootsRequest(LineRequest):
    """A frame, and its file in the repository."""

    platform: str | None = None
    frame: FrameOrPath
    source_file: str
    # None and an empty list are the same: both show no folder layout.
    repo_files: tuple[str, ...] | None = None


class RequestTree(LineRequest):
    """The files of a repository at a branch."""

    branch: str | None = None
    files: list[str]


def _tree(value: object) -> object:
    return {"files": value} if isinstance(value, list) else value


class DeriveRequest(LineRequest):
    """The frames of a project, and the files of its possible repositories."""

    platform: str | None = None
    frames: tuple[FrameOrPath | None, ...]
    repo_trees: Mapping[str, Annotated[RequestTree, BeforeValidator(_tree)]]


@click.command(name="map", epilog=MAP_LINES)
@jsonl_option
def map_frames(*, _jsonl: bool) -> None:
    """Map stack frames to paths in a repository.

    matched_mapping is the index of the code mapping, from 0. If there is no path, reason has the cause.
    """
    answer_lines(MapRequest, _mapped)


@click.command(name="roots", epilog=ROOTS_LINES)
@jsonl_option
def roots(*, _jsonl: bool) -> None:
    """Infer the roots of a code mapping from a frame and its file.

    A frame may be only its path. repo_files is optional; it shows the folder layout of Java and Kotlin packages.
    """
    answer_lines(RootsRequest, _roots)


@click.command(name="derive", epilog=DERIVE_LINES)
@jsonl_option
def derive(*, _jsonl: bool) -> None:
    """Infer code mappings from frames and file lists.

    A frame that matches several files is ignored.
    """
    answer_lines(DeriveRequest, _derived)


def _mapped(request: MapRequest) -> Answer:
    """Apply the first code mapping that matches."""
    outcome = map_frame(_index(request.code_mappings), request.frame.info(request.platform, request.sdk_name))
    if isinstance(outcome, Unmapped):
        return _map_answer(None, None, outcome.munged, outcome.reason.value)
    first = outcome[0]
    return _map_answer(first.source_path, first.rule.id, first.munged, None)


def _map_answer(path: str | None, mapping: int | None, munged: str | None, reason: str | None) -> Answer:
    return {"source_path": path, "matched_mapping": mapping, "munged_filename": munged, "reason": reason}


@lru_cache(_INDEX_CACHE_SIZE)
def _index(mappings: tuple[RequestMapping, ...]) -> MappingIndex:
    return MappingIndex(
        [
            rule
            for number, item in enumerate(mappings)
            for rule in rules_of_mapping(
                number, item.stack_root, item.source_root, generated=item.automatically_generated
            )
        ]
    )


def _roots(request: RootsRequest) -> Answer:
    derived = derive_roots(request.frame.info(request.platform), request.source_file, request.repo_files or ())
    if isinstance(derived, NoRoots):
        return refusal(derived.value)
    return {"stack_root": derived.stack_root, "source_root": derived.source_root}


def _derived(request: DeriveRequest) -> Answer:
    # Class platforms mark frames as in-app only after a mapping exists, so their frames all count.
    all_count = request.platform in CLASS_PLATFORMS
    frames = [
        frame.info(request.platform)
        for frame in request.frames
        if frame is not None and (all_count or frame.in_app is not False)
    ]
    mappings = derive_mappings(frames, {name: tree.files for name, tree in request.repo_trees.items()})
    return {"derived": [_described(mapping) for mapping in mappings]}


def _described(mapping: DerivedMapping) -> dict[str, object]:
    return {
        "repository": mapping.repository,
        "stack_root": mapping.roots.stack_root,
        "source_root": mapping.roots.source_root,
        "confidence": mapping.confidence,
        "derived_from": [{"path": path, "file": file} for path, file in mapping.derived_from],
    }
