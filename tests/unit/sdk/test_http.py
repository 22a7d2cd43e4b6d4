"""``ApiClient``: what it sends, and what becomes of every kind of answer."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiClient,
    ApiError,
    ApiNotFound,
    ApiTooLarge,
    BodyPages,
    FileTooLarge,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    UrlError,
)
from scmhost.sdk.execution import DEADLINE
from scmhost.sdk.http import MOST_REDIRECTS

T = TypeVar("T")


class Item(BaseModel):
    """An item of a list."""

    id: int
    name: str = ""


@dataclass
class Raw:
    """A server that sends prepared bytes, one answer for each request, the last one again and again."""

    answers: list[bytes]
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(asyncio.ensure_future(self._answer_all(reader, writer)))

    async def close(self) -> None:
        """End all connections, so that none is left when the loop ends."""
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)
        self.open.clear()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer_each(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer_each(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(
                (int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length")), 0
            )
            self.requests.append(head + (await reader.readexactly(length)).decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == b"hang":
                await asyncio.sleep(60)
            writer.write(answer)
            await writer.drain()
            if b"content-length" not in answer or b"!close" in answer:
                break


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""


def answer(body: object = "", status: int = 200, **headers: str) -> bytes:
    """Return an answer in bytes. The body is JSON unless it is text or bytes."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(data))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data


def talk(server: Raw, work: Callable[[ApiClient], Awaitable[T]], **options: Any) -> T:
    """Run a client against a server."""

    async def whole() -> T:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client = ApiClient(f"http://127.0.0.1:{port}/api/v1/", **options)
        try:
            return await work(client)
        finally:
            await client.aclose()
            listener.close()
            await server.close()

    return asyncio.run(whole())


def refusal(*answers: bytes, **options: Any) -> ProviderError:
    """Return the error that a GET of ``/things`` raises."""
    with pytest.raises(ProviderError) as caught:
        talk(Raw(list(answers)), lambda client: client.get(dict[str, Any], "things"), **options)
    return caught.value


def test_a_request_carries_path_query_headers_and_body() -> None:
    """Every segment of a path is escaped; what is None in the query is left out."""
    server = Raw([answer({"id": 1})])
    headers = {"Authorization": "token secret-of-acme"}

    async def work(client: ApiClient) -> Item:
        api = client.with_headers(headers)
        await api.request("POST", "a b", "group/app", "%2e#?", params={"q": "x&y", "no": None, "all": True}, json=[1])
        await client.request("PUT", "form", form={"code": "1"})
        return await client.get(Item, "c")

    assert talk(server, work) == Item(id=1)
    first, second, third = server.requests
    assert first.startswith("POST /api/v1/a%20b/group%2Fapp/%252e%23%3F?q=x%26y&all=true HTTP/1.1\r\n")
    assert "authorization: token secret-of-acme" in first.lower()
    assert first.endswith("\r\n\r\n[1]")
    assert second.endswith("\r\n\r\ncode=1")
    assert "secret-of-acme" not in third
    assert "accept: application/json" in third.lower()
    assert server.connections == 1


@pytest.mark.parametrize("segment", ["", ".", "..", "\ud800"])
def test_a_segment_that_leads_elsewhere_is_refused(segment: str) -> None:
    """Nothing is sent for a path that servers would resolve to another one."""
    server = Raw([answer({})])
    with pytest.raises(ProviderError):
        talk(server, lambda client: client.request("GET", "repos", segment))
    assert server.requests == []


@pytest.mark.parametrize("url", ["ftp://host/api", "https://u:p@host/", "https://host/api?token=1", "host"])
def test_the_address_of_the_api_is_checked(url: str) -> None:
    """A base URL is an http or https URL without user, query and fragment."""
    with pytest.raises(UrlError):
        ApiClient(url)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer({}, 401), ProviderUnauthorized),
        (answer({}, 403), ProviderForbidden),
        (answer({}, 404), ApiNotFound),
        (answer({}, 410), ApiNotFound),
        (answer({}, 409), ApiError),
        (answer({}, 422), ApiError),
        (answer({}, 408), ProviderUnavailable),
        (answer({}, 500), ProviderUnavailable),
        (answer("<html>", 502), ProviderUnavailable),
        (answer({}, 503), ProviderUnavailable),
        (answer({}, 304), ProviderUnavailable),
        (answer("<html>hello", content_type="text/html"), ProviderUnavailable),
        (answer("  <!doctype html>"), ProviderUnavailable),
        (answer(""), ProviderUnavailable),
        (answer("{"), ProviderUnavailable),
        (answer(b'{"a": "\xff"}'), ProviderUnavailable),
        (answer("[" * 100_000), ProviderUnavailable),
        (answer([]), ProviderUnavailable),
        (answer({"a": 1}, content_length="900", x="!close"), ProviderUnavailable),
        (b"nonsense\r\n\r\n", ProviderUnavailable),
        (b"HTTP/1.1 200 OK\r\n", ProviderUnavailable),
        (b"", ProviderUnavailable),
        (answer(b"\x1f\x8bnonsense", content_encoding="gzip"), ProviderUnavailable),
        (answer(b"x", content_encoding="br"), ProviderUnavailable),
    ],
)
def test_every_fault_is_an_error_of_the_contract(given: bytes, kind: type[ProviderError]) -> None:
    """The text names the host, so that a reader knows whom to ask."""
    error = refusal(given)
    assert type(error) is kind
    assert "127.0.0.1" in str(error)


