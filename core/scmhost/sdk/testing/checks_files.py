"""Checks of reading files and of blaming their lines."""

from typing import Any, Final

from hypothesis import strategies as st

from scmhost.sdk import (
    MAX_FILE_BYTES,
    Existence,
    Location,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    looks_like_commit,
)

from .calls import HookResult
from .checks import NothingToCheck, Violation, check, duplicates
from .plugin_under_test import PluginUnderTest
from .samples import FileSample
from .strategies import SHA, dotted_paths, file_paths, for_all, shas

_READ: Final = ("scm_read_file",)
_BLAME: Final = ("scm_blame_lines",)
_FILES: Final = (*_READ, *_BLAME)
# A host that cannot be reached, or asks for credentials, does not show what it has.
_NO_ANSWER: Final = (ProviderForbidden, ProviderUnauthorized, ProviderUnavailable)
_SILENT: Final = "the code host did not answer"
_NO_SAMPLE: Final = "there is no sample of a file; set file = FileSample(ref=..., path=...), in TOML [file]"
_NO_FILE: Final = "no such folder/no such file.scmhost"
_NO_REF: Final = "no-such-branch-of-scmhost"
_OUTSIDE: Final = ("", "..", "../../../../etc/passwd", "/etc/passwd", "a/../../../etc/passwd", "a.py\0", "C:\\a.py")


@check(
    "file-sample-exists",
    "The sample file exists, and a file that the repository does not have is not said to exist.",
    help="return NO only if your host has no such file, YES only if it has one, and UNKNOWN if it does not say",
    hooks=("scm_file_exists",),
)
def file_sample_exists(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.file
    if sample is None:
        raise NothingToCheck(_NO_SAMPLE)
    there, missing = (_exists(plugin, sample.ref, path) for path in (sample.path, _NO_FILE))
    if isinstance(there.error, ProviderUnavailable) or isinstance(missing.error, ProviderUnavailable):
        raise NothingToCheck(_SILENT)
    if there.required() == Existence.NO:
        raise Violation(f"{sample.path!r} is the sample file", there.call)
    if missing.required() == Existence.YES:
        raise Violation("the repository has no such file", missing.call)
    if there.value == missing.value == Existence.UNKNOWN:
        raise NothingToCheck("scm_file_exists does not know whether the sample file exists")


@check(
    "file-sample-read",
    "The sample file is read as bytes, the same twice.",
    help="set file = FileSample(ref=..., path=...) to a file of the sample repository; return its content unchanged",
    hooks=_READ,
)
def file_sample_read(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.file
    if sample is None:
        raise NothingToCheck(_NO_SAMPLE)
    first, second = (_read(plugin, sample.ref, sample.path) for _ in range(2))
    if isinstance(first.error, ProviderUnavailable) or isinstance(second.error, ProviderUnavailable):
        raise NothingToCheck(_SILENT)
    if not isinstance(first.required(), bytes):
        raise Violation(f"{sample.path!r} is the sample file", first.call)
    if first.value != second.required():
        raise Violation("the second content is another one", second.call)


@check(
    "missing-file-none",
    "A file or a ref that does not exist has no content and no blamed lines, without an error.",
    help="return None from scm_read_file and [] from scm_blame_lines when your host answers 404",
    hooks=_FILES,
)
def missing_file_none(plugin: PluginUnderTest) -> None:
    sample = plugin.samples.file or FileSample(ref="main", path="a.py")
    answered = False
    for ref, path in ((sample.ref, _NO_FILE), (_NO_REF, sample.path), (SHA[::-1], _NO_FILE)):
        for result in _both(plugin, ref, path):
            answered = answered or result.error is None
            if result.error is not None and not isinstance(result.error, _NO_ANSWER):
                raise Violation("a missing file is no error", result.call)
            if result.value:
                raise Violation("the repository has no such file", result.call)
    if not answered:
        raise NothingToCheck(_SILENT)


@check(
    "file-size-limited",
    "A file has at most MAX_FILE_BYTES.",
    help="compare the size that your host states, read no more than that, and raise FileTooLarge",
    hooks=_READ,
)
def file_size_limited(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str, str]) -> None:
        result = _read(plugin, *values)
        if result.value is not None and len(result.value) > MAX_FILE_BYTES:
            raise Violation(f"{len(result.value):,} bytes are more than {MAX_FILE_BYTES:,}", result.call)

    sample = plugin.samples.file
    named = [(sample.ref, path) for path in (sample.path, sample.large) if path] if sample else []
    for_all(st.tuples(_refs(plugin), file_paths), test, plugin.samples.examples, first=named)


@check(
    "files-stay-inside",
    "A path with dot segments, an absolute path and a symbolic link out of the repository have no content.",
    help="return None for a path with . or .. segments or a leading slash, and for anything that is not a plain file",
    hooks=_FILES,
)
def files_stay_inside(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str, str]) -> None:
        for result in _both(plugin, *values):
            if result.value:
                raise Violation("the path leads out of the repository, or is none", result.call)

    sample = plugin.samples.file
    paths = [*_OUTSIDE, *(sample.outside if sample else ())]
    first = [(sample.ref if sample else "main", path) for path in paths]
    for_all(st.tuples(_refs(plugin), dotted_paths), test, plugin.samples.examples, first=first)


