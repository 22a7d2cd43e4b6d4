"""An asynchronous client for the REST API of a code host, for I/O hooks.

It needs ``httpx2``, which the plugin's distribution lists among its dependencies: scmhost itself runs without.
"""

import asyncio
import copy
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import time
from typing import Any, Final, TypeVar
from urllib.parse import quote, urljoin, urlsplit
from weakref import WeakKeyDictionary

try:
    import httpx2
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'scmhost.sdk.ApiClient needs httpx2; add "httpx2>=2.0" to the dependencies of the plugin', name=missing.name
    ) from missing

from .errors import ApiNotFound, ApiTooLarge, FileTooLarge, ProviderError, ProviderUnavailable, UrlError
from .execution import remaining_seconds
from .hook_specs import MAX_FILE_BYTES
from .http_answers import ApiAnswer, BodyPages, Refused, sent_secrets
from .http_transport import CLOSED, FAULTS, CheckedTransport, Resolver, resolve
from .urls.safety import check_web_url

T = TypeVar("T")

MOST_BYTES: Final = 10_000_000
"""How long an answer may be by default."""

LONGEST_WAIT: Final = 30.0
"""The timeout in seconds outside of a hook."""

MOST_REDIRECTS: Final = 3
"""How many redirects are followed, to the same scheme, host and port only."""

# The host cancels a hook at its deadline and counts a fault of the plugin; an error before it is one of the code host.
_MARGIN: Final = 0.1
_MOST_MARGIN: Final = 0.25

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_KEPT_METHOD: Final = frozenset({307, 308})
_MOST_EMPTY_PAGES: Final = 20
_MOST_REMEMBERED: Final = 256
_MOST_REMEMBERED_BYTES: Final = 200_000
_MOST_ERROR_BYTES: Final = 10_000


OpenClient = tuple[httpx2.AsyncClient, AsyncGenerator[None, None]]
"""A client, and the generator that closes its connections."""

Exchange = Coroutine[Any, Any, tuple[int, dict[str, str], bytes]]
"""A request that is under way: status, headers and body of its answer."""


