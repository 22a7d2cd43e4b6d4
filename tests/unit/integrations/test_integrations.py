"""Links in the errors of a program."""

import io
import json
import logging as standard_logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from scmhost.integrations import logging, opentelemetry, sentry, source_links
from scmhost.integrations.build_info import FILE_NAME, BuildInfo
from scmhost.integrations.source_links import SourceLinks

SHA = "a" * 40
ROOT = Path(__file__).parents[3]
INFO = BuildInfo("git@github.com:acme/shop.git", SHA, str(ROOT))
HERE = "tests/unit/integrations/test_integrations.py"
PAGES = f"https://github.com/acme/shop/blob/{SHA}/"


@pytest.fixture
def links() -> SourceLinks:
    return SourceLinks(INFO)


def fail() -> None:
    raise KeyError("price")


def failure() -> KeyError:
    """Return an error that was raised in this file, through a function of the standard library."""
    try:
        fail()
    except KeyError as error:
        return error
    raise AssertionError


FAILS_AT = fail.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    ("path", "page"),
    [
        (f"{ROOT}/src/cart.py", f"{PAGES}src/cart.py#L3"),
        ("src/cart.py", f"{PAGES}src/cart.py#L3"),
        ("./src/cart.py", f"{PAGES}src/cart.py#L3"),
        (f"{ROOT}/.venv/lib/python3.11/site-packages/click/core.py", None),
        (standard_logging.__file__, None),
        ("/opt/other/cart.py", None),
        ("src/../../cart.py", None),
        ("<frozen importlib._bootstrap>", None),
        ("<string>", None),
        ("", None),
    ],
)
def test_page_of_a_file(links: SourceLinks, path: str, page: str | None) -> None:
    """Files below the root have a page; others' code has none."""
    assert links.url(path, 3) == page


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        (BuildInfo("https://code.corp.example/a/b", SHA), "not known"),
        (BuildInfo("/srv/git/app.git", SHA), "not known"),
        (BuildInfo("%", SHA), ""),
        (BuildInfo("https://github.com/acme/shop", "a..b"), ""),
    ],
)
def test_unusable_build_information(info: BuildInfo, problem: str) -> None:
    """There are no links, and the reason is kept."""
    links = SourceLinks(info)
    assert links.url("src/cart.py", 3) is None
    assert links.problem
    assert problem in links.problem


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({"kind": "gitea"}, f"https://code.corp.example/a/b/src/commit/{SHA}/src/cart.py#L3"),
        (
            {"template": "{base_url}/browse/{repo_path}/{path}?at={ref}"},
            f"https://code.corp.example/browse/a/b/src/cart.py?at={SHA}",
        ),
        ({"kind": "gitaea"}, None),
        ({"template": "{nothing}"}, None),
    ],
)
def test_host_of_your_own(fields: dict[str, str], page: str | None) -> None:
    """The kind or the template of the build is used; a wrong one is the reason."""
    links = SourceLinks(BuildInfo("https://code.corp.example/a/b", SHA, **fields))
    assert links.url("src/cart.py", 3) == page
    assert bool(links.problem) == (page is None)


def test_kind_does_not_replace_that_of_a_known_host() -> None:
    """A CI system for one kind of host may build from another one."""
    links = SourceLinks(BuildInfo("https://github.com/acme/shop", SHA, kind="gitlab"))
    assert links.url("src/cart.py", 3) == f"{PAGES}src/cart.py#L3"