def test_the_errors_of_a_request_are_told_apart() -> None:
    """A web page, half an answer and wrong types have texts of their own."""
    assert "a web page where JSON is expected" in str(refusal(answer("<html>", content_type="text/html")))
    assert "broke off (RemoteProtocolError)" in str(refusal(answer({}, content_length="9", x="!close")))
    with pytest.raises(ProviderUnavailable, match=r"other JSON than expected \(at 1.id: .*integer"):
        talk(Raw([answer([{"id": 1}, {"id": "secret"}])]), lambda client: client.get(list[Item], "things"))


def test_a_host_that_is_not_there_is_unavailable() -> None:
    """A refused connection and an unknown name are no faults of the plugin."""
    for address in ("http://127.0.0.1:1", "http://no-such-host.invalid"):
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            asyncio.run(ApiClient(address).request("GET", "x"))


def test_a_slow_host_is_unavailable_before_the_deadline() -> None:
    """The error comes while the hook has time left, so that the host reports no fault of the plugin."""

    async def work(client: ApiClient) -> float:
        DEADLINE.set(monotonic() + 0.5)
        with pytest.raises(ProviderUnavailable, match="in time"):
            await client.request("GET", "x")
        return DEADLINE.get() - monotonic()

    assert talk(Raw([b"hang"]), work) > 0


