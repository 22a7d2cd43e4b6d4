"""A code host on a loopback address: an HTTP server over bare repositories, with faults that a test switches on.

A subclass has the REST calls of one kind of host in ``ROUTES``, and the body of its push webhook in ``push_delivery``.
"""

import base64
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, ClassVar, Final, Self
from urllib.error import HTTPError
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from urllib.request import Request, urlopen

from .repository import EMPTY, GIT_ENVIRONMENT, BareRepository

LONGEST_DELAY: Final = 60.0
"""How long a slow answer waits at most, in seconds; it ends with the host."""


@dataclass(frozen=True)
class Call:
    """A request that the host got. ``path`` is as it was sent, with its escapes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"null")

    @property
    def form(self) -> dict[str, str]:
        """The body as an HTML form."""
        return dict(parse_qsl(self.body.decode()))


@dataclass
class Reply:
    """An answer. A body that is neither bytes nor text becomes JSON. ``half`` sends the first half of it only."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    half: bool = False

    def encoded(self) -> tuple[bytes, str]:
        """Return the body and its type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return (b"" if self.body is None else json.dumps(self.body).encode()), "application/json; charset=utf-8"


class Refuse(Exception):
    """Ends a request with an error."""

    def __init__(self, status: int, message: str = "", **headers: str) -> None:
        super().__init__(message)
        self.reply = Reply({"message": message or f"status {status}"}, status, headers)


@dataclass
class User:
    """A person or a bot of the host.

    Attributes:
        login: the name.
        repositories: full names of the private repositories that it may see.
        scopes: what its tokens may do; empty for everything.
    """

    login: str
    repositories: set[str] = field(default_factory=set)
    scopes: frozenset[str] = frozenset()


@dataclass
class Hook:
    """A webhook that a plugin registered."""

    id: int
    repository: BareRepository
    url: str
    secret: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """What a webhook sends."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Fault = Callable[["FakeHost", Call], Reply | None]
"""Answers in place of the host; None lets the host answer."""


def rate_limit(seconds: float = 30, status: int = 429) -> Fault:
    """Refuse with the usual header of rate limits."""
    return lambda host, call: Reply({"message": "slow down"}, status, {"Retry-After": f"{seconds:g}"})


def status(code: int, body: Any = None) -> Fault:
    """Answer with a status, such as 502."""
    return lambda host, call: Reply({"message": "it does not work"} if body is None else body, code)


def web_page() -> Fault:
    """Answer with a page for people, as proxies do while a service is down."""
    return lambda host, call: Reply("<!doctype html><title>Back soon</title>", headers={"Content-Type": "text/html"})


def wrong_types(body: Any = ("text", 7, None)) -> Fault:
    """Answer with JSON that has other types than documented."""
    return lambda host, call: Reply(body)


def half_body() -> Fault:
    """End the connection in the middle of the answer."""
    return lambda host, call: Reply({"padding": "x" * 1000}, half=True)


def huge_body(size: int = 20_000_000) -> Fault:
    """Answer with a list of many bytes."""
    return lambda host, call: Reply(b"[" + b" " * size + b"]", headers={"Content-Type": "application/json"})


def redirect(url: str, code: int = 302) -> Fault:
    """Lead to another place."""
    return lambda host, call: Reply("", code, {"Location": url})


def slow(seconds: float = LONGEST_DELAY) -> Fault:
    """Answer late, but correctly."""

    def wait(host: "FakeHost", call: Call) -> None:
        host.ended.wait(seconds)

    return wait


@dataclass
class _Active:
    """A fault with the requests that it is for."""

    fault: Fault
    path: re.Pattern[str]
    times: float

    def takes(self, call: Call) -> bool:
        if self.times < 1 or not self.path.search(f"{call.method} {call.path}"):
            return False
        self.times -= 1
        return True


