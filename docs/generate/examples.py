"""Requests and answers in Markdown: a block of a request, then the block of its answer.

    ```http
    POST /api/0/organizations/acme/repos/

    {"name": "team/app"}
    ```
    ```http
    201 Created

    {"id": "4", ...}
    ```

The answers are written by running the requests in order. What differs from run to run, times and random ids, is
written as one value, so that a page only changes when the wire does.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

_PAIR: Final = re.compile(
    r"(?P<question>```http\n(?P<method>GET|POST|PUT|DELETE) (?P<path>\S+)\n(?:\n(?P<body>.*?)\n)?```\n)"
    r"(?:\s*```http\n\d{3}.*?```\n)?",
    re.DOTALL,
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
_RANDOM: Final = re.compile(r"\b[0-9a-f]{32}\b")
_FOLDER: Final = re.compile(r"/\S*/(?=plugins\.toml\b)")
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a page shows it."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``body`` is None where there is none."""

    status: int
    body: Any = None


Send = Callable[[Request], Answer]


class Response(Protocol):
    """As much of an HTTP client's response as is needed."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...

    def json(self) -> Any: ...


class Caller(Protocol):
    """Whoever can call the API with a token."""

    def call(self, method: str, path: str, **options: Any) -> Response: ...


def through(caller: Caller) -> Send:
    """A way to send requests."""

    def send(request: Request) -> Answer:
        options = {} if request.body is None else {"json": request.body}
        response = caller.call(request.method, request.path, **options)
        return Answer(response.status_code, response.json() if response.content else None)

    return send


def requests(page: str) -> Iterator[Request]:
    """The requests of a page, in order."""
    for found in _PAIR.finditer(page):
        yield _request(found)


def with_answers(page: str, send: Send) -> str:
    """The page with each answer written anew."""
    return _PAIR.sub(lambda found: f"{found['question']}\n{_block(send(_request(found)))}", page)


def _request(found: re.Match[str]) -> Request:
    return Request(found["method"], found["path"], json.loads(found["body"]) if found["body"] else None)


def _block(answer: Answer) -> str:
    head = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    body = "" if answer.body is None else f"\n{_stable(shown(_untimed(answer.body)))}\n"
    return f"```http\n{head}\n{body}```\n"


def _untimed(value: Any) -> Any:
    """An answer with one duration for all of them, and without the folder that it was made in.

    How long a plugin's import took is not known where something else has imported it; readers see what is usual.
    """
    if isinstance(value, str):
        return _FOLDER.sub("", value)
    if isinstance(value, list):
        return [_untimed(item) for item in value]
    if not isinstance(value, dict):
        return value
    timed = value.get("state") == "ready"
    return {
        name: 1.5 if name.endswith("Ms") and (timed or item is not None) else _untimed(item)
        for name, item in value.items()
    }


def _stable(text: str) -> str:
    return _RANDOM.sub("5f1e0c9a7b3d4e6f8091a2b3c4d5e6f7", _TIME.sub("2026-01-02T03:04:05.678901Z", text))


def shown(value: Any, indent: int = 0, room: int = _WIDTH) -> str:
    """JSON with everything on one line that fits there."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= room or not value or not isinstance(value, dict | list):
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [(f"{json.dumps(key)}: ", item) for key, item in value.items()]
    else:
        parts = [("", item) for item in value]
    lines = [f"{inner}{key}{shown(item, indent + 2, _WIDTH - indent - len(key) - 3)}" for key, item in parts]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{' ' * indent}{closing}"
