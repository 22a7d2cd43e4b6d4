"""``/mcp``: the tools of the service over streamable HTTP, for callers with a token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scmhost.infra.errors import TooManyRequests, Unauthenticated
from scmhost.infra.http import problem
from scmhost.organizations.access import authenticate
from scmhost.services import Services

from .service_tools import TIMEOUT_SECONDS, ServiceTools

PATH = "/mcp"


class McpEndpoint:
    """The route ``/mcp`` of an application. Its tools send their requests to the same application, in this process."""

    def __init__(self, services: Services, application: ASGIApp) -> None:
        self._services = services
        # An unexpected error is an answer with a request id, as for every client.
        transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
        # A host that is always trusted.
        self._client = httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=TIMEOUT_SECONDS)
        self._server = ServiceTools(self._client).server()
        # Requests are independent of each other, so that any worker can answer them. The protection against DNS
        # rebinding is for servers without authentication; here the page of another site has no token.
        self._inner: Starlette = self._server.streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            json_response=True,
            max_request_body_size=services.limits.body_bytes,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )

    @property
    def route(self) -> Route:
        """The route. Without sessions there is no stream to get and nothing to delete."""
        return Route(PATH, endpoint=self, methods=["POST"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests until the context ends."""
        async with self._client, self._server.session_manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the protocol; without a valid token the answer is 401."""
        try:
            await run_in_threadpool(self._authenticate, Headers(scope=scope))
        except Unauthenticated as error:
            await problem(401, str(error), {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        except TooManyRequests as error:
            await problem(429, str(error), {"Retry-After": str(error.retry_after)})(scope, receive, send)
            return
        await self._inner(scope, receive, send)

    def _authenticate(self, headers: Headers) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Authentication credentials were not provided.")
        authenticate(self._services, token.strip())
