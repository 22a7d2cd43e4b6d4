"""Run the requests of a Markdown page and write their answers into it.

A request is a block, and its answer is the next block:

    ```http
    POST /api/0/organizations/acme/repos/

    {"name": "team/app"}
    ```
    ```http
    201 Created

    {"id": "4", ...}
    ```

The requests run in order. Times and random ids are replaced by constants, so that a page only changes with the API.
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
_KEY: Final = re.compile(r'(?<="key": "1-)[\w-]{43}(?=")')
_HINT: Final = re.compile(r'(?<="hint": ")[\w-]{4}(?=")')
_FOLDER: Final = re.compile(r"/\S*/(?=plugins\.toml\b)")
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A request on a page."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. ``body`` is None if it is empty."""

    status: int
    body: Any = None


Send = Callable[[Request], Answer]


class Response(Protocol):
    """The part of an HTTP client's response that is used here."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...

    def json(self) -> Any: ...


class ApiClient(Protocol):
    """A client that calls the API with a token."""

    def call(self, method: str, path: str, **options: Any) -> Response: ...


def through(client: ApiClient) -> Send:
    """Return a function that sends requests through a client."""

    def send(request: Request) -> Answer:
        options = {} if request.body is None else {"json": request.body}
        response = client.call(request.method, request.path, **options)
        return Answer(response.status_code, response.json() if response.content else None)

    return send


def requests(page: str) -> Iterator[Request]:
    """Yield the requests of a page, in order."""
    for found in _PAIR.finditer(page):
        yield _request(found)


def with_answers(page: str, send: Send) -> str:
    """Return the page with all answers replaced by new ones."""
    return _PAIR.sub(lambda found: f"{found['question']}\n{_block(send(_request(found)))}", page)


def _request(found: re.Match[str]) -> Request:
    return Request(found["method"], found["path"], json.loads(found["body"]) if found["body"] else None)


def _block(answer: Answer) -> str:
    head = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    body = "" if answer.body is None else f"\n{_stable(shown(_untimed(answer.body)))}\n"
    return f"```http\n{head}\n{body}```\n"


def _untimed(value: Any) -> Any:
    """Replace durations by a constant and remove the temporary folder from paths.

    The duration of an import is unknown if the module was already imported; the page shows a typical value.
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
    text = _HINT.sub("xAbC", _KEY.sub("a-key-of-forty-three-random-characters-xAbC", text))
    return _RANDOM.sub("5f1e0c9a7b3d4e6f8091a2b3c4d5e6f7", _TIME.sub("2026-01-02T03:04:05.678901Z", text))


def shown(value: Any, indent: int = 0, room: int = _WIDTH) -> str:
    """Format JSON, with each value on one line if it fits."""
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