@pytest.mark.parametrize(
    ("status", "headers", "least", "most"),
    [
        (429, {"retry_after": "17"}, 17, 17),
        (429, {"retry_after": "Fri, 31 Dec 2100 23:59:59 GMT"}, 86_400, 86_400),
        (429, {"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 1, 1),
        (429, {"retry_after": "-5"}, 1, 1),
        (429, {"retry_after": "nan"}, 60, 60),
        (429, {"retry_after": "soon"}, 60, 60),
        (429, {}, 60, 60),
        (429, {"ratelimit_remaining": "0", "ratelimit_reset": "30"}, 30, 30),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "4102444799"}, 86_400, 86_400),
        (403, {"retry_after": "5"}, 5, 5),
    ],
)
def test_a_rate_limit_has_its_pause(status: int, headers: dict[str, str], least: float, most: float) -> None:
    """Both forms of ``Retry-After`` are understood, and the reset headers of GitHub and GitLab."""
    error = refusal(answer({}, status, **headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


def test_a_secondary_rate_limit_is_read_from_the_message() -> None:
    """GitHub sends 403 without headers for it."""
    assert isinstance(refusal(answer({"message": "You have exceeded a secondary rate limit."}, 403)), RateLimited)
    assert type(refusal(answer({}, 403, x_ratelimit_remaining="7"))) is ProviderForbidden


def test_an_outage_has_its_pause() -> None:
    """``Retry-After`` of a 503 is kept."""
    error = refusal(answer({}, 503, retry_after="120"))
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == 120


def test_errors_have_the_message_of_the_host_without_secrets() -> None:
    """A host that repeats what was sent does not bring a token into logs and answers."""
    server = Raw([answer({"message": "bad secret-of-acme and pass-word-9" + "x" * 999}, 422)])
    with pytest.raises(ApiError) as caught:
        talk(
            server,
            lambda client: client.request("POST", "x", json={"a": [{"b": "pass-word-9"}]}),
            headers={"authorization": "Bearer secret-of-acme"},
        )
    text = str(caught.value)
    assert ": bad *** and ***xxx" in text
    assert len(text) < 300
    assert caught.value.status == 422


def test_a_long_answer_is_not_read_to_its_end() -> None:
    """The limit holds for what a compressed body expands to."""
    packed = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
    error = refusal(answer(packed, content_encoding="gzip"), most_bytes=1_000_000)
    assert type(error) is ApiTooLarge
    assert "more than 1,000,000 bytes" in str(error)
    assert talk(Raw([answer(packed, content_encoding="gzip")]), lambda client: client.get(list[int], "x")) == []


def test_a_redirect_to_the_same_place_is_followed() -> None:
    """A renamed repository is found; the credentials are sent again."""
    server = Raw([answer("", 301, location="/api/v1/new?page=2"), answer({"id": 2})])
    item = talk(server, lambda client: client.get(Item, "old", params={"page": 2}), headers={"x-token": "s"})
    assert item.id == 2
    assert server.requests[1].startswith("GET /api/v1/new?page=2 ")
    assert "x-token: s" in server.requests[1].lower()


@pytest.mark.parametrize(
    ("status", "location", "kind"),
    [
        (302, "https://login.example.com/?next=secret", ProviderUnavailable),
        (301, "https://127.0.0.1/api/v1/things", ProviderError),
        (301, "http://127.0.0.1:1/", ProviderError),
        (307, "//evil.example/", ProviderUnavailable),
        (302, "file:///etc/passwd", ProviderUnavailable),
        (302, "http://[", ProviderUnavailable),
    ],
)
def test_a_redirect_to_another_place_is_refused(status: int, location: str, kind: type[ProviderError]) -> None:
    """Credentials never reach another host, port or scheme."""
    error = refusal(answer("", status, location=location))
    assert type(error) is kind
    assert "redirects to" in str(error)
    assert "secret" not in str(error)


def test_redirects_in_a_circle_end() -> None:
    """A few are followed."""
    server = Raw([answer("", 302, location="/api/v1/things")])
    with pytest.raises(ProviderUnavailable, match="in a circle"):
        talk(server, lambda client: client.request("GET", "things"))
    assert len(server.requests) == MOST_REDIRECTS + 1


def test_a_redirected_post_is_repeated_only_with_its_method() -> None:
    """A 302 would turn a POST into a GET."""
    server = Raw([answer("", 307, location="/api/v1/new"), answer({"id": 3})])
    talk(server, lambda client: client.request("POST", "old", json={"a": 1}))
    assert server.requests[1].startswith("POST /api/v1/new ")
    assert server.requests[1].endswith('{"a":1}')
    with pytest.raises(ProviderUnavailable, match="redirects POST"):
        talk(Raw([answer("", 302, location="/x")]), lambda client: client.request("POST", "old"))


def test_what_is_missing_is_none() -> None:
    """``find`` answers None for 404, and passes other errors."""
    assert talk(Raw([answer({}, 404)]), lambda client: client.find(Item, "x")) is None
    assert talk(Raw([answer({"id": 1})]), lambda client: client.find(Item, "x")) == Item(id=1)
    with pytest.raises(ProviderForbidden):
        talk(Raw([answer({}, 403)]), lambda client: client.find(Item, "x"))


LINK = '<http://elsewhere.example/api?page=2&after=x%3D>; rel="next", <http://h/?page=9>; rel="last"'


@pytest.mark.parametrize("headers", [{"link": LINK}, {"x_next_page": "2"}])
def test_a_list_is_read_page_by_page(headers: dict[str, Any]) -> None:
    """The next page is asked for at the same place, whatever the address in the header."""
    server = Raw([answer([{"id": 1}, {"id": 2}], **headers), answer([{"id": 3}], x_next_page="")])

    async def work(client: ApiClient) -> list[int]:
        return [item.id async for item in client.items(Item, "things", params={"q": "a"})]

    assert talk(server, work) == [1, 2, 3]
    assert server.requests[0].startswith("GET /api/v1/things?q=a ")
    assert server.requests[1].startswith("GET /api/v1/things?q=a&page=2")


@pytest.mark.parametrize(
    ("pages", "first", "query"),
    [
        (
            BodyPages("values", next="nextPageStart", param="start"),
            {"nextPageStart": 25, "isLastPage": False},
            "start=25",
        ),
        (BodyPages("values", next="cursor"), {"cursor": "a b"}, "cursor=a+b"),
        (BodyPages("values", next="next"), {"next": "https://elsewhere.example/2.0/things?page=2"}, "page=2"),
        (BodyPages("values", next="next"), {"next": "/things?page=2"}, "page=2"),
        (BodyPages("values"), {}, "page=2&after=x%3D"),
    ],
)
def test_a_list_in_an_object_is_read_page_by_page(pages: BodyPages, first: dict[str, Any], query: str) -> None:
    """The list is a field of the answer, and another field or a header names the next page."""
    headers: dict[str, Any] = {} if pages.next else {"link": LINK}
    last = {pages.next or "rest": None, "values": [{"id": 3}]}
    server = Raw([answer({"values": [{"id": 1}, {"id": 2}], **first}, **headers), answer(last)])

    async def work(client: ApiClient) -> list[int]:
        return [item.id async for item in client.with_headers({}).items(Item, "things", params={"q": "a"})]

    assert talk(server, work, pages=pages) == [1, 2, 3]
    assert server.requests[1].startswith(f"GET /api/v1/things?q=a&{query} ")


@pytest.mark.parametrize("following", [None, "", False, True, 1.5, ["a"], {"a": 1}])
def test_a_next_page_that_has_no_name_is_the_end(following: object) -> None:
    """Hosts send null, false or nothing on the last page."""
    server = Raw([answer({"values": [{"id": 1}], "next": following})])

    async def work(client: ApiClient) -> list[int]:
        return [item.id async for item in client.items(Item, "things")]

    assert talk(server, work, pages=BodyPages("values", next="next")) == [1]


def test_an_object_without_its_list_is_no_page() -> None:
    """The message names the field, and the item that does not fit."""

    async def work(client: ApiClient) -> list[int]:
        return [item.id async for item in client.items(Item, "things")]

    for body, problem in (({"items": []}, "at values: "), ({"values": [{"id": "x"}]}, "at values.0.id: ")):
        with pytest.raises(ProviderUnavailable, match=problem):
            talk(Raw([answer(body)]), work, pages=BodyPages("values"))


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"context": None, "message": "The name is taken."}]},
        {"errors": ["The name is taken."]},
        {"error": {"code": 9, "message": "The name is taken."}},
        {"message": " ", "error": "The name is taken."},
        {"errors": [{"context": "x"}, {"detail": "The name is taken."}]},
    ],
)
def test_the_message_of_the_host_is_found_in_the_usual_forms(body: dict[str, Any]) -> None:
    """Code hosts nest their messages in different ways."""
    assert str(refusal(answer(body, 409))).endswith(" with 409: The name is taken.")


