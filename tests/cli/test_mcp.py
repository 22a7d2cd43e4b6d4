"""``scmhost mcp``: conversations over standard input and output."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from api import PLUGINS_TOML
from command import SCMHOST, GitRepository, scmhost
from serving import serve

TRACE = '  File "/srv/shop/cart.py", line 2, in total\n'


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """A checkout with a remote."""
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", {"shop/cart.py": "one\ntwo\n"})
    made.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    return made


def talk(folder: Path, tool: str, arguments: dict[str, Any], *words: str, **environ: str) -> Any:
    """Return the result of a tool of a new process, whose tools are listed first."""

    async def run() -> Any:
        own = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **environ}
        server = StdioServerParameters(command=str(SCMHOST), args=["mcp", *words], cwd=folder, env=own)
        async with Client(stdio_client(server)) as client:
            names = {item.name for item in (await client.list_tools()).tools}
            assert names == {"locate_trace", "explain_frame", "find_suspects", "read_url", "list_repositories"}
            return await client.call_tool(tool, arguments)

    return anyio.run(run)


def test_the_client_of_the_protocol_talks_to_a_checkout(checkout: GitRepository) -> None:
    """A client starts the command in a checkout, and gets links to it."""
    result = talk(checkout.path, "locate_trace", {"text": TRACE})
    (frame,) = result.structured_content["frames"]
    assert frame["url"] == f"https://github.com/acme/shop/blob/{checkout.shas()[0]}/shop/cart.py#L2"


def test_options_are_those_of_link(checkout: GitRepository) -> None:
    """A mapping and a remote of the command line apply."""
    words = ("--map", "/srv=", "--remote", "https://gitlab.com/acme/till.git")
    (frame,) = talk(checkout.path, "locate_trace", {"text": TRACE}, *words).structured_content["frames"]
    assert frame["url"].startswith("https://gitlab.com/acme/till/")
    assert frame["confidence"] == "high"


def test_with_a_url_the_projects_of_a_service_are_used(tmp_path: Path) -> None:
    """With --url and a token in the environment the tools are those of the service, which need no setting there."""
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    with serve(tmp_path) as served:
        served.keep_reading()
        options = ["--org", "acme", "--project", "web", "--database-url", f"sqlite:///{tmp_path}/served.db", "--json"]
        token = str(json.loads(scmhost("bootstrap", *options).out)["token"])
        words = ("--url", served.url)
        result = talk(tmp_path, "locate_trace", {"text": TRACE}, *words, SCMHOST_AUTH_TOKEN=token)
        (frame,) = result.structured_content["frames"]
        assert (frame["path"], "reason" in frame) == ("/srv/shop/cart.py", True)
        named = talk(tmp_path, "locate_trace", {"text": TRACE}, *words, "--project", "no", SCMHOST_AUTH_TOKEN=token)
        assert "scmhost answered 404" in named.content[0].text
        wrong = talk(tmp_path, "list_repositories", {}, *words, SCMHOST_AUTH_TOKEN="scmhost_1_x")
        assert "scmhost answered 401" in wrong.content[0].text
    down = talk(tmp_path, "list_repositories", {}, *words, SCMHOST_AUTH_TOKEN=token)
    assert "does not answer" in down.content[0].text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--org", "acme"), "--org needs --url"),
        (("--url", "https://x.example", "--ref", "main", "--token", "t"), "--ref has no effect with --url"),
        (("--url", "https://x.example"), "--url needs a token"),
        (("--url", "ftp://x.example", "--token", "t"), "not a server's address"),
        (("--map", "nonsense"), "write STACK=SOURCE"),
    ],
)
def test_wrong_options_are_refused(words: tuple[str, ...], message: str) -> None:
    """A wrong option is an error with a message, before anything is read."""
    done = scmhost("mcp", *words)
    assert done.code in (1, 2)
    assert message in done.err
    assert done.out == ""


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the command names what to install."""
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    for name in ("scmhost.agents.tools", "scmhost.agents.checkout_tools"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    done = scmhost("mcp")
    assert (done.code, done.out) == (2, "")
    assert done.err.strip().endswith('scmhost mcp needs the package mcp: pip install "scmhost[mcp]"')


def test_messages_that_are_wrong_do_not_end_the_server(checkout: GitRepository) -> None:
    """After lines that are no messages, the server still answers; standard output has nothing but messages."""
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    # json.dumps escapes the lone surrogate.
    odd = {"name": "explain_frame", "arguments": {"path": "\ud800\x1b[31m.py"}}
    lines = [
        "not JSON",
        "[]",
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": odd}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}),
    ]
    with subprocess.Popen(
        [SCMHOST, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=checkout.path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        process.stdin.flush()
        answers: dict[Any, dict[str, Any]] = {}
        while 3 not in answers:
            line = process.stdout.readline()
            assert line, "the server ended"
            answer = json.loads(line)
            answers[answer.get("id")] = answer
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    assert len(answers[3]["result"]["tools"]) == 5