class ApiClient:
    """Sends requests to one instance of a code host.

    One client for the life of the process: it keeps connections open on the plugin's event loop. All requests of a hook
    together stay within the hook's budget. Only addresses that the operator allows are connected to. ``base_url`` is
    the address of the API, such as ``https://codeberg.org/api/v1``. ``pages`` is how the host sends lists, if a list is
    not the whole body of an answer.

    Every fault is one of the contract's errors: 401 ``ProviderUnauthorized``, 403 ``ProviderForbidden``, a rate limit
    ``RateLimited`` with its pause, 404 ``ApiNotFound``, other refusals ``ApiError`` with ``status``; 5xx, no answer,
    half an answer, a web page or wrong types ``ProviderUnavailable``. Their texts contain no secret.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
        pages: BodyPages | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        self.base_url: Final = check_web_url(base_url)
        if "?" in self.base_url:
            raise UrlError("the address of the API has a query; leave out the ? and what follows")
        self.host: Final = urlsplit(self.base_url).netloc
        self._most_bytes = most_bytes
        self._pages = pages
        self._path: tuple[str, ...] = ()
        self._conditional = False
        self._resolver = resolver
        self._headers: dict[str, str] = {"user-agent": "scmhost", "accept": "application/json", **_lower(headers)}
        # A pool belongs to the event loop that made its connections; the host may replace a loop that was blocked.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, OpenClient] = WeakKeyDictionary()
        self._remembered: OrderedDict[tuple[str, ...], ApiAnswer] = OrderedDict()

    def with_headers(self, headers: Mapping[str, str]) -> "ApiClient":
        """Return a client that sends these headers too, such as credentials, over the same connections."""
        other = copy.copy(self)
        other._headers = {**self._headers, **_lower(headers)}  # noqa: SLF001 - a copy of this object
        return other

    def below(self, *path: str, pages: BodyPages | None = None, conditional: bool | None = None) -> "ApiClient":
        """Return a client of a part of the API, such as one repository, over the same connections.

        Args:
            path: the segments with which the paths of all its requests begin.
            pages: how the host sends lists there; by default as in the rest of the API.
            conditional: whether its requests are conditional unless they say otherwise, see ``request``. The pages of
                ``items`` never are: the same page may be followed by one more.
        """
        other = copy.copy(self)
        other._path = self._path + path  # noqa: SLF001 - a copy of this object
        other._pages = pages or self._pages  # noqa: SLF001
        other._conditional = self._conditional if conditional is None else conditional  # noqa: SLF001
        return other

    async def get(self, kind: type[T], *path: str, params: Mapping[str, Any] | None = None) -> T:
        """Return what is at a path, as a value of a type; see ``ApiAnswer.read`` and ``request``."""
        return (await self.request("GET", *path, params=params)).read(kind)

    async def find(self, kind: type[T], *path: str, params: Mapping[str, Any] | None = None) -> T | None:
        """Return what is at a path, as ``get`` does; None if the code host has nothing there."""
        try:
            return await self.get(kind, *path, params=params)
        except ApiNotFound:
            return None

    async def file(
        self, *path: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> ApiAnswer | None:
        """Return the content of a file, for ``scm_read_file``; None if the code host has nothing there.

        Raises:
            FileTooLarge: it has more than ``MAX_FILE_BYTES``.
        """
        accepted = {"accept": "*/*", **(headers or {})}
        try:
            return await self.request("GET", *path, params=params, headers=accepted, most_bytes=MAX_FILE_BYTES)
        except ApiNotFound:
            return None
        except ApiTooLarge as error:
            raise FileTooLarge(str(error)) from None

    async def delete(self, *path: str) -> None:
        """Delete what is at a path. Nothing there is no error."""
        with suppress(ApiNotFound):
            await self.request("DELETE", *path)

    async def items(
        self, kind: type[T], *path: str, params: Mapping[str, Any] | None = None, most: int = 10_000
    ) -> AsyncIterator[T]:
        """Yield the items of a list page by page, at most a number of them. ``kind`` is the type of one item.

        The next page is that of ``ApiAnswer.next_params``. Many empty pages in a row are the end of a list: a host that
        always names one more page would never end.
        """
        query: Mapping[str, Any] | None = params or {}
        empty = 0
        while query is not None and most > 0 and empty < _MOST_EMPTY_PAGES:
            answer = await self.request("GET", *path, params=query, conditional=False)
            items = answer.items(kind)[:most]
            empty = 0 if items else empty + 1
            for item in items:
                most -= 1
                yield item
            following = answer.next_params
            # A host that names the same page again would never end.
            query = following if following != answer.params else None

    async def request(  # noqa: PLR0913 - the options of a request
        self,
        method: str,
        *path: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        conditional: bool | None = None,
        most_bytes: int | None = None,
    ) -> ApiAnswer:
        """Send a request and return a successful answer.

        Args:
            method: such as ``GET``.
            path: the segments below ``base_url``; each is escaped, so that ``group/app`` becomes ``group%2Fapp``.
            params: the query; None leaves a parameter out. Never put secrets here: servers log it.
            json: the body as JSON.
            form: the body as an HTML form.
            headers: further headers.
            conditional: whether an answer with an ``ETag`` is kept, and asked for again only if it has changed;
                by default as the client does it, which is no unless ``below`` said so.
            most_bytes: how long the answer may be, by default as long as the client allows; else ``ApiTooLarge``.

        Raises:
            ProviderError: as described for the class.
        """
        query = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        sent = {**self._headers, **_lower(headers)}
        url = self._url(self._path + path)
        conditional = self._conditional and method in _SAFE_METHODS if conditional is None else conditional
        # Any header may have the credentials: authorization, private-token ...
        key = (method, url, *map("=".join, sorted([*query.items(), *sent.items()])))
        known = self._remembered.get(key) if conditional else None
        if known:
            sent["if-none-match"] = known.headers["etag"]
        request = (await self._client()).build_request(method, url, params=query, json=json, data=form, headers=sent)
        exchange = self._exchange(request, most_bytes or self._most_bytes)
        answer = await self._answer(exchange, request, query, sent_secrets(sent, [json, form]))
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if known is None:
                raise ProviderUnavailable(f"{self.host} answered that nothing has changed, without being asked")
            return known
        if conditional and "etag" in answer.headers and len(answer.body) <= _MOST_REMEMBERED_BYTES:
            self._remember(key, answer)
        return answer

    async def aclose(self) -> None:
        """Close the connections now, and not only when the event loop ends."""
        opened = self._clients.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened[1].aclose()

    def _url(self, path: tuple[str, ...]) -> str:
        for segment in path:
            # Clients and servers resolve such segments, so that another place would be asked.
            if segment in ("", ".", ".."):
                raise ProviderError(f"{segment!r} is no part of a path that {self.host} could have")
        try:
            return "/".join((self.base_url, *(quote(segment, safe="") for segment in path)))
        except UnicodeEncodeError:
            raise ProviderError(f"{self.host} has no path with half a character (a lone surrogate)") from None

    async def _client(self) -> httpx2.AsyncClient:
        """Return the client of this event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # Without cookies: those of one installation must not be sent for another.
            cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
            transport = CheckedTransport(self._resolver)
            client = httpx2.AsyncClient(transport=transport, cookies=cookies, timeout=None, trust_env=False)
            self._clients[loop] = client, _closing(client)
            # An event loop ends its asynchronous generators when it ends, and with this one the connections.
            await anext(self._clients[loop][1])
        return self._clients[loop][0]

    async def _answer(
        self, exchange: Exchange, request: httpx2.Request, query: dict[str, str], secrets: tuple[str, ...]
    ) -> ApiAnswer:
        place = f"{request.method} {request.url.path}"
        left = min(remaining_seconds(), LONGEST_WAIT)
        try:
            async with asyncio.timeout(left - min(left * _MARGIN, _MOST_MARGIN)):
                status, headers, body = await exchange
        except TimeoutError:
            raise ProviderUnavailable(f"{self.host} did not answer {place} in time") from None
        except FAULTS as error:
            raise ProviderUnavailable(f"{self.host} {_fault(error, place)}") from None
        if status >= HTTPStatus.BAD_REQUEST:
            raise Refused(self.host, place, status, headers, body, secrets).error(time())
        return ApiAnswer(self.host, place, status, headers, body, query, self._pages)

    async def _exchange(self, request: httpx2.Request, most: int) -> tuple[int, dict[str, str], bytes]:
        """Send a request, follow redirects to the same place, and read the body."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._send(request)
            try:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                if answer.status_code not in _REDIRECTS:
                    return answer.status_code, headers, await self._body(answer, most)
                request = self._redirected(request, answer.status_code, headers.get("location", ""))
            finally:
                await answer.aclose()
        raise ProviderUnavailable(f"{self.host} redirects in a circle")

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. One that changes nothing is sent again if the connection was closed before the answer."""
        try:
            return await (await self._client()).send(request, stream=True)
        except CLOSED:
            # The host may close a connection that was kept open, just while it is used again.
            if request.method not in _SAFE_METHODS:
                raise
            return await (await self._client()).send(request, stream=True)

    def _redirected(self, request: httpx2.Request, status: int, location: str) -> httpx2.Request:
        """Return the request to send next. Credentials must not reach another host."""
        try:
            target = httpx2.URL(urljoin(str(request.url), location))
        except (ValueError, httpx2.InvalidURL):
            raise ProviderUnavailable(f"{self.host} redirects to an address that cannot be read") from None
        if (target.scheme, target.host, target.port) != (request.url.scheme, request.url.host, request.url.port):
            kind = ProviderError if status in (301, 308) else ProviderUnavailable
            there = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
            raise kind(f"{self.host} redirects to {there[:200]}, which is not followed; is {self.base_url} right?")
        if request.method not in _SAFE_METHODS and status not in _KEPT_METHOD:
            raise ProviderUnavailable(f"{self.host} redirects {request.method} {request.url.path}")
        return httpx2.Request(request.method, target, headers=_same(request), content=request.read())

    async def _body(self, answer: httpx2.Response, most: int) -> bytes:
        is_error = answer.status_code >= HTTPStatus.BAD_REQUEST
        most = _MOST_ERROR_BYTES if is_error else most
        if answer.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip", "deflate"):
            raise ProviderUnavailable(f"{self.host} sent an answer in an encoding that was not asked for")
        parts = bytearray()
        async for part in answer.aiter_bytes():
            parts += part
            if len(parts) > most:
                if is_error:
                    break
                raise ApiTooLarge(f"{self.host} sent an answer of more than {most:,} bytes")
        return bytes(parts)

    def _remember(self, key: tuple[str, ...], answer: ApiAnswer) -> None:
        self._remembered[key] = answer
        self._remembered.move_to_end(key)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)


def _fault(error: Exception, place: str) -> str:
    # The text of the error is left out: it may have the address, or parts of what was sent.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "has a certificate that is not trusted, or is of another name; SSL_CERT_FILE may name one of your own"
    return f"cannot be reached, or its answer to {place} broke off ({type(error).__name__})"


async def _closing(client: httpx2.AsyncClient) -> AsyncGenerator[None, None]:
    """Close a client when the generator is closed."""
    try:
        yield
    finally:
        await client.aclose()


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _same(request: httpx2.Request) -> dict[str, str]:
    own = {"host", "content-length", "transfer-encoding"}
    return {name: value for name, value in request.headers.items() if name.lower() not in own}


def _text(value: object) -> str:
    """Return a value of the query as text; JSON's form of true and false is the usual one."""
    return str(value).lower() if isinstance(value, bool) else str(value)