def test_no_build_information(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without build information there are no links."""
    monkeypatch.setattr(source_links, "build_info", lambda: None)
    links = SourceLinks()
    assert "scmhost build-info" in str(links.problem)
    assert links.place_of(failure()) is None


def test_place_of_an_error(links: SourceLinks) -> None:
    """The place is the innermost one in the program's own code."""
    place = links.place_of(failure())
    assert place
    assert (place.file, place.line, place.function) == (HERE, FAILS_AT, "fail")
    assert place.url == f"{PAGES}{HERE}#L{FAILS_AT}"


def failure_in_a_library() -> ValueError:
    """Return an error that the standard library raised."""
    try:
        standard_logging.Formatter("%(", style="{")
    except ValueError as error:
        return error
    raise AssertionError


def test_place_above_a_library(links: SourceLinks) -> None:
    """An error that a library raises has the place of the call."""
    place = links.place_of(failure_in_a_library())
    assert place
    assert place.file == HERE


def frame(path: str, line: int | None = 3, **fields: Any) -> dict[str, Any]:
    return {"abs_path": path, "filename": Path(path).name, "lineno": line, **fields}


def event(*frames: dict[str, Any]) -> dict[str, Any]:
    return {"exception": {"values": [{"type": "KeyError", "stacktrace": {"frames": list(frames)}}]}}


def test_event_of_sentry_gets_its_source(links: SourceLinks) -> None:
    """The context has the innermost frame of the program's own code."""
    outer, inner = frame(f"{ROOT}/src/a.py"), frame(f"{ROOT}/src/b.py", 4)
    others = frame(f"{ROOT}/src/vendor.py", in_app=False), frame("/usr/lib/x.py")
    sent = sentry.before_send_with(links)(event(outer, inner, *others), {})
    assert sent
    assert sent["contexts"]["source"] == {"file": "src/b.py", "line": 4, "url": f"{PAGES}src/b.py#L4"}


def test_event_of_the_real_sdk_carries_the_source(links: SourceLinks) -> None:
    """Sentry's SDK for Python sends the context, with an error that passed a library."""
    sdk = pytest.importorskip("sentry_sdk")
    sent: list[Any] = []

    class Kept(sdk.Transport):  # type: ignore[misc,name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            sent.extend(item.payload.json for item in envelope.items)

    send = sentry.before_send_with(links)
    client = sdk.Client(dsn="http://key@localhost/1", transport=Kept, default_integrations=False, before_send=send)
    for error in (failure(), failure_in_a_library()):
        client.capture_event(*sdk.utils.event_from_exception(error, client_options=client.options))
    first, second = (event["contexts"]["source"] for event in sent)
    assert first == {"file": HERE, "line": FAILS_AT, "url": f"{PAGES}{HERE}#L{FAILS_AT}"}
    assert second["file"] == HERE


def test_own_before_send_is_called_afterwards(links: SourceLinks) -> None:
    """Your own function gets the event with its source, and may drop it."""
    seen: list[object] = []
    send = sentry.before_send_with(links, lambda item, hint: seen.append((item["contexts"], hint)))
    assert send(event(frame("src/a.py")), "hint") is None
    assert seen == [({"source": {"file": "src/a.py", "line": 3, "url": f"{PAGES}src/a.py#L3"}}, "hint")]


def test_own_context_is_kept(links: SourceLinks) -> None:
    """A context of that name that the program sets is not replaced."""
    sent = sentry.before_send_with(links)({**event(frame("src/a.py")), "contexts": {"source": {"a": 1}}}, None)
    assert sent
    assert sent["contexts"] == {"source": {"a": 1}}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["exception", "values", "stacktrace", "frames", "contexts", "abs_path"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["exception", "contexts"]), _JSON))
def test_any_event_is_sent(sent: dict[str, Any]) -> None:
    """Whatever is in the event, nothing is raised."""
    assert sentry.before_send_with(SourceLinks(INFO))(sent, None) is sent


