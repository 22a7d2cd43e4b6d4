"""Decisions of single notations that depend on the context lines or on the kind of file."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

from scmhost.frames import Frame, notations, read_text
from scmhost.frames.hints import offer
from scmhost.frames.notation import ContextLines, LazyNotation, Notation
from scmhost.frames.notations import NOTATIONS, debuggers, dotnet, native, perl, php, python, ruby

HINTS = [
    pytest.param(notation, hint, id=f"{notation.name}-{hint}") for notation in NOTATIONS for hint in notation.hints
]


def frames(notation: Notation, text: str) -> list[Frame] | None:
    """Return the frames of the last line of a text, or None if it is not in the notation."""
    lines = text.split("\n")
    spans = notation.read(lines[-1].strip(), ContextLines(lines, len(lines) - 1))
    return None if spans is None else [span.frame for span in spans]


@pytest.mark.parametrize(("notation", "hint"), HINTS)
def test_hint_alone_makes_no_frame(notation: Notation, hint: str) -> None:
    """A sentence with the hint of a notation is not in that notation, so another one may read it."""
    assert frames(notation, f"some words{hint}and more words") is None


@pytest.mark.parametrize(("notation", "hint"), HINTS)
def test_line_with_a_hint_is_offered(notation: Notation, hint: str) -> None:
    """A hint is found anywhere in a line, and beside letters of any alphabet."""
    lines = [around.format(hint) for around in ("{}", "some words{}and more words", "à {} à")]
    assert [line for line in lines if notation not in offer(line)[0]] == []


@pytest.mark.parametrize(
    ("notation", "line", "language"),
    [
        (debuggers.WINDOWS, "shop!total+0x1d [c:\\shop.rs @ 12]", "rust"),
        (debuggers.WINDOWS, "shop!total+0x1d [c:\\shop.c @ 12]", "c"),
        (debuggers.WINDOWS, "shop!total+0x1d [c:\\shop.py @ 12]", "cpp"),
        (debuggers.WINDOWS, "total [0x0123+1] (shop.rs:12)", "rust"),
        (debuggers.WINDOWS, "total [0x0123+1] (shop.c:12)", "c"),
        (debuggers.VALGRIND, "at 0x4C2FB0F: total (shop.rs:12)", "rust"),
        (debuggers.VALGRIND, "by 0x4C2FB0F: total (shop.cpp:12)", "cpp"),
        (debuggers.VALGRIND, "by 0x4C2FB0F: total (shop.h:12)", "c"),
        (debuggers.GDB, "#1  0x0555 in total (n=3) at shop.go:12", "go"),
        (debuggers.GDB, "#1  0x0555 in total (n=3) at shop.swift:12", "swift"),
        (debuggers.LLDB, "frame #1: 0x0001 shop`total(n=3) at shop.go:12:5", "go"),
        (debuggers.LLDB, "frame #1: 0x0001 shop`total(n=3) at shop.x:12:5", "c"),
        (native.BACKWARD, '#3 Source "/srv/shop.c", line 12, in total', "c"),
        (native.BACKWARD, '#3 Source "/srv/shop.x", line 12, in total', "cpp"),
        (native.ADDRESSES, "1# total(int) at /srv/shop.m:12", "objectivec"),
        (native.ADDRESSES, "1# total(int) at /srv/shop.x:12", "cpp"),
        (native.ADDRESSES, "/srv/shop(total+0x1d) [0x55] shop.rs:12", "rust"),
        (native.ADDRESSES, "/srv/shop(total+0x1d) [0x55] shop.x:12", "c"),
        (native.SANITIZERS, "#1 0x4cd963 in total(int) /srv/shop.x:12:5", "cpp"),
        (native.SANITIZERS, "#1 0x4cd963 in total(int) /srv/shop.go:12:5", "go"),
        (native.ASSERTIONS, "shop: shop.m:12: total: Assertion `n' failed", "objectivec"),
        (native.ASSERTIONS, "shop: shop.x:12: total: Assertion `n' failed", "c"),
    ],
)
def test_language_of_compiled_code_is_that_of_its_file(notation: Notation, line: str, language: str) -> None:
    """Debuggers print frames of several languages; the extension decides."""
    (frame,) = frames(notation, line) or []
    assert (frame.function, frame.language) == ("total", language)


@pytest.mark.parametrize(
    "text",
    [
        "#1  0x0555 in total (n=3,\n    m=4) at shop:12",
        "#1  0x0555 in total (n=3,\n    m=4,\n    k=5) at shop:12",
        "#1  0x0555 in total (n=3)\n    at shop:12",
    ],
)
def test_gdb_wraps_a_frame_over_several_lines(text: str) -> None:
    """The symbol is on the nearest line above with the number of a frame; the file needs no extension."""
    assert frames(debuggers.GDB, text) == [Frame("shop", 12, function="total", language="c")]


@pytest.mark.parametrize(
    "between", ["", "#x at other.c:3", "\n".join(["x"] * 20)], ids=["empty line", "another file", "too far"]
)
def test_gdb_frame_does_not_continue_behind_a_break(between: str) -> None:
    """An empty line, or a line with a file of its own, separates a frame from the lines below."""
    assert frames(debuggers.GDB, f"#1  0x0555 in total (n=3,\n{between}\n    m=4) at shop.c:12") is None


@pytest.mark.parametrize("location", ["x10:12", "10:12", "<shop>:12", "shop.c:x"])
def test_gdb_needs_a_file(location: str) -> None:
    """A word that ends with a digit is a host or a time, not a file."""
    assert frames(debuggers.GDB, f"#1  0x0555 in total (n=3) at {location}") is None


def test_gdb_breakpoint_needs_a_source_file() -> None:
    """Without the number of a frame, only a known extension distinguishes a stop from a sentence."""
    assert frames(debuggers.GDB, "Breakpoint 1, total (n=3) at shop.c:12") == [
        Frame("shop.c", 12, function="total", language="c")
    ]
    assert frames(debuggers.GDB, "Breakpoint 1, total (n=3) at shop:12") is None


def test_dotnet_frames_on_one_line_have_their_own_functions() -> None:
    """The method of a frame is searched for after the frame before it."""
    line = "at A.B(Int32 x) in C:\\a.cs:line 1 at C.D() in C:\\c.cs:line 2 in C:\\e.cs:line 3"
    assert [(frame.path, frame.line, frame.function) for frame in frames(dotnet.DOTNET, line) or []] == [
        ("C:\\a.cs", 1, "A.B"),
        ("C:\\c.cs", 2, "C.D"),
        ("C:\\e.cs", 3, None),
    ]


def test_perl_path_may_have_blanks() -> None:
    """An absolute path may have blanks if nothing else on the line is a path."""
    assert frames(perl.PERL, "no price at /srv/my shop/shop.pl line 12.") == [
        Frame("/srv/my shop/shop.pl", 12, language="perl")
    ]


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("#1 0x4cd963 in total /srv/my shop/x.cc:12", ["/srv/my shop/x.cc"]),
        ("#1 0x4cd963 in total(int) my shop/x.cc:12", ["my shop/x.cc"]),
        ("#1 0x4cd963 in total [/srv/x.cc:12]", ["/srv/x.cc"]),
        ("#1 0x4cd963 in total x.cc:12", ["x.cc"]),
        ("#1 0x4cd963 in total [x.cc:12]", ["x.cc"]),
        ("#1 total /srv/x.cc:12 (shop+0x1d)", ["/srv/x.cc"]),
        ("#1 total /srv/x.cc:12", ["/srv/x.cc"]),
        ("#1 0x4cd963 /srv/my shop/x.cc:12", []),
        ("#1 0x4cd963 in total (shop+0x1d)", []),
        ("#1 0x4cd963 in total <null>:0", []),
        ("#1 total x.cc:12", None),
        ("#1 total /srv/shop:12", None),
        ("#1 total", None),
    ],
)
def test_sanitizer_frame_is_certain_with_an_address_or_a_binary(line: str, paths: list[str] | None) -> None:
    """Without an address and a binary, only an absolute path of a source file makes a frame."""
    result = frames(native.SANITIZERS, line)
    assert (None if result is None else [frame.path for frame in result]) == paths
    assert {frame.function for frame in result or ()} <= {"total"}


def test_ipython_path_may_be_directly_above_its_arrow() -> None:
    """The lines of code between are optional; text between is not allowed."""
    frame = Frame("~/shop.py", 11, function="total", language="python")
    assert frames(python.IPYTHON, "~/shop.py in total(x)\n---> 11     return x") == [frame]
    assert frames(python.IPYTHON, "~/shop.py in total(x)\n     10 x\n\n---> 11     return x") == [frame]
    assert frames(python.IPYTHON, "~/shop.py in total(x)\nwords\n---> 11     return x") is None
    assert frames(python.IPYTHON, "~/shop.pyx in total(x)\n---> 11     return x") is None
    assert frames(python.IPYTHON, "\n".join(["~/shop.py in total(x)", *["10 x"] * 11, "---> 11     return x"])) == [
        frame
    ]
    assert frames(python.IPYTHON, "\n".join(["~/shop.py in total(x)", *["10 x"] * 12, "---> 11     return x"])) is None


def test_several_ruby_frames_may_be_on_one_line() -> None:
    """Only a line with one frame may have a path with blanks."""
    assert [frame.path for frame in frames(ruby.BACKTRACE, "a.rb:1:in 'x' b.rb:2:in 'y'") or []] == ["a.rb", "b.rb"]
    assert [frame.path for frame in frames(ruby.BACKTRACE, "my shop/a.rb:1:in 'x'") or []] == ["my shop/a.rb"]


def test_php_error_and_its_trace_may_be_on_one_line() -> None:
    """The location of the error is read before and after the frames, also at the very beginning of the line."""
    line = "in /srv/a.php:3 #0 /srv/b.php(12): total() #1 {main} thrown in /srv/c.php on line 7"
    assert [(frame.path, frame.line) for frame in frames(php.TRACE, line) or []] == [
        ("/srv/a.php", 3),
        ("/srv/b.php", 12),
        ("/srv/c.php", 7),
    ]


def test_log_prefix_before_every_go_line_hides_no_frame() -> None:
    """A function above its file is found although a log writes its prefix before both."""
    prefix = "May  6 07:08:09 web-1 shop[123]: "
    text = f"{prefix}main.total(...)\n{prefix}\t/srv/app/main.go:12 +0x1d"
    (match,) = read_text(text).frames
    assert match.frame == Frame("/srv/app/main.go", 12, function="main.total", language="go")


def test_django_frame_without_a_source_file_is_understood() -> None:
    """A line of Django's error page with a placeholder for its file gives no frame, and does not count as unread."""
    reading = read_text('File "<doctest shop.py>" in <module>')
    assert (reading.frames, reading.unread) == ((), 0)


@pytest.mark.parametrize("row", NOTATIONS, ids=lambda row: row.name)
def test_table_has_the_hints_of_the_notation(row: LazyNotation) -> None:
    """The table repeats the hints, so that a module is imported only for lines with one of them."""
    assert row.hints == row.load().hints


def test_table_has_all_notations() -> None:
    """Each notation in a module has one row."""
    modules = [import_module(module.name) for module in iter_modules(notations.__path__, f"{notations.__name__}.")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Notation)]
    assert sorted(notation.name for notation in found) == sorted(row.name for row in NOTATIONS)
