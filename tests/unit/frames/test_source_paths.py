"""Which printed paths name source files, and in which languages."""

import pytest

from scmhost.frames.frame import (
    JVM,
    LANGUAGES,
    extension_of,
    is_source,
    known_language,
    language_of,
    looks_like_a_file,
    names_a_file,
    native_language,
)


@pytest.mark.parametrize("path", ["native", "<stdin>", "<anonymous>", "-e", "??", "(eval)", "[native code]", "REPL1"])
def test_placeholder_names_no_file(path: str) -> None:
    """Runtimes print such words where code has no file."""
    assert not names_a_file(path)
    assert not looks_like_a_file(path)


@pytest.mark.parametrize("path", ["/usr/lib/libc.so.6", "libobjc.dylib", "shop.dll"])
def test_binary_is_no_source_file(path: str) -> None:
    """The path of a library is no path of a source file."""
    assert not names_a_file(path)


@pytest.mark.parametrize(
    "path", ["app/shop", "shop.py", "C:\\shop", "node:internal/fs", "<internal:kernel>", "a.js?v=1"]
)
def test_source_file_has_a_name(path: str) -> None:
    """A path with a folder or an extension names a file, and so do the files of runtimes."""
    assert names_a_file(path)


@pytest.mark.parametrize("path", ["localhost", "12:30", "10.0.0.7", "Makefile"])
def test_word_does_not_look_like_a_file(path: str) -> None:
    """A word without folder and extension may name a file but does not look like one."""
    assert names_a_file(path)
    assert not looks_like_a_file(path)


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("app/shop.PY", "py"),
        ("https://acme.dev/a.js?v=1.css", "js"),
        ("a.d/shop", None),
        ("shop.tar.gz", "gz"),
        ("shop.c++", "c++"),
        (".py", "py"),
        ("shop", None),
        ("/shop.rb", "rb"),
    ],
)
def test_extension_is_that_of_the_last_segment(path: str, extension: str | None) -> None:
    """The extension is in lower case, without the query of a URL, and not that of a folder."""
    assert extension_of(path) == extension


@pytest.mark.parametrize(
    ("path", "language"),
    [("a.py", "python"), ("A.kt", "kotlin"), ("a.inc", "php"), ("a.hpp", "cpp"), ("a.txt", None), ("a", None)],
)
def test_extension_gives_the_language(path: str, language: str | None) -> None:
    """Source files are those whose extension belongs to a language."""
    assert known_language(path) == language
    assert is_source(path) == (language is not None)


def test_language_outside_the_family_is_the_default() -> None:
    """A notation's own language counts unless the extension belongs to its family."""
    assert language_of("Shop.kt", "java", "kotlin", "scala") == "kotlin"
    assert language_of("shop.py", "java", "kotlin", "scala") == "java"
    assert language_of("shop", "java", "kotlin") == "java"


@pytest.mark.parametrize(
    ("path", "symbol", "language"),
    [
        ("shop.h", "shop::total", "cpp"),
        ("shop.h", "total", "c"),
        ("shop.c", "shop::total", "c"),
        ("shop", "shop::total", "cpp"),
        ("main.rs", "shop::total", "rust"),
    ],
)
def test_symbol_with_a_namespace_is_cpp(path: str, symbol: str, language: str) -> None:
    """C++ and C share headers; a namespace decides, but not in a file of C."""
    assert native_language(path, symbol, "c", "cpp", "rust") == language


def test_jvm_languages_are_known() -> None:
    """The languages of the JVM are among those that frames may have."""
    assert set(LANGUAGES) >= JVM