@pytest.mark.parametrize(
    "body", [[], {"errors": {"name": ["taken"]}}, {"errors": [3, None]}, {"error": {"error": {}}}, 3]
)
def test_an_error_without_a_message_has_its_status(body: object) -> None:
    """A body of another form is no message."""
    assert str(refusal(answer(body, 409))).endswith(" with 409")


def test_reading_pages_ends() -> None:
    """At the limit, and when a host names the same page again and again."""
    first = answer([{"id": 1}, {"id": 2}], x_next_page="2")

    async def work(client: ApiClient, most: int) -> int:
        return len([item async for item in client.items(Item, "things", most=most)])

    assert talk(Raw([first]), lambda client: work(client, 3)) == 3
    assert talk(Raw([first]), lambda client: work(client, 99)) == 4


@pytest.mark.parametrize("header", ["authorization", "private-token"])
def test_an_answer_is_asked_for_again_only_if_it_changed(header: str) -> None:
    """Conditional requests use the ETag; those of other credentials do not."""
    server = Raw([answer({"id": 1}, etag='"e"'), answer("", 304), answer({"id": 2}, etag='"f"')])

    async def work(client: ApiClient) -> list[int]:
        mine, other = (client.with_headers({header: name}) for name in ("mine", "other"))
        answers = [await api.request("GET", "x", conditional=True) for api in (mine, mine, other)]
        return [item.read(Item).id for item in answers]

    assert talk(server, work) == [1, 1, 2]
    assert ['if-none-match: "e"' in request.lower() for request in server.requests] == [False, True, False]


def test_cookies_are_not_kept() -> None:
    """A session of one installation is not used for the next one."""
    server = Raw([answer({"id": 1}, set_cookie="session=of-acme; Path=/")])

    async def work(client: ApiClient) -> None:
        await client.get(Item, "x")
        await client.get(Item, "x")

    talk(server, work)
    assert "cookie" not in server.requests[1].lower()


