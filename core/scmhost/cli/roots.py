"""``scmhost roots``."""

from typing import Final

import click

from scmhost.mapping import NoRoots, derive_roots

from .json_lines import Answer, FrameOrPath, Question, answer_lines, jsonl_option, refusal

LINES: Final = """
\b
Each line in:  {"platform", "frame": {"filename", "module", "abs_path", "package"}, "source_file", "repo_files"}
Each line out: {"stack_root", "source_root"} or {"error", "reason"}
"""


class FrameAndFile(Question):
    """A frame, and the file in the repository that it is of."""

    platform: str | None = None
    frame: FrameOrPath
    source_file: str
    repo_files: tuple[str, ...] | None = None


@click.command(name="roots", epilog=LINES)
@jsonl_option
def command(*, _jsonl: bool) -> None:
    """Tell the roots of a code mapping from a frame and its file.

    A frame may be its path alone. repo_files, where they are known, tell how the packages of Java and Kotlin lie.
    """
    answer_lines(FrameAndFile, roots)


def roots(question: FrameAndFile) -> Answer:
    """The roots, or why there are none."""
    found = derive_roots(question.frame.info(question.platform), question.source_file, question.repo_files or ())
    if isinstance(found, NoRoots):
        return refusal(found.value)
    return {"stack_root": found.stack_root, "source_root": found.source_root}
