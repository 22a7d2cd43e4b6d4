"""The address of this service: that of the settings, or that of a request whose ``Host`` is trusted.

Clients choose the header ``Host``. Without these rules it would decide where links, redirects and webhooks lead.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .http import PROBES, problem

EVERY_HOST: Final = "*"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
# They print no address. Probes and Prometheus name a machine, not the service.
_ANY_HOST: Final = PROBES | {"/metrics"}
_LONGEST_SHOWN: Final = 100


def trusted_hosts(listens_on: str, allowed: Collection[str]) -> frozenset[str]:
    """Return the hosts of requests that are trusted while the settings have no address of the service."""
    own = {listens_on} - _ALL_ADDRESSES
    return frozenset(name.lower() for name in (*_LOOPBACK, *own, *allowed))


class TrustedHosts:
    """Middleware that refuses requests for other hosts than those that are listed."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ANY_HOST or EVERY_HOST in self._hosts:
            await self._app(scope, receive, send)
            return
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        # Without the header, addresses are built from that of the server itself.
        if len(sent) > 1 or any(_name_of(host) not in self._hosts for host in sent):
            await problem(
                400,
                f"This service is not addressed as {sent[0][:_LONGEST_SHOWN]!r}. "
                "Its operator sets url, or allowed_hosts, under [host] in plugins.toml.",
            )(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


class PublicAddress:
    """Middleware that replaces scheme and host of a request by those of the service's address.

    Redirects that the framework makes itself lead there, too.
    """

    def __init__(self, app: ASGIApp, url: str) -> None:
        parts = urlsplit(url)
        self._app = app
        self._scheme = parts.scheme
        self._host = parts.netloc.encode()
        self._path = parts.path.encode()
        self._origin = f"{parts.scheme}://{parts.netloc}/".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Not a copy: the request log reads the route from the same scope afterwards.
        scope["scheme"] = self._scheme
        scope["headers"] = [(b"host", self._host), *(each for each in scope["headers"] if each[0] != b"host")]

        async def send_below_path(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._below_path(name, value)) for name, value in message["headers"]]
            await send(message)

        await self._app(scope, receive, send_below_path if self._path else send)

    def _below_path(self, name: bytes, value: bytes) -> bytes:
        here = self._origin + self._path.lstrip(b"/") + b"/"
        if name.lower() != b"location" or not value.startswith(self._origin) or value.startswith(here):
            return value
        return here + value.removeprefix(self._origin)