def test_a_client_works_on_a_second_event_loop() -> None:
    """The host replaces a loop that was blocked. Its connections are closed with it, and not used again."""
    server = Raw([answer({"id": 1})])

    async def whole(client: ApiClient | None) -> ApiClient:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", int(client.base_url[-5:]) if client else 0)
        client = client or ApiClient(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]:05}")
        await client.get(Item, "x")
        listener.close()
        return client

    client = asyncio.run(whole(None))
    asyncio.run(whole(client))
    assert server.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    """For requests that change nothing; another one may have been done already."""
    server = Raw([answer({"id": 1}), b"", answer({"id": 2})])

    async def twice(client: ApiClient, method: str) -> int:
        await client.get(Item, "x")
        return (await client.request(method, "x")).read(Item).id

    assert talk(server, lambda client: twice(client, "GET")) == 2
    assert len(server.requests) == 3
    with pytest.raises(ProviderUnavailable, match="broke off"):
        talk(Raw([answer({"id": 1}), b"", answer({"id": 2})]), lambda client: twice(client, "POST"))


def test_a_part_of_the_api_has_its_own_ways() -> None:
    """A path, how lists are sent, and conditional requests; what changes something is never conditional."""
    server = Raw([answer({"values": [{"id": 1}]}, etag='"1"')])

    async def work(client: ApiClient) -> list[Item]:
        part = client.below("repos", "a/b", conditional=True).below("hooks", pages=BodyPages("values"))
        await part.request("GET")
        await part.request("GET")
        await part.request("POST", json={})
        await part.request("POST", json={})
        await client.request("GET", "c")
        return [item async for item in part.items(Item)]

    assert talk(server, work) == [Item(id=1)]
    assert [request.split(" HTTP")[0] for request in server.requests] == [
        *["GET /api/v1/repos/a%2Fb/hooks"] * 2,
        *["POST /api/v1/repos/a%2Fb/hooks"] * 2,
        "GET /api/v1/c",
        "GET /api/v1/repos/a%2Fb/hooks",
    ]
    assert ["if-none-match" in request for request in server.requests] == [False, True, False, False, False, False]


def test_a_list_of_empty_pages_ends() -> None:
    """A confused host may name one more page for ever; a filter may leave nothing of some pages."""
    pages = [answer([], link=f'</?page={number}>; rel="next"') for number in range(30)]

    async def work(client: ApiClient) -> list[Item]:
        return [item async for item in client.items(Item, "things")]

    assert talk(Raw([*pages[:19], answer([{"id": 1}])]), work) == [Item(id=1)]
    server = Raw([*pages])
    assert talk(server, work) == []
    assert len(server.requests) == 20


def test_a_file_is_read_whole() -> None:
    """Nothing there is None; one that is too long is the contract's error."""

    async def work(client: ApiClient) -> bytes | None:
        found = await client.file("raw", "a.py", headers={"accept": "text/x"})
        return found.body if found else None

    server = Raw([answer(b"print()\n", content_type="text/plain")])
    assert talk(server, work) == b"print()\n"
    assert "accept: text/x" in server.requests[0].lower()
    assert talk(Raw([answer({}, 404)]), work) is None
    with pytest.raises(FileTooLarge):
        talk(Raw([answer(b"x" * (MAX_FILE_BYTES + 1))]), work)


def test_what_is_gone_is_deleted() -> None:
    """Another refusal is an error."""
    server = Raw([answer("", 204), answer({}, 404), answer({}, 409)])

    async def work(client: ApiClient) -> None:
        await client.delete("hooks", "1")
        await client.delete("hooks", "1")
        await client.delete("hooks", "1")

    with pytest.raises(ApiError, match="409"):
        talk(server, work)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": {"id": 1}}, Item(id=1)),
        ({"data": {"id": 1}, "errors": [{"type": "NOT_FOUND"}]}, Item(id=1)),
        ({"data": {"id": 1}, "errors": [{"type": "RATE_LIMITED"}]}, RateLimited),
        ({"errors": [{"type": "FORBIDDEN", "message": "x"}]}, ProviderForbidden),
        ({"errors": [{"message": "x"}]}, ProviderUnavailable),
        ({"data": None}, ProviderUnavailable),
        ({}, ProviderUnavailable),
        ([], ProviderUnavailable),
    ],
)
def test_errors_of_graphql_have_the_status_200(body: object, expected: object) -> None:
    """They are errors of the contract all the same. Without data, the fields have their defaults."""

    async def work(client: ApiClient) -> Item:
        return (await client.request("POST", "graphql", json={"query": "x"})).read_graphql(Item)

    if isinstance(expected, type):
        with pytest.raises(expected):
            talk(Raw([answer(body)]), work)
    else:
        assert talk(Raw([answer(body)]), work) == expected
