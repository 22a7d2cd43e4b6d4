"""The tools for agents in a checkout, over the client of the protocol in this process."""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

from command import GitRepository
from scmhost.agents.checkout_tools import CheckoutTools
from scmhost.agents.tools import MAX_RESULT, LocatedFrame, bounded_trace
from scmhost.checkout.links import CheckoutLinks, LinkOverrides

FILES = {
    "shop/cart.py": "".join(f"{number}\n" for number in range(1, 31)),
    "shop/pay.py": "one\n",
    "till/pay.py": "one\n",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout whose remote has a password, as the working directory."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", FILES)
    made.git("remote", "add", "origin", "https://ada:secret@github.com/acme/shop.git")
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("PWD", str(made.path))
    return made


def talk(conversation: Callable[[Client], Awaitable[Any]], overrides: LinkOverrides) -> Any:
    """Return the result of a conversation with a server of this process."""

    async def run() -> Any:
        async with Client(CheckoutTools(partial(CheckoutLinks, overrides)).server()) as client:
            return await conversation(client)

    return anyio.run(run)


def call(tool: str, overrides: LinkOverrides | None = None, **arguments: Any) -> Any:
    """Return the value of a tool, or the text of its error."""
    result = talk(lambda client: client.call_tool(tool, arguments), overrides or LinkOverrides())
    return result.content[0].text if result.is_error else result.structured_content


def test_owners_of_files_are_added_on_request(checkout: GitRepository) -> None:
    """Without CODEOWNERS a note says so."""
    text = '  File "/srv/shop/cart.py", line 12, in total\n  File "/usr/lib/x.py", line 9, in f\n'
    missing = call("locate_trace", text=text, owners=True)
    assert "owners" not in missing["frames"][0]
    assert missing["notes"][-1].startswith("No owners: commit ")
    checkout.commit(files={"CODEOWNERS": "# all\n/shop/ @shop\n"})
    owned, library = call("locate_trace", text=text, owners=True)["frames"]
    assert owned["owners"] == [{"owners": ["@shop"], "file": "CODEOWNERS", "line": 2}]
    assert "owners" not in library
    assert "owners" not in call("locate_trace", text=text)["frames"][0]


def test_a_trace_gets_the_links_of_the_checkout(checkout: GitRepository) -> None:
    """Frames of this repository have links, others a reason; the notes are the summary of `scmhost link`."""
    text = (
        'x\n  File "/srv/shop/cart.py", line 12, in total\n  File "/usr/lib/python3.11/json/decoder.py", line 9, in f\n'
    )
    value = call("locate_trace", text=text)
    linked, library = value["frames"]
    sha = checkout.shas()[0]
    assert linked == {
        "text_line": 2,
        "path": "/srv/shop/cart.py",
        "line": 12,
        "function": "total",
        "language": "python",
        "kind": "frame",
        "url": f"https://github.com/acme/shop/blob/{sha}/shop/cart.py#L12",
        "source_path": "shop/cart.py",
        "ref": sha,
        "confidence": "medium",
    }
    assert (library["reason"], "next_step" in library) == ("not_in_repository", True)
    assert value["notes"] == ["1 of 1 frames of yours have links, 1 in installed packages."]


def test_each_call_reads_the_checkout_again(checkout: GitRepository) -> None:
    """A server runs for hours; a commit between two calls moves the links."""
    text = '  File "shop/cart.py", line 2, in total\n'

    async def conversation(client: Client) -> list[Any]:
        first = await client.call_tool("locate_trace", {"text": text})
        checkout.commit("Second", {"other.py": "one\n"})
        second = await client.call_tool("locate_trace", {"text": text})
        return [result.structured_content["frames"][0]["ref"] for result in (first, second)]

    assert talk(conversation, LinkOverrides()) == checkout.shas()[::-1]


def test_text_that_is_no_place_is_left_out(checkout: GitRepository) -> None:
    """As in `scmhost link`, a diagnostic counts only if the checkout has its file."""
    value = call("locate_trace", text="shop/cart.py:3:1: error: no\nnowhere/else.py:3:1: error: no\n")
    assert [frame["path"] for frame in value["frames"]] == ["shop/cart.py"]


@pytest.mark.parametrize(
    ("path", "reason", "what", "outcome"),
    [
        ("shop/cart.py", None, "the working directory", "has this file"),
        ("/srv/pay.py", "not_in_repository", "file shop/pay.py", "has the same name only"),
        ("pay.py", "several_files", "file till/pay.py", "ends like the path"),
        ("/x/no.py", "not_in_repository", "files named no.py", "this commit has none"),
        ("/usr/lib/python3/site-packages/x/cart.py", "not_in_repository", "the folder of installed packages", "x/cart"),
        ("<stdin>", "not_a_file", "the printed path", "no path of a source file"),
    ],
)
def test_a_frame_is_explained(checkout: GitRepository, path: str, reason: str | None, what: str, outcome: str) -> None:
    """An explanation has the outcome and what the path was compared with."""
    value = call("explain_frame", path=path)
    assert value["frame"].get("reason") == reason
    outcomes = {attempt["what"]: attempt["outcome"] for attempt in value["attempts"]}
    assert outcome in outcomes[what]


def test_an_explanation_names_code_mappings(checkout: GitRepository) -> None:
    """A mapping of the command line is shown with the path that it gives."""
    overrides = LinkOverrides(mappings=[("/app/", "till/")])
    (first, *_) = call("explain_frame", overrides, path="/app/pay.py")["attempts"]
    assert first == {"what": "code mapping /app/=till/", "outcome": "till/pay.py: a file of this commit"}
    (first, *_) = call("explain_frame", overrides, path="/opt/pay.py")["attempts"]
    assert first == {"what": "code mappings", "outcome": "none matches the path"}


def test_a_class_of_the_jvm_gives_the_path(checkout: GitRepository) -> None:
    """The JVM prints a file's name only; the class has the folders."""
    checkout.commit("Java", {"src/com/acme/Cart.java": "one\n"})
    value = call("explain_frame", path="Cart.java", module="com.acme.Cart", language="java")
    assert (value["frame"]["source_path"], value["compared_paths"]) == (
        "src/com/acme/Cart.java",
        ["com/acme/Cart.java"],
    )


def test_the_repository_is_listed_without_its_password(checkout: GitRepository) -> None:
    """The list has the checkout's own repository, and no credentials of its remote."""
    assert call("list_repositories") == {
        "repositories": [
            {
                "name": "acme/shop",
                "url": "https://github.com/acme/shop",
                "host": "github",
                "ref": checkout.shas()[0],
            }
        ],
        "more": False,
    }
    checkout.git("remote", "remove", "origin")
    assert "this checkout has no remote" in call("list_repositories")


@pytest.mark.parametrize("tool", ["locate_trace", "explain_frame", "list_repositories"])
def test_a_missing_checkout_is_an_error_of_the_call(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a checkout the server runs, and each call says what is missing."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    arguments: dict[str, Any] = {"locate_trace": {"text": "x"}, "explain_frame": {"path": "a.py"}}.get(tool, {})
    assert "checkout" in call(tool, **arguments)


@pytest.mark.parametrize(
    "text",
    [
        '  File "\ud800/cart.py", line 2, in \udfff\n',
        '  File "\x1b]0;title\x07shop/cart.py", line 2, in \u202etotal\n',
        f'  File "/{"a/" * 5_000}cart.py", line 999999999999999999999, in {"f" * 9_000}\n',
        '{"exception": {"values": [{"stacktrace": {"frames": [{"filename": "\\ud800.py", "lineno": 3}]}}]}}',
        "\x00" * 1_000,
        '  File "cart.py", line 2, in f\n' * 20_000,
    ],
)
def test_hostile_text_gives_a_result_in_utf_8(checkout: GitRepository, text: str) -> None:
    """Whatever a text contains, its result can be sent, and is bounded."""
    result = CheckoutTools(partial(CheckoutLinks, LinkOverrides())).locate_trace(text, 200).model_dump_json()
    assert len(result.encode()) < 3 * MAX_RESULT
    assert not set(result) & {"\x1b", "\x07", "\u202e"}


def test_the_end_of_a_long_text_is_not_read(checkout: GitRepository) -> None:
    """A text that is too long is read in whole lines up to the limit."""
    line = '  File "shop/cart.py", line 2, in total\n'
    value = call("locate_trace", text=f"{line}{'x' * 300_000}\n{line}")
    assert (len(value["frames"]), value["text_truncated"]) == (1, True)
    assert call("locate_trace", text="x" * 300_000)["text_truncated"] is True


def test_a_result_is_bounded_in_characters() -> None:
    """Long names are cut, and frames that no longer fit are counted."""
    frame = LocatedFrame(path="x" * 4_000, function="f" * 4_000, url=f"https://git.example.com/{'u' * 2_000}")
    assert (len(frame.path), frame.path[-1]) == (300, "\u2026")
    assert len(frame.url or "") > 2_000
    trace = bounded_trace([frame] * 200, 200, total=200, text_truncated=False, notes=["n"] * 1_000)
    assert 10 < len(trace.frames) == 200 - trace.frames_left_out
    assert len(trace.model_dump_json()) < MAX_RESULT + 20 * 300


@settings(max_examples=200)
@given(text=st.text(st.characters(codec=None), max_size=400))
def test_values_are_printable_and_short(text: str) -> None:
    """Whatever a trace contains, a value has no control character and no lone surrogate."""
    shown = LocatedFrame(path=text, function=text).path
    assert len(shown) <= 300
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not any(ord(character) < 0x20 and character not in "\t\n" for character in shown)


def test_suspects_of_the_checkout(checkout: GitRepository) -> None:
    """The commit of the line, with its author and page; a range that does not exist is an error."""
    changed = FILES["shop/cart.py"].replace("12\n", "twelve\n")
    sha = checkout.commit("Count\x1b items", {"shop/cart.py": changed})
    checkout.git("update-ref", "refs/remotes/origin/main", "HEAD")
    text = '  File "/srv/shop/cart.py", line 12, in total\n'
    value = call("find_suspects", text=text)
    found = next(one for one in value["suspects"] if one["sha"] == sha)
    assert (found["author"], found["message"]) == ("Ada Lovelace <Ada@Example.com>", "Count\u241b items")
    assert found["url"] == f"https://github.com/acme/shop/commit/{sha}"
    assert found["evidence"][0].startswith("changed cart.py:12")
    assert call("find_suspects", text="nothing")["reason"] == "No frame of the trace is in the repository."
    assert "unknown ref" in call("find_suspects", text=text, release="v1..v2")