@check(
    "blame-asked-lines",
    "Only lines that were asked for are blamed, each at most once; of the sample file the first line is.",
    help="return one BlamedLine for each number in lines that the file has, also if your host answers in ranges",
    hooks=_BLAME,
)
def blame_asked_lines(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str, str, list[int]]) -> None:
        result = _blame(plugin, *values)
        blamed = [one.line for one in result.value or ()]
        extra = next(iter([*duplicates(map(str, blamed)), *(set(blamed) - set(values[2]))]), None)
        if extra is not None:
            raise Violation(f"line {extra} is one too many", result.call)

    sample = plugin.samples.file
    asked = st.lists(st.integers(1, 60), max_size=5, unique=True).map(sorted)
    first = [(sample.ref, sample.path, lines) for lines in ([1], [1, 2, 3], [1, 9_999_999], [])] if sample else []
    for_all(st.tuples(_refs(plugin), _paths(plugin), asked), test, plugin.samples.examples, first=first)
    result = _blame(plugin, sample.ref, sample.path, [1]) if sample else None
    if result and not result.required():
        raise Violation(f"{sample.path if sample else ''!r} is the sample file", result.call)


@check(
    "blame-commits-exist",
    "A blamed line has the full id of a commit, as scm_resolve_ref returns it.",
    help="put the whole id of the commit into BlamedLine.sha, not a short one and not the id of the file",
    hooks=(*_BLAME, "scm_resolve_ref"),
    together=True,
)
def blame_commits_exist(plugin: PluginUnderTest) -> None:
    blamed: set[str] = set()

    def test(values: tuple[str, str]) -> None:
        result = _blame(plugin, *values, [1, 2, 3])
        for sha in {one.sha for one in result.value or ()} - blamed:
            blamed.add(sha)
            resolved = plugin.link("scm_resolve_ref", ref=sha)[0]
            found = resolved.value.sha if resolved.value else None
            if resolved.error is None and found != sha:
                raise Violation(f"scm_resolve_ref returns {found!r} for {sha!r}", result.call)

    sample = plugin.samples.file
    first = [(sample.ref, sample.path)] if sample else []
    for_all(st.tuples(_refs(plugin), _paths(plugin)), test, plugin.samples.examples, first=first)
    if not blamed:
        raise NothingToCheck("no line was blamed; set file = FileSample(ref=..., path=...)")


CHECKS: Final = (
    file_sample_exists,
    file_sample_read,
    missing_file_none,
    file_size_limited,
    files_stay_inside,
    blame_asked_lines,
    blame_commits_exist,
)


def _refs(plugin: PluginUnderTest) -> st.SearchStrategy[str]:
    sample = plugin.samples.file
    return st.sampled_from(["main", sample.ref if sample else "HEAD"]) | shas


def _paths(plugin: PluginUnderTest) -> st.SearchStrategy[str]:
    sample = plugin.samples.file
    return st.sampled_from(["a.py", sample.path if sample else "src/a.py"]) | file_paths


def _call(plugin: PluginUnderTest, hook: str, ref: str, path: str, **more: Any) -> HookResult:
    return plugin.link(hook, ref=ref, path=path, **more)[0]


def _exists(plugin: PluginUnderTest, ref: str, path: str) -> HookResult:
    found = plugin.link("scm_resolve_ref", ref=ref)[0].value if plugin.has("scm_resolve_ref") else None
    kind = found.kind if found else "commit" if looks_like_commit(ref) else "branch"
    return plugin.link("scm_file_exists", location=Location(ref=ref, ref_kind=kind, path=path))[0]


def _read(plugin: PluginUnderTest, ref: str, path: str) -> HookResult:
    return _call(plugin, "scm_read_file", ref, path)


def _blame(plugin: PluginUnderTest, ref: str, path: str, lines: list[int]) -> HookResult:
    return _call(plugin, "scm_blame_lines", ref, path, lines=tuple(lines))


def _both(plugin: PluginUnderTest, ref: str, path: str) -> list[HookResult]:
    """Return the results of the hooks that the plugin has."""
    results = [_read(plugin, ref, path)] if plugin.has("scm_read_file") else []
    return [*results, _blame(plugin, ref, path, [1])] if plugin.has("scm_blame_lines") else results
