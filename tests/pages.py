"""Follow the examples of a documentation page: write its files and run its commands."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fastapi.testclient import TestClient

from command import scmhost, scmhost_process
from real_clients import sentry_cli
from scmhost.app import open_host
from scmhost.application import create_application
from serving import serve

ROOT = Path(__file__).parents[1]

_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (?P<line>(?:.*(?:\\\n|'\{[^}]*\n))*.*)\n(?P<answer>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_VARIABLE = re.compile(r"\$([A-Z]+)")
_SECRETS = ((re.compile(r"scmhost_1_[\w-]{43}"), "scmhost_1_..."), (re.compile(r"\.\.\.[\w-]{4}  "), "...xxxx  "))
# Commands for readers only; the tests set these things up themselves.
_NOT_RUN = ("pip", "make", "scmhost serve", "scmhost demo", "python -m", ". .venv", "twine")
# The address of the service on the pages. A test serves on a free port.
_SHOWN_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Block:
    """A block of code on a page. A block with a name is a file."""

    language: str
    name: str | None
    text: str


@dataclass(frozen=True)
class Step:
    """A command, and the output that the page shows. Without output nothing is compared."""

    line: str
    answer: str


def page(name: str) -> str:
    """Return the text of a page; ``name`` is its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of code of a page, in order."""
    for found in _BLOCK.finditer(text):
        yield Block(found["language"], found["name"], found["text"])


def write_files(text: str, folder: Path) -> None:
    """Write the files of a page to a folder."""
    for block in blocks(text):
        if block.name:
            path = folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def steps(text: str) -> list[Step]:
    """Return the commands of a page, in order."""
    consoles = (block.text for block in blocks(text) if block.language == "console")
    found = (match for console in consoles for match in _COMMAND.finditer(console))
    return [Step(match["line"].replace("\\\n", " "), match["answer"]) for match in found]


@dataclass
class Terminal:
    """Runs steps in the working directory. Requests of curl go to an application with the same database.

    With ``services``, the step ``scmhost serve`` starts a process that ends when they are closed, and sentry-cli uses
    that server.
    """

    variables: dict[str, str] = field(default_factory=dict)
    token: str = ""
    services: ExitStack | None = None
    url: str = _SHOWN_URL

    def follow(self, listed: list[Step]) -> list[Step]:
        """Run steps, and return them with their real output. It is left out where the page shows none."""
        done = [Step(step.line, self.run(step)) for step in listed]
        return [Step(step.line, step.answer and went.answer) for step, went in zip(listed, done, strict=True)]

    def run(self, step: Step) -> str:
        """Run a step, and return its output in the form of a page."""
        if step.line == "scmhost serve" and self.services:
            self._serve(self.services)
        if step.line.startswith(_NOT_RUN):
            return step.answer
        words = shlex.split(_VARIABLE.sub(lambda found: self.variables[found[1]], step.line))
        environ: dict[str, str] = {}
        while "=" in words[0]:
            name, _, environ[name] = words.pop(0).partition("=")
        return self._done(words, environ)

    def _done(self, words: list[str], environ: Mapping[str, str]) -> str:
        match words[0]:
            case "export":
                return self._export(words[1])
            case "cd":
                os.chdir(words[1])
                return ""
            case "curl":
                return self._curl(words[1:])
            case "sentry-cli":
                return self._sentry_cli(words[1:], environ)
        return scmhost_process(*words[1:], environ=environ).out if environ else self._scmhost(words[1:])

    def _serve(self, services: ExitStack) -> None:
        served = services.enter_context(serve(Path.cwd(), "--database-url", "sqlite:///scmhost.db"))
        served.keep_reading()
        self.url = served.url

    def _sentry_cli(self, words: list[str], environ: Mapping[str, str]) -> str:
        """Return the output of the real client, standard output first."""
        environment = {
            name: value.replace(_SHOWN_URL, self.url) for name, value in {**self.variables, **environ}.items()
        }
        done = sentry_cli(3, *words, cwd=Path.cwd(), home=Path.cwd(), environ=environment)
        return (done.out + done.err).replace(self.url, _SHOWN_URL)

    def _export(self, assignment: str) -> str:
        name, _, value = assignment.partition("=")
        self.variables[name] = self.token if value.startswith("scmhost_") else value
        return ""

    def _scmhost(self, words: list[str]) -> str:
        done = scmhost(*words)
        answer = done.out + done.err
        secret = _SECRETS[0][0].search(answer)
        self.token = secret[0] if secret else self.token
        for pattern, shown in _SECRETS:
            answer = pattern.sub(shown, answer)
        return answer

    @staticmethod
    def _curl(words: list[str]) -> str:
        """Send a request that must succeed, and return its answer."""
        method, url, *options = words[words.index("-X") + 1 :]
        headers = dict(options[at + 1].split(": ", 1) for at, word in enumerate(options) if word == "-H")
        body = json.loads(options[options.index("-d") + 1])
        with open_host() as host, TestClient(create_application(host.services)) as client:
            answer = client.request(method, url, headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.text
