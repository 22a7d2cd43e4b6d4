"""Connections of ``ApiClient``: pooled, and made to addresses that the operator allows only.

A name is resolved once, its addresses are checked, and the connection is made to one of them: between check and
connection the name cannot get another address (DNS rebinding). The certificate is still checked against the name.
"""

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from functools import cache
from ssl import SSLContext
from typing import Any, Final

import httpcore2
import httpx2

from .errors import ProviderError
from .execution import OUTBOUND

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host."""

MOST_CONNECTIONS: Final = 20
"""How many connections one ``ApiClient`` has at a time."""

_IDLE_SECONDS: Final = 30.0

FAULTS: Final = (
    httpx2.RequestError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
)
"""What a request may raise when the code host does not answer, or answers with something that is not HTTP."""


CLOSED: Final = (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError)
"""What a request may raise when its connection was closed."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order of the system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to hosts whose addresses the operator's policy allows."""

    def __init__(self, resolver: Resolver = resolve) -> None:
        self._resolve = resolver
        self._network: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is that of the base class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            ProviderError: the operator does not allow connections to this host.
        """
        policy = OUTBOUND.get()
        if not policy.deny_private:
            return await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        # The address is left out: it would show names of the private network to everyone who may add an installation.
        if not policy.allows(host, addresses):
            raise ProviderError(
                f"{host} is not at a public address, and the operator of scmhost forbids others; "
                "the operator can add it to allow under [host.outbound] in plugins.toml"
            )
        return await self._connect_first(addresses, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await asyncio.sleep(seconds)

    async def _connect_first(self, addresses: list[str], port: int, *options: Any) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("the host has no address")
        # A host with an IPv6 address may be reachable by IPv4 only.
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, *options)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
        raise failure


class _Body(httpx2.AsyncByteStream):
    """The body of an answer while it arrives."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class CheckedTransport(httpx2.AsyncBaseTransport):
    """A pool of connections of one event loop. Proxies of the environment are not used: they would hide addresses."""

    def __init__(self, resolver: Resolver = resolve) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=CheckedNetwork(resolver),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the body of the answer is read by the caller."""
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, AsyncIterable)  # noqa: S101 - an asynchronous pool has no other answers
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


# Reading the certificates of the system takes tens of milliseconds; SSL_CERT_FILE adds an operator's own.
@cache
def _ssl_context() -> SSLContext:
    return httpx2.create_ssl_context()
