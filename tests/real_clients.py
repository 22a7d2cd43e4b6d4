"""Run the clients of Sentry's API, and one for agents: the real programs, each in a clean environment."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from command import Done

CLIENTS = Path(__file__).parents[1] / ".venv" / "clients"
HOW_TO_GET_THEM = "run `make clients`"
NODE_READY = CLIENTS / "node" / "ready"
# No server uses this port: a client that connects to another host fails, and so does its test.
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Account:
    """The server of a client and its credentials. ``home`` is its home and its working directory."""

    url: str
    token: str
    organization: str
    project: str
    home: Path


@dataclass(frozen=True)
class SentryCli:
    """``sentry-cli`` of one major version."""

    major: int
    account: Account

    def run(self, *words: str, cwd: Path | None = None, **environ: str) -> Done:
        """Run a command, which may fail. A variable with an empty value is not set."""
        own = {
            "SENTRY_URL": self.account.url,
            "SENTRY_AUTH_TOKEN": self.account.token,
            "SENTRY_ORG": self.account.organization,
            "SENTRY_PROJECT": self.account.project,
        }
        variables = {name: value for name, value in (own | environ).items() if value}
        return sentry_cli(self.major, *words, cwd=cwd or self.account.home, home=self.account.home, environ=variables)

    def __call__(self, *words: str, cwd: Path | None = None, **environ: str) -> str:
        """Return the output of a command, which must succeed."""
        done = self.run(*words, cwd=cwd, **environ)
        assert done.code == 0, f"{words}: {done}"
        return done.out


@dataclass(frozen=True)
class SentryNode:
    """``sentry`` of npm."""

    account: Account

    def __call__(self, *words: str, cwd: Path | None = None, code: int = 0) -> str:
        """Return both outputs of a command, which must end with this code."""
        own = {
            "SENTRY_HOST": self.account.url,
            "SENTRY_AUTH_TOKEN": self.account.token,
            "SENTRY_FORCE_ENV_TOKEN": "1",
            "SENTRY_CLI_NO_TELEMETRY": "1",
            "SENTRY_CLI_NO_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
        }
        done = _run([node_program("sentry"), *words], cwd or self.account.home, _clean(self.account.home) | own)
        assert done.code == code, f"{words}: {done}"
        return done.out + done.err


class SentryMcp:
    """``sentry-mcp`` of npm: JSON-RPC over standard input and output, one message per line."""

    def __init__(self, account: Account) -> None:
        host = account.url.removeprefix("http://")
        words = [
            str(node_program("sentry-mcp")),
            f"--host={host}",
            "--insecure-http",
            f"--access-token={account.token}",
        ]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=account.home,
            env=_clean(account.home),
            text=True,
        )
        self._requests = 0
        about = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
        self.request("initialize", about)
        self._send({"method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._process as process:
            process.terminate()

    def request(self, method: str, parameters: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """Return the result of a request."""
        self._requests += 1
        self._send({"id": self._requests, "method": method, "params": dict(parameters)})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._requests:
                value: dict[str, Any] = answer["result"]
                return value
        raise AssertionError("sentry-mcp ended")

    def call(self, tool: str, **arguments: str) -> str:
        """Return the answer of a tool, which must succeed."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        text = "\n".join(part.get("text", "") for part in result["content"])
        assert not result.get("isError"), text
        return text

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@dataclass(frozen=True)
class McpInspector:
    """``mcp-inspector`` of npm in its command line mode. ``folder`` is its home and its working directory."""

    folder: Path

    def __call__(self, *words: str) -> dict[str, Any]:
        """Return the JSON answer of a server to one request."""
        # Without proxies: on Node 20 its client for them cannot be loaded.
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        done = _run([node_program("mcp-inspector"), "--cli", *words], self.folder, environ)
        assert done.code == 0, f"{words}: {done}"
        value: dict[str, Any] = json.loads(done.out)
        return value


def sentry_cli(major: int, *words: str, cwd: Path, home: Path, environ: Mapping[str, str]) -> Done:
    """Run sentry-cli of a major version, with only these variables."""
    program = CLIENTS / f"v{major}" / "bin" / "sentry-cli"
    assert program.exists(), HOW_TO_GET_THEM
    return _run([program, *words], cwd, {**_clean(home), "SENTRY_DISABLE_UPDATE_CHECK": "1", **environ})


def node_program(name: str) -> Path:
    """Return the path of a program of npm."""
    return NODE_READY.with_name("node_modules") / ".bin" / name


def _clean(home: Path) -> dict[str, str]:
    """Return an environment without proxies for loopback, backtraces and settings of the user."""
    proxies = {"https_proxy": _NOWHERE, "HTTPS_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **proxies}


def _run(words: list[str | Path], cwd: Path, environ: Mapping[str, str]) -> Done:
    done = subprocess.run(words, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())