def test_only_the_innermost_frames_are_looked_at(links: SourceLinks, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event with many frames, exceptions or long paths takes no longer than others."""
    asked: list[str] = []
    monkeypatch.setattr(links, "url", lambda path, line: asked.append(path))
    foreign = [frame("/usr/lib/x.py") for _ in range(source_links.MOST_FRAMES + 10)]
    sentry.before_send_with(links)(event(frame("src/a.py"), *foreign), {})
    assert len(asked) == source_links.MOST_FRAMES
    assert SourceLinks(INFO).url(f"src/{'a' * 5_000}.py", 3) is None


def deep_failure(depth: int) -> KeyError:
    """Return an error that was raised in another's code, so many calls below this file."""
    names: dict[str, Any] = {}
    text = "def call(depth):\n    if depth:\n        call(depth - 1)\n    raise KeyError\n"
    exec(compile(text, "/usr/lib/others.py", "exec"), names)  # noqa: S102 - code with the path of a library
    try:
        names["call"](depth)
    except KeyError as error:
        return error
    raise AssertionError


def test_only_the_innermost_calls_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds for the calls of an error."""
    links = SourceLinks(INFO)
    assert links.place_of(deep_failure(50))
    monkeypatch.setattr(source_links, "MOST_FRAMES", 20)
    assert links.place_of(deep_failure(50)) is None


def test_links_of_the_program_are_made_as_soon_as_there_is_information(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may set its environment after the import; the first information is kept."""
    found: list[BuildInfo | None] = [None, INFO, None]
    monkeypatch.setattr(source_links, "_of_this_program", [])
    monkeypatch.setattr(source_links, "build_info", lambda: found.pop(0))
    assert source_links.source_links().info is None
    assert [source_links.source_links().info for _ in range(3)] == [INFO] * 3


def test_import_makes_the_links(tmp_path: Path) -> None:
    """The first error takes no longer than others; a working directory that is gone is no error."""
    (tmp_path / FILE_NAME).write_text(json.dumps(INFO._asdict()))
    code = """
import os
from importlib import import_module
from scmhost.integrations import source_links
for name in ("sentry", "logging", "opentelemetry"):
    source_links._of_this_program.clear()
    module = import_module(f"scmhost.integrations.{name}")
    print(len(source_links._of_this_program))
os.mkdir("x")
os.chdir("x")
os.rmdir("../x")
print(module.resource_attributes())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1", "{}"]


def test_event_by_the_links_of_the_program(monkeypatch: pytest.MonkeyPatch, links: SourceLinks) -> None:
    """``before_send`` itself uses the links of this program."""
    monkeypatch.setattr(sentry, "source_links", lambda: links)
    assert sentry.before_send(event(frame("src/a.py")))["contexts"]["source"]["file"] == "src/a.py"


def test_log_record_has_the_page(links: SourceLinks) -> None:
    """The page is below the traceback; a record without an exception stays as it is."""
    stream = io.StringIO()
    handler = standard_logging.StreamHandler(stream)
    handler.setFormatter(logging.SourceFormatter("%(message)s", links=links))
    logger = standard_logging.getLogger("shop of the tests")
    logger.setLevel("INFO")
    logger.propagate = False
    logger.addHandler(handler)
    logger.info("started")
    logger.error("failed", exc_info=failure())
    logger.removeHandler(handler)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "started"
    assert lines[-2:] == ["KeyError: 'price'", f"Source: {PAGES}{HERE}#L{FAILS_AT}"]


@pytest.mark.parametrize("form", ["exception", "tuple", "true"])
def test_structlog_event_has_the_page(monkeypatch: pytest.MonkeyPatch, links: SourceLinks, form: str) -> None:
    """All forms of ``exc_info`` work; an event without one stays as it is."""
    monkeypatch.setattr(logging, "source_links", lambda: links)
    captured = structlog.testing.CapturingLogger()
    processors: list[Any] = [logging.add_source, lambda *args: ((), args[2])]
    # Without the filter of levels that other tests configure.
    logger = structlog.wrap_logger(captured, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)
    logger.info("started")
    try:
        fail()
    except KeyError as error:
        given = {"exception": error, "tuple": (KeyError, error, error.__traceback__), "true": True}[form]
        logger.error("failed", exc_info=given)  # noqa: TRY400 - the three forms are the test
    first, second = (call.kwargs for call in captured.calls)
    assert "source" not in first
    assert second["source"] == f"{PAGES}{HERE}#L{FAILS_AT}"


def test_attributes_of_opentelemetry(links: SourceLinks) -> None:
    """The names are those of the semantic conventions."""
    assert opentelemetry.resource_attributes(INFO) == {
        "vcs.repository.url.full": INFO.repository,
        "vcs.ref.head.revision": SHA,
    }
    assert opentelemetry.code_attributes(failure(), links) == {
        "code.file.path": HERE,
        "code.line.number": FAILS_AT,
        "code.function.name": "fail",
        "code.url": f"{PAGES}{HERE}#L{FAILS_AT}",
    }


def test_error_without_a_traceback(links: SourceLinks) -> None:
    """An error that was never raised has no place."""
    assert opentelemetry.code_attributes(KeyError(), links) == {}
