"""Requests a second of one worker, against a bare FastAPI route in a thread of the pool, in the same run.

The bare side is a process of its own: the same server and settings, and a plain function that answers a small object.
Both sides answer the same number of clients, in rounds that take turns. What counts is the processor time of the
server for one request, because other work of the machine does not change it.
"""

import json
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from ingest import new_postgresql
from service import Service, free_port, processor_seconds, service, wait_for

CLIENTS: Final = 16
REQUESTS: Final = 600
ROUNDS: Final = 5
FRAMES: Final = 40
ON_POSTGRESQL: Final = ", postgresql to sqlite"

BARE: Final = """\
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/bare")
def bare() -> dict[str, str]:
    return {"detail": "An answer of some length, such as the address of a page that a browser opens next."}

uvicorn.run(app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="error")
"""


CONFIGURATION: Final = """\
schema = 1
[plugins.custom_scm]
enabled = true
default = true
[limits]
redirects_per_minute = 10000000
requests_per_minute = 10000000
organization_requests_per_minute = 10000000
"""


class Request(NamedTuple):
    """A request as it is sent, and the status that it must have."""

    raw: bytes
    status: int


class Side(NamedTuple):
    """A server process and its port."""

    pid: int
    port: int


def main() -> None:
    """Print each ratio."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.3f}")


def ratios() -> dict[str, float]:
    """Return the speed of each request relative to the bare route, and that on PostgreSQL relative to SQLite."""
    with TemporaryDirectory() as name, _bare(Path(name)) as bare:
        folder = Path(name)
        (folder / "plugins.toml").write_text(CONFIGURATION, encoding="utf-8")
        with service(folder, f"sqlite:///{folder}/served.db") as served:
            found = against(bare, served, fill(served))
        with new_postgresql(1) as (url,), service(folder, url) as served:
            other = against(bare, served, fill(served))
    rows = {f"served/{what}": ratio for what, ratio in found.items()}
    return rows | {f"served/{what}{ON_POSTGRESQL}": ratio / found[what] for what, ratio in other.items()}


def fill(served: Service) -> dict[str, Request]:
    """Create what the requests need; return them by name."""
    installation = json.loads(served.call("POST", "integrations/", _json(_INSTALL)))
    repository = json.loads(served.call("POST", "repos/", _json({"name": "team/app", "url": f"{_HOST}team/app"})))
    claim = {"provider": "integrations:custom_scm", "installation": installation["id"], "identifier": repository["id"]}
    served.call("POST", "repos/", _json(claim))
    for number in range(99):
        served.call("POST", "repos/", _json({"name": f"team/lib-{number}", "url": f"{_HOST}team/lib-{number}"}))
    project = json.loads(served.call("GET", "projects/"))[0]["id"]
    mapping = {
        "repositoryId": repository["id"],
        "integrationId": installation["id"],
        "projectId": project,
        "stackRoot": "/srv/app/",
        "sourceRoot": "src/",
        "defaultBranch": "main",
    }
    served.call("POST", "code-mappings/", _json(mapping))
    key = served.command("redirects", "add", "--org", "acme", "bench")["key"]
    frames = [{"filename": f"/srv/app/shop/module_{n}.py", "lineno": n + 1, "function": "f"} for n in range(FRAMES)]
    project_path = "/api/0/projects/acme/web/"
    return {
        "one link": _get(f"{project_path}stacktrace-link/?file=/srv/app/shop/cart.py&lineNo=12", served.token),
        "a redirect": _get(f"/r/{key}?file=/srv/app/shop/cart.py&line=12&project=web", status=302),
        "a trace of 40 frames": _post(f"{project_path}trace-links/", {"frames": frames}, served.token),
        "repositories": _get("/api/0/organizations/acme/repos/", served.token),
        "unauthorized": _get("/api/0/organizations/acme/repos/", served.token[:-4] + "AAAA", status=401),
    }


_HOST: Final = "https://git.example.com/"
_INSTALL: Final = {"provider": "custom_scm", "name": "team", "url": _HOST}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _get(path: str, token: str | None = None, *, status: int = 200) -> Request:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return Request(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n".encode(), status)


def _post(path: str, value: object, token: str) -> Request:
    body = _json(value)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Request(head.encode() + body, 200)


def against(bare: Side, served: Service, requests: dict[str, Request]) -> dict[str, float]:
    """Return the speed of each request relative to the bare route, of which the rounds take turns."""
    ours = Side(served.process.pid, served.connection.port)
    costs: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(ROUNDS):
        least = _cost(bare, _get("/bare"))
        for name, request in requests.items():
            costs[name].append(least / _cost(ours, request))
    return {name: median(found) for name, found in costs.items()}


def _cost(side: Side, request: Request) -> float:
    """Return the processor seconds of a server for one request."""
    before = processor_seconds(side.pid)
    send(side, request, REQUESTS)
    return (processor_seconds(side.pid) - before) / REQUESTS


def send(side: Side, request: Request, count: int, *, clients: int = CLIENTS) -> None:
    """Send a request ``count`` times over as many connections as there are clients."""
    with selectors.DefaultSelector() as selector:
        sockets = [socket.create_connection(("127.0.0.1", side.port)) for _ in range(clients)]
        try:
            for each in sockets:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(each, selectors.EVENT_READ, bytearray())
                each.sendall(request.raw)
            _answer_all(selector, request, count)
        finally:
            for each in sockets:
                each.close()


def _answer_all(selector: selectors.BaseSelector, request: Request, count: int) -> None:
    sent, answered = len(selector.get_map()), 0
    while answered < count:
        for key, _ in selector.select():
            client, received = key.fileobj, key.data
            assert isinstance(client, socket.socket)
            received += client.recv(1 << 18)
            if not _is_whole(received, request.status):
                continue
            received.clear()
            answered += 1
            if sent < count:
                sent += 1
                client.sendall(request.raw)


def _is_whole(received: bytearray, status: int) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    assert received.startswith(b"HTTP/1.1 %d" % status), bytes(received[:400])
    length = received.lower().find(b"content-length: ")
    size = int(received[length + 16 : received.find(b"\r", length)])
    return len(received) >= end + 4 + size


@contextmanager
def _bare(folder: Path) -> Iterator[Side]:
    port = free_port()
    program = BARE.replace("PORT", str(port))
    process = subprocess.Popen([sys.executable, "-c", program], cwd=folder)
    try:
        wait_for(port)
        yield Side(process.pid, port)
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    main()
