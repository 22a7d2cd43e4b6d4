"""Read traces as they are sent."""

import json
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from linking import BASE, LinkProject, open_project
from scmhost.frames import read_text
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput
from scmhost.links.traces import FrameIn, LinksIn, SentFrame, Trace, TraceIn, link_frames, read_trace
from scmhost.links.values import FrameQuery, Link, LinkOptions
from scmhost.mapping import FrameInfo

PYTHON = '  File "/srv/shop/cart.py", line 12, in total\n    return sum(prices)\n'
JAVA = "java.lang.IllegalStateException: no\n\tat com.acme.App.run(App.java:7)\n"


def read(web: LinkProject, **body: Any) -> Trace:
    return read_trace(web.services, TraceIn.model_validate(body))


def test_frames_of_a_text_have_positions(web: LinkProject) -> None:
    """A frame that was read from a text has its position, its language and its function."""
    trace = read(web, text=f"Traceback (most recent call last):\n{PYTHON}ValueError: no\n", commit="a" * 40)
    (frame,), (query,) = trace.frames, trace.queries
    assert frame.match is not None
    assert (frame.match.text_line, frame.language, frame.frame.function) == (1, "python", "total")
    assert query == FrameQuery(FrameInfo("/srv/shop/cart.py"), 12, "a" * 40)
    assert not trace.truncated


def test_class_of_a_jvm_frame_has_the_folders(web: LinkProject) -> None:
    """Frames of the JVM print a file name only, so that they are mapped by their class."""
    (query,) = read(web, text=JAVA).queries
    assert query.info == FrameInfo("App.java", "com.acme.App", "App.java", platform="java")


@pytest.mark.parametrize("spelling", [("absPath", "lineNo", "inApp"), ("abs_path", "lineno", "in_app")])
def test_event_frames_are_read_in_both_spellings(web: LinkProject, spelling: tuple[str, str, str]) -> None:
    """Frames of events may be in camel case or snake case; other keys are ignored."""
    values = dict(zip(spelling, ("/srv/a.py", 3, False), strict=True))
    trace = read(web, frames=[{"filename": "a.py", "vars": {}, **values}], platform="python", sdkName="sentry.python")
    info = FrameInfo("a.py", None, "/srv/a.py", None, "python", "sentry.python")
    assert trace.queries == [FrameQuery(info, 3, None, in_app=False)]


def test_platform_of_a_frame_comes_before_that_of_the_trace(web: LinkProject) -> None:
    """The platform of the trace is used for frames that have none."""
    trace = read(web, frames=[{"platform": "java"}, {}], platform="python")
    assert [query.info.platform for query in trace.queries] == ["java", "python"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "Send either text"),
        ({"text": "x", "frames": []}, "Send either text"),
        ({"text": "x", "commit": "a..b"}, r"\."),
        ({"frames": [{}, {}, {}]}, r"limits\.trace_frames"),
    ],
)
def test_wrong_trace_is_refused(sqlite_store: Store, body: dict[str, Any], problem: str) -> None:
    """A trace is a text or a list of frames within the limit, and its commit is one that git could have."""
    with open_project(sqlite_store, trace_frames=2) as web, pytest.raises(InvalidInput, match=problem):
        read(web, **body)


@pytest.mark.parametrize(
    "frame",
    [{"filename": 3}, {"filename": "x" * 4097}, {"filename": "\ud800"}, {"lineno": 2**60}, {"inApp": "perhaps"}],
)
def test_wrong_field_of_a_frame_is_refused(frame: dict[str, Any]) -> None:
    """Each field of a frame has a type and a limit."""
    with pytest.raises(ValidationError):
        TraceIn.model_validate({"frames": [frame]})


def test_frames_of_both_readers_have_the_same_fields() -> None:
    """The struct that frames of SDKs are read as has the fields of the model, with the same types and limits."""
    hints = get_type_hints(SentFrame, include_extras=True)
    limits = {name: field.metadata for name, field in FrameIn.model_fields.items()}
    assert list(hints) == list(limits)
    for name, field in FrameIn.model_fields.items():
        if name != "function":
            assert field.annotation == hints[name], name


KEYS = st.sampled_from(["filename", "abs_path", "absPath", "module", "lineno", "lineNo", "line_no", "colno", "in_app"])
VALUES = st.none() | st.booleans() | st.integers(-3, 2**54) | st.floats(0, 9) | st.sampled_from(["", "a.py", "é", "7"])
FRAMES = st.dictionaries(KEYS | st.sampled_from(["function", "vars", "platform"]), VALUES)
BODIES = st.fixed_dictionaries(
    {"frames": st.none() | st.lists(FRAMES, max_size=2)},
    optional={
        "release": VALUES,
        "commit": VALUES,
        "platform": VALUES,
        "derive": VALUES,
        "sdkName": VALUES,
        "x": FRAMES,
    },
)


@given(body=BODIES, ascii_only=st.booleans())
def test_quick_reader_reads_what_the_model_reads(body: dict[str, Any], ascii_only: bool) -> None:
    """A body is read the same, or refused with the same words, as by the model alone."""
    text = json.dumps(body, ensure_ascii=ascii_only).encode()
    assert outcome_of(LinksIn.read_json, text) == outcome_of(LinksIn.model_validate_json, text)


@pytest.mark.parametrize(
    "body",
    [
        b'{"frames": [{"lineno": 1, "lineno": 2}]}',
        b'{"frames": [{"\\u006cineNo": 1, "lineno": 2}]}',
        b'{"frames": [{"filename": "\\ud83d\\ude00.py", "vars": "\xff"}]}',
        b'{"frames": [{"filename": "\xed\xa0\x80"}]}',
        b'{"frames": [{"vars": NaN, "filename": "a.py"}]}',
        b'{"frames": [{"filename": "' + b"x" * 4097 + b'"}]}',
        b'{"frames": []} x',
        b"",
    ],
)
def test_odd_bodies_are_read_the_same(body: bytes) -> None:
    """So are bodies that a serializer does not write."""
    assert outcome_of(LinksIn.read_json, body) == outcome_of(LinksIn.model_validate_json, body)


def outcome_of(read: Callable[[bytes], LinksIn], body: bytes) -> object:
    try:
        found = read(body)
    except ValidationError as error:
        return [(item["loc"], item["msg"]) for item in error.errors()]
    frames = [[getattr(frame, name) for name in FrameIn.model_fields] for frame in found.frames or ()]
    return frames, found.options, found.text, found.commit, found.platform, found.sdk_name


def test_long_text_is_truncated(sqlite_store: Store) -> None:
    """A text is read up to the limits, and the result is marked as truncated."""
    with open_project(sqlite_store, trace_frames=1) as web:
        trace = read(web, text=PYTHON * 3)
    assert (len(trace.frames), len(trace.queries), trace.truncated) == (1, 1, True)


def test_lone_surrogates_are_replaced(web: LinkProject) -> None:
    """Half a character in a text or in a function's name is replaced, and moves no position."""
    text = '\ud800 é\n  File "/srv/\ud800/cart.py", line 3, in f\udfff\n'
    (frame,) = read(web, text=text).frames
    assert (frame.frame.filename, frame.frame.function) == ("/srv/\ufffd/cart.py", "f\ufffd")
    assert frame.match is not None
    assert text.split("\n")[1][frame.match.start : frame.match.end].startswith("/srv/\ud800/cart.py")
    (frame,) = read(web, frames=[{"function": "é\udfff"}]).frames
    assert frame.frame.function == "é\ufffd"


def test_options_of_a_trace(web: LinkProject) -> None:
    """Links of a trace have the status of their files, and mappings are derived unless the request refuses it."""
    assert LinksIn(text="").options == LinkOptions(derive=True, with_file_status=True)
    body = LinksIn(text="", release="1.0", derive=False)
    assert body.options == LinkOptions("1.0", derive=False, with_file_status=True)
    assert read(web, text="").queries == []


def test_printed_frames_are_linked(web: LinkProject) -> None:
    """Frames of a text are linked by the project's mappings at a given commit."""
    web.add_mapping()
    frames = [match.frame for match in read_text(PYTHON, limit=1000, most=10).frames]
    (resolved,) = link_frames(web.services, web.organization, web.project, frames, commit="a" * 40)
    assert isinstance(resolved.outcome, Link)
    assert resolved.outcome.url == f"{BASE}/acme/web/{'a' * 40}/src/shop/cart.py#L12"