class FakeHost:
    """A running code host. Use it in a ``with`` block."""

    ROUTES: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """Method, path template and name of the method that answers. ``{name}`` is one segment, ``{name*}`` the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repositories: list[BareRepository] = []
        self.tokens: dict[str, User] = {"good-token": User("ada")}
        self.hooks: list[Hook] = []
        self.calls: list[Call] = []
        self.deliveries: list[tuple[Delivery, int]] = []
        self.deliver: Callable[[Delivery], int] = post
        self.largest_page = 50
        self.ended = Event()
        self._faults: list[_Active] = []
        self._lock = Lock()
        self._next_id = 1
        self._routes = [(method, _pattern(path), name) for method, path, name in self.ROUTES]
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    # What tests arrange.

    def new_id(self) -> int:
        """Return a number that no other object of this host has."""
        with self._lock:
            self._next_id += 1
            return self._next_id

    def repository(self, full_name: str = "team/app", **fields: Any) -> BareRepository:
        """Make an empty repository. A private one is shown to all users of the host that have it in their list."""
        owner, _, name = full_name.rpartition("/")
        number = self.new_id()
        made = BareRepository(number, owner, name, self.folder / f"{number}.git", **fields)
        self.repositories.append(made)
        return made

    def fault(self, fault: Fault, on: str = "", times: float = float("inf")) -> None:
        """Answer with a fault to requests whose ``GET /path`` matches an expression, a number of times."""
        self._faults.append(_Active(fault, re.compile(on), times))

    def heal(self) -> None:
        """End all faults."""
        self._faults.clear()

    def push(
        self, repository: BareRepository, files: Mapping[str, bytes | str | None], message: str = "Change files"
    ) -> str:
        """Commit to the default branch as a push does: the webhooks of the repository are called."""
        before = repository.head()
        after = repository.commit(files, message)
        self.pushed(repository, f"refs/heads/{repository.default_branch}", before, after)
        return after

    def pushed(self, repository: BareRepository, ref: str, before: str, after: str) -> None:
        """Call the webhooks of a repository."""
        for hook in [hook for hook in self.hooks if hook.repository is repository]:
            delivery = self.push_delivery(hook, ref, before, after)
            self.deliveries.append((delivery, self.deliver(delivery)))

    # What subclasses answer.

    def push_delivery(self, hook: Hook, ref: str, before: str, after: str) -> Delivery:
        """Return what a webhook sends for a push."""
        raise NotImplementedError

    def user(self, call: Call) -> User | None:
        """Return whose token a request has; None without one.

        Raises:
            Refuse: 401 for a token that the host does not have.
        """
        kind, _, value = call.headers.get("authorization", "").partition(" ")
        if not kind:
            return None
        if kind.lower() == "basic":
            value = base64.b64decode(value).decode().rpartition(":")[2]
        user = self.tokens.get(value)
        if user is None:
            raise Refuse(401, "this token does not exist, is expired or was revoked")
        return user

    def find(self, call: Call, full_name: str) -> BareRepository:
        """Return a repository that the user of a request may see.

        Raises:
            Refuse: 404 otherwise; a redirect for a former name.
        """
        user = self.user(call)
        for repository in self.repositories:
            if repository.full_name.casefold() == full_name.casefold() and self.may_see(user, repository):
                return repository
        raise Refuse(404, "the repository does not exist")

    def may_see(self, user: User | None, repository: BareRepository) -> bool:
        """Return whether a user may see a repository."""
        return not repository.private or (user is not None and repository.full_name in user.repositories)

    def answer(self, call: Call) -> Reply:
        """Answer a request: a fault, git's own protocol, or the route for it."""
        self.calls.append(call)
        for active in list(self._faults):
            reply = active.fault(self, call) if active.takes(call) else None
            if reply is not None:
                return reply
        try:
            if git := re.fullmatch(r"/(.+)\.git(/(?:info/refs|git-upload-pack|git-receive-pack|HEAD))", call.path):
                return self._git(call, unquote(git[1]), git[2])
            for method, pattern, name in self._routes:
                found = pattern.fullmatch(call.path) if method == call.method else None
                if found:
                    values = {key: unquote(value) for key, value in found.groupdict().items()}
                    reply = getattr(self, name)(call, **values)
                    return reply if isinstance(reply, Reply) else Reply(reply)
        except Refuse as refused:
            return refused.reply
        return Reply({"message": "this fake host has no such page"}, 404)

    def _git(self, call: Call, full_name: str, path: str) -> Reply:
        """Answer git's own requests with ``git http-backend``."""
        wants_write = "receive-pack" in path or "receive-pack" in call.query.get("service", "")
        is_private = any(item.private for item in self.repositories if item.full_name == full_name)
        # Git sends its credentials when it is asked for them, and not before.
        if (wants_write or is_private) and self.user(call) is None:
            return Reply("", 401, {"WWW-Authenticate": "Basic realm=fake"})
        repository = self.find(call, full_name)
        before = repository.refs("heads")
        environment = {
            "GIT_PROJECT_ROOT": str(repository.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "REQUEST_METHOD": call.method,
            "QUERY_STRING": "&".join(f"{quote(name)}={quote(value)}" for name, value in call.query.items()),
            "CONTENT_TYPE": call.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(call.body)),
            "REMOTE_USER": "fake" if wants_write else "",
            "GIT_PROTOCOL": call.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=GIT_ENVIRONMENT | environment, input=call.body, capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        code = int(headers.pop("Status", "200").split()[0])
        after = repository.refs("heads")
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                self.pushed(repository, f"refs/heads/{name}", before.get(name, EMPTY), after.get(name, EMPTY))
        return Reply(body, code, headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing for a client that leaves, such as before the end of a huge answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def page_of(call: Call, items: list[Any], largest: int, size_name: str = "limit") -> tuple[list[Any], int, int]:
    """Return a page of items as a request asks for it, its number from 1, and the number of pages."""
    size = max(1, min(int(call.query.get(size_name, largest)), largest))
    number = max(1, int(call.query.get("page", 1)))
    return items[(number - 1) * size : number * size], number, max(1, -(-len(items) // size))


def link_header(host: str, call: Call, number: int, pages: int) -> dict[str, str]:
    """Return the ``Link`` header that leads from a page to the next and the last one."""

    def place(page: int) -> str:
        query = {**call.query, "page": str(page)}
        return f"<{host}{call.path}?{'&'.join(f'{name}={quote(value)}' for name, value in query.items())}>"

    links = [f'{place(number + 1)}; rel="next"', f'{place(pages)}; rel="last"'] if number < pages else []
    links += [f'{place(1)}; rel="first"', f'{place(number - 1)}; rel="prev"'] if number > 1 else []
    return {"Link": ",".join(links)} if links else {}


def post(delivery: Delivery) -> int:
    """Send a delivery, and return the status of the answer; 0 if nobody answers."""
    request = Request(delivery.url, delivery.body, dict(delivery.headers), method="POST")  # noqa: S310 - http
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - http
            code: int = answer.status
            return code
    except HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\*?\})", template)
    return re.compile("".join(_part(part) for part in parts))


def _part(text: str) -> str:
    name = text.strip("{}*")
    if not text.startswith("{"):
        return re.escape(text)
    return rf"(?P<{name}>.+)" if text.endswith("*}") else rf"(?P<{name}>[^/]+)"


def _handler(host: FakeHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body: otherwise each answer waits for the client's acknowledgement.
        wbufsize = -1

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            # Which connection a request came by.
            headers["x-client"] = f"{self.client_address[1]}"
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            reply = host.answer(Call(self.command, parts.path, query, headers, self._body(headers)))
            body, kind = reply.encoded()
            self.send_response(reply.status)
            for name, value in {"Content-Type": kind, **reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if reply.half else body)
            self.close_connection = self.close_connection or reply.half

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the server's names

        def _body(self, headers: Mapping[str, str]) -> bytes:
            data = self.rfile.read(int(headers.get("content-length", 0)))
            if headers.get("transfer-encoding", "").lower() == "chunked":
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            return zlib.decompress(data, 31) if headers.get("content-encoding") == "gzip" else data

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler
