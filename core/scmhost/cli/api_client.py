"""Requests to the REST API: of a server, or of the application over the local database, in this process."""

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from scmhost.infra.errors import Conflict, Forbidden, InvalidInput, NotFound, ScmhostError, Unavailable

if TYPE_CHECKING:
    from scmhost.sdk import Organization

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
"""An ASGI application."""

MOST_PAGES: Final = 1000
"""Pages that a list has at most: 100,000 objects."""

_LONGEST_DETAIL: Final = 200
_FIRST_ERROR: Final = 300
_NEXT: Final = 'rel="next"; results="true"; cursor="'


class CommandAnswer(NamedTuple):
    """An answer of the API: the value of its JSON, None for an empty body, and the Link header."""

    value: Any
    link: str = ""


class RestClient(ABC):
    """Sends requests to the API."""

    @abstractmethod
    def answer(self, method: str, path: str, body: Any = None) -> CommandAnswer:
        """Send a request.

        Raises:
            NotFound: the API has no such object.
            ScmhostError: it answered with another error, or not at all.
        """


_KINDS: Final[Mapping[int, type[ScmhostError]]] = {
    400: InvalidInput,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}


@dataclass(frozen=True, slots=True)
class LocalClient(RestClient):
    """The application over the local database, in this process."""

    application: Application
    token: str = field(repr=False)

    def answer(self, method: str, path: str, body: Any = None) -> CommandAnswer:
        import asyncio

        status, headers, content = asyncio.run(_ask(self, method, path, body))
        value = json.loads(content) if content else None
        if status >= _FIRST_ERROR:
            raise _KINDS.get(status, ScmhostError)(error_text(value))
        return CommandAnswer(value, headers.get(b"link", b"").decode())


async def _ask(client: LocalClient, method: str, path: str, body: Any) -> tuple[int, Mapping[bytes, bytes], bytes]:
    """Send a request to an ASGI application. Return the status, headers and body of its answer."""
    content = b"" if body is None else json.dumps(body).encode()
    requests = iter([{"type": "http.request", "body": content, "more_body": False}])
    start: Message = {}
    parts: list[bytes] = []

    async def receive() -> Message:
        # After the body the client is gone, as ASGI has it.
        return next(requests, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        start.update(message if message["type"] == "http.response.start" else {})
        parts.append(message.get("body", b""))

    url = urlsplit(path)
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "root_path": "",
        "query_string": url.query.encode(),
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {client.token}".encode()),
        ],
        "client": None,
        "server": ("localhost", 80),
    }
    await client.application(scope, receive, send)
    return start["status"], dict(start["headers"]), b"".join(parts)


def error_text(value: Any) -> str:
    """Return the sentence of an error's JSON: its ``detail``, or each field with its errors."""
    if isinstance(value, dict) and "detail" in value:
        value = value["detail"]
    elif isinstance(value, dict) and value and all(isinstance(texts, list) for texts in value.values()):
        return "; ".join(f"{name}: {' '.join(map(str, texts))}" for name, texts in value.items())
    return (value if isinstance(value, str) else json.dumps(value))[:_LONGEST_DETAIL]


@dataclass(frozen=True, slots=True)
class OrganizationApi:
    """The API of one organization. Paths are below the organization, or begin with ``/``.

    Attributes:
        client: sends the requests.
        slug: the organization's slug, or its id.
    """

    client: RestClient
    slug: str

    def get(self, path: str, **query: Any) -> Any:
        """Return what is at a path."""
        return self.client.answer("GET", self._path(path, query)).value

    def list(self, path: str, **query: Any) -> "Sequence[Any]":
        """Return all pages of a list."""
        found: list[Any] = []
        cursor = None
        # Bounded: a server that always names one more page must not keep the command running.
        for _ in range(MOST_PAGES):
            answer = self.client.answer("GET", self._path(path, {**query, "per_page": 100, "cursor": cursor}))
            if not isinstance(answer.value, list):
                raise ScmhostError(f"{path} is not answered with a list; check that --url is the address of scmhost")
            found += answer.value
            _, _, rest = answer.link.partition(_NEXT)
            cursor = rest.partition('"')[0]
            if not cursor:
                break
        return found

    def post(self, path: str, body: Any) -> Any:
        """Send a body to a path, and return the answer."""
        return self.client.answer("POST", self._path(path, {}), body).value

    def put(self, path: str, body: Any) -> Any:
        """Replace what is at a path, and return the answer."""
        return self.client.answer("PUT", self._path(path, {}), body).value

    def delete(self, path: str) -> Any:
        """Delete what is at a path, and return the answer, which may be None."""
        return self.client.answer("DELETE", self._path(path, {})).value

    def project(self, slug: str, rest: str = "") -> str:
        """Return the path of a project, and of what is below it."""
        return f"/api/0/projects/{segment(self.slug)}/{segment(slug)}/{rest}"

    def _path(self, path: str, query: Mapping[str, Any]) -> str:
        whole = path if path.startswith("/") else f"/api/0/organizations/{segment(self.slug)}/{path}"
        given = {name: value for name, value in query.items() if value is not None}
        return f"{whole}?{urlencode(given, doseq=True)}" if given else whole


def segment(text: object) -> str:
    """Return a text as one segment of a path."""
    return quote(str(text), safe="")


def own_organization(client: RestClient) -> str:
    """Return the slug of the organization that a token belongs to."""
    (own,) = client.answer("GET", "/api/0/organizations/").value
    return str(own["slug"])


def chosen_organization(organizations: "Sequence[Organization]", named: str | None) -> "Organization":
    """Return the organization that an option names by slug or id; without it, the only one.

    Raises:
        NotFound: there is none of that name, or none at all, or no name and several.
    """
    from scmhost.sdk.validation import did_you_mean

    slugs = [one.slug for one in organizations]
    found = [one for one in organizations if named in (None, one.slug, str(one.id))]
    if len(found) == 1:
        return found[0]
    if not organizations:
        which = "no organization" if named is None else f"no organization {named!r}"
        raise NotFound(f"there is {which} yet; create it with `scmhost organizations add`")
    if named is None:
        raise NotFound(f"there are several organizations; name one with --org: {', '.join(sorted(slugs)[:20])}")
    raise NotFound(f"there is no organization {named!r}; {did_you_mean(named, slugs)}")
