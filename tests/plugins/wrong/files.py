"""Plugins that violate a check of files or of blamed lines."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import itertools
from collections.abc import Sequence
from pathlib import Path

from scmhost.sdk import MAX_FILE_BYTES, BlamedLine, Existence, ProviderError, hookimpl

from .correct import Correct


class MissesEveryFile(Correct):
    @hookimpl
    async def scm_file_exists(self) -> Existence:
        return Existence.NO


class FindsEveryFile(Correct):
    @hookimpl
    async def scm_file_exists(self) -> Existence:
        return Existence.YES


class ReadsNothing(Correct):
    @hookimpl
    def scm_read_file(self) -> bytes | None:
        return None


class AddsTheTime(Correct):
    def __init__(self) -> None:
        self._ticks = itertools.count()

    @hookimpl
    def scm_read_file(self, ref: str, path: str) -> bytes | None:
        content = super().scm_read_file(ref, path)
        return None if content is None else content + f"read at {next(self._ticks)}".encode()


class RaisesForMissingFile(Correct):
    @hookimpl
    def scm_read_file(self, ref: str, path: str) -> bytes | None:
        content = super().scm_read_file(ref, path)
        if content is None:
            raise ProviderError("The forge answered 404.")
        return content


class ReadsDefaultBranch(Correct):
    @hookimpl
    def scm_read_file(self, path: str) -> bytes | None:
        return super().scm_read_file("main", path)


class ReadsLargeFile(Correct):
    @hookimpl
    def scm_read_file(self, ref: str, path: str) -> bytes | None:
        content = super().scm_read_file(ref, path)
        return None if content is None else b"x" * (MAX_FILE_BYTES + 1)


class ReadsTheDisk(Correct):
    @hookimpl
    def scm_read_file(self, path: str) -> bytes | None:
        try:
            return Path("/srv/clones", path).read_bytes()
        except (OSError, ValueError):
            return None


class FollowsLinks(Correct):
    @hookimpl
    def scm_read_file(self, ref: str, path: str) -> bytes | None:
        return super().scm_read_file(ref, "a.py" if path == "link" else path)


class BlamesWholeRange(Correct):
    @hookimpl
    def scm_blame_lines(self, ref: str, path: str) -> Sequence[BlamedLine]:
        return super().scm_blame_lines(ref, path, (1, 2))


class BlamesTwice(Correct):
    @hookimpl
    def scm_blame_lines(self, ref: str, path: str, lines: Sequence[int]) -> Sequence[BlamedLine]:
        return [*super().scm_blame_lines(ref, path, lines), *super().scm_blame_lines(ref, path, lines)]


class BlamesNothing(Correct):
    @hookimpl
    def scm_blame_lines(self) -> Sequence[BlamedLine]:
        return ()


class BlamesShortIds(Correct):
    @hookimpl
    def scm_blame_lines(self, ref: str, path: str, lines: Sequence[int]) -> Sequence[BlamedLine]:
        blamed = super().scm_blame_lines(ref, path, lines)
        return [one.model_copy(update={"sha": one.sha[:3]}) for one in blamed]
