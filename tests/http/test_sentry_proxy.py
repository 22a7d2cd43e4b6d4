"""The nginx configuration of docs/sentry.md, in front of a service and of a stub of Sentry's session endpoint."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx2
import pytest

from api import PLUGINS_TOML, SHA, ApiClient, open_api
from pages import ROOT
from serving import free_port, serve

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# What Sentry's own page sends for a frame of Python.
QUERY = (
    "?file=cart.py&platform=python&lineNo=3&groupId=42&sdkName=sentry.python"
    f"&absPath=%2Fsrv%2Fapp%2Fcart.py&module=shop.cart&commitId={SHA}"
)

# Behind a proxy the address of the service has to be set.
ADDRESSED = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "https://scmhost.example.com"\n')

pytestmark = pytest.mark.skipif(NGINX is None and not os.environ.get("CI"), reason="nginx is not installed")


class Sentry(BaseHTTPRequestHandler):
    """Answers as Sentry does to a user who is signed in, and to one who is not."""

    PROJECTS: ClassVar = {"/api/0/projects/acme/web/": 200, "/api/0/projects/acme/renamed/": 302}

    def do_GET(self) -> None:
        signed_in = "sentrysid=good" in self.headers.get("Cookie", "")
        self.send_response(self.PROJECTS.get(self.path, 404) if signed_in else 401)
        self.send_header("Content-Length", "0")
        self.send_header("Location", "/api/0/projects/acme/web/")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@contextmanager
def sentry() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sentry)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def block(name: str) -> str:
    """Return the code block of the page with this name."""
    page = (ROOT / "docs" / "sentry.md").read_text(encoding="utf-8")
    found = re.search(rf"^```nginx {re.escape(name)}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@contextmanager
def nginx(folder: Path, service: str, sentry_port: int, token: str) -> Iterator[str]:
    """Run nginx with the page's configuration. Yield its address."""
    upstreams = block("upstreams.conf").replace("127.0.0.1:8000", service.removeprefix("http://"))
    upstreams = upstreams.replace("127.0.0.1:9000", f"127.0.0.1:{sentry_port}").replace("TOKEN", token)
    port = free_port()
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths} map_hash_bucket_size 256;\n{upstreams}\n"
        f"server {{ listen 127.0.0.1:{port};\n{block('nginx.conf')}\n}} }}\n"
    )
    assert NGINX
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(config)], stderr=subprocess.PIPE) as process:
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiClient, httpx2.Client]]:
    tmp_path = tmp_path_factory.mktemp("proxy")
    (tmp_path / "nginx").mkdir()
    # The service in a process of its own has the same database.
    (tmp_path / "served.db").symlink_to("test.db")
    with (
        open_api(tmp_path, ADDRESSED, background=False) as api,
        serve(tmp_path) as served,
        sentry() as port,
        nginx(tmp_path / "nginx", served.url, port, api.token("project:read")) as url,
    ):
        served.keep_reading()
        api.mapping(*api.claimed())
        transport = httpx2.HTTPTransport(retries=8)
        with httpx2.Client(base_url=url, transport=transport, trust_env=False, timeout=30) as client:
            yield api, client


def test_user_of_sentry_gets_the_exact_commit(proxied: tuple[ApiClient, httpx2.Client]) -> None:
    """The cookie of Sentry is checked by Sentry, and the answer has no anchor, because Sentry's page adds it."""
    api, client = proxied
    answer = client.get(f"/api/0/projects/acme/web/stacktrace-link/{QUERY}", headers={"Cookie": "sentrysid=good"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sourceUrl"] == f"https://git.example.com/team/app/blob/{SHA}/src/cart.py"
    own = api.get(f"/api/0/projects/acme/web/stacktrace-link/{QUERY}").json()
    assert own["sourceUrl"] == f"https://git.example.com/team/app/blob/{SHA}/src/cart.py#L3"


@pytest.mark.parametrize("cookie", ["", "sentrysid=bad"])
def test_others_are_refused(proxied: tuple[ApiClient, httpx2.Client], cookie: str) -> None:
    """A user who is not signed in to Sentry gets nothing."""
    _, client = proxied
    answer = client.get(f"/api/0/projects/acme/web/stacktrace-link/{QUERY}", headers={"Cookie": cookie})
    assert answer.status_code == 401
    assert "git.example.com" not in answer.text


@pytest.mark.parametrize("project", ["other", "renamed", "web%3F", "web%23", "%2e%2e", "web%0d%0aX: y", "web%2f"])
def test_project_that_sentry_does_not_show(proxied: tuple[ApiClient, httpx2.Client], project: str) -> None:
    """A project that the user may not see in Sentry, or that was renamed there, is refused, and is no server error."""
    _, client = proxied
    path = f"/api/0/projects/acme/{project}/stacktrace-link/"
    answer = client.get(f"{path}{QUERY}", headers={"Cookie": "sentrysid=good"})
    assert answer.status_code in (400, 403, 404)
    assert "git.example.com" not in answer.text
