"""Targets of commands that send data: a server, or the local database.

The HTTP client is the standard library's, so that ``link --url`` and ``commits send --url`` work without the server
extra, for example in a CI job.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from http.client import HTTPException
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar, cast
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, Request, build_opener

import click

from scmhost.infra.errors import InvalidInput, NotFound, ScmhostError

from .api_client import (
    CommandAnswer,
    LocalClient,
    OrganizationApi,
    RestClient,
    chosen_organization,
    error_text,
    own_organization,
)
from .context import CommandContext, database_options, organization_named

if TYPE_CHECKING:
    from http.client import HTTPMessage, HTTPResponse

    from scmhost.sdk import Organization
    from scmhost.services import Services

T = TypeVar("T")

# A batch of commits with many files takes a slow database this long.
TIMEOUT_SECONDS: Final = 60.0
_FIRST_REDIRECT: Final = 300
_FIRST_CLIENT_ERROR: Final = 400
_NOT_FOUND: Final = 404
_CHECK_ADDRESS: Final = "check that --url is the address of scmhost"


class ServerError(ScmhostError):
    """The server answered with an error, or not at all."""


class MissingOnServer(ServerError, NotFound):
    """The server has no such object."""


class Target(Protocol):
    """Accepts commits."""

    def missing(self, repository: str, shas: Sequence[str]) -> set[str]:
        """Return those of the SHAs that are not stored yet."""

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        """Send a batch; return the number of new commits."""


@dataclass(frozen=True, slots=True)
class LocalTarget(Target):
    """The local database."""

    services: "Services"
    organization: "Organization"

    def missing(self, repository: str, shas: Sequence[str]) -> set[str]:
        from scmhost.commits.ingest import missing_commits

        return set(missing_commits(self.services, self.organization, repository, shas))

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        from scmhost.commits.ingest import ingest_commits

        done, _ = ingest_commits(self.services, self.organization, commits)
        return sum(len(item.saved.new) for item in done)


@dataclass(frozen=True, slots=True)
class ServerTarget(Target):
    """An organization on a server."""

    client: "ServerClient"
    organization: str

    def missing(self, repository: str, shas: Sequence[str]) -> set[str]:
        return set(self._post("commits/missing/", {"repository": repository, "ids": list(shas)}, "missing"))

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        repositories = self._post("commits/", {"commits": list(commits)}, "repositories")
        return sum(repository["new"] for repository in repositories)

    def _post(self, path: str, body: Mapping[str, Any], key: str) -> list[Any]:
        return self.client.post(f"/api/0/organizations/{quote(self.organization, safe='')}/{path}", body, key)


class TargetOptions(NamedTuple):
    """The options that name a server, or the local database."""

    url: str | None
    token: str | None
    config: str | None
    database_url: str | None

    @contextmanager
    def open(
        self,
        context: CommandContext,
        organization: str,
        on_server: "Callable[[ServerClient, str], T]",
        here: "Callable[[Services, Organization], T]",
    ) -> Iterator[T]:
        """Open the target for an organization: what ``on_server`` makes of a client, or ``here`` of the services."""
        # With a server no database is opened, so that a CI job does not need the server extra.
        if self.url:
            yield on_server(ServerClient.open(self.url, self.token), organization)
            return
        with context.open_host(self.config, self.database_url) as host:
            yield here(host.services, organization_named(host.services, organization))

    @contextmanager
    def api(self, context: CommandContext, organization: str | None, *, writes: bool) -> Iterator[OrganizationApi]:
        """Open the API of an organization: of a server, or over the local database.

        Without ``organization`` it is that of the token, or the only one of the database.
        """
        if self.url:
            client = ServerClient.open(self.url, self.token)
            try:
                yield OrganizationApi(client, organization or own_organization(client))
            except (LookupError, TypeError, ValueError) as error:
                # Another program answers, with JSON of another form.
                raise ServerError(f"{self.url} does not answer as scmhost does ({error}); {_CHECK_ADDRESS}") from error
            return
        from scmhost.organizations.create import list_organizations
        from scmhost.services import check_database

        with context.open_host(self.config, self.database_url, inspect_only=not writes) as host:
            check_database(host.services)
            found = chosen_organization(list_organizations(host.services), organization)
            yield OrganizationApi(LocalClient(*host.api(found)), found.slug)


def target_options(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of ``TargetOptions``, which the command gets as ``where``. ``scope`` is what the token needs."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def collected(*arguments: Any, **options: Any) -> Any:
            where = TargetOptions(**{name: options.pop(name) for name in TargetOptions._fields})
            return command(*arguments, where=where, **options)

        # click lists options from the last one that was added to the first.
        for option in (
            database_options,
            click.option(
                "--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help=f"A token for --url, with {scope}."
            ),
            click.option("--url", metavar="URL", envvar="SCMHOST_URL", help="A server (default: the local database)."),
        ):
            collected = option(collected)
        return collected

    return add


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: urllib would send the token to the new address."""

    def redirect_request(
        self, _request: Request, _body: IO[bytes], _code: int, _message: str, _headers: "HTTPMessage", _url: str
    ) -> None:
        return None


@dataclass(frozen=True, slots=True)
class ServerClient(RestClient):
    """JSON requests to a server."""

    url: str
    # Not in the text of the object, which may end up in a log.
    token: str = field(repr=False)

    @classmethod
    def open(cls, url: str, token: str | None) -> "ServerClient":
        """Return a client for a server.

        Raises:
            InvalidInput: the URL is not http or https, or there is no token.
        """
        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"--url {url!r} is not a server's address; write https://HOST")
        # A secret that was read from a file mostly ends with a line feed.
        token = (token or "").strip()
        if not token:
            raise InvalidInput("--url needs a token: give --token, or set SCMHOST_AUTH_TOKEN")
        if not (token.isascii() and token.isprintable()):
            # The HTTP library would refuse it too, but with the token in its message.
            raise InvalidInput("the token contains characters that no token has; copy it again")
        return cls(url.rstrip("/"), token)

    def get(self, path: str, accept_status: int | None = None) -> Any:
        """Return the JSON answer; ``accept_status`` is an error status whose body is an answer too.

        Raises:
            ServerError: the server answered with another error, or not at all.
        """
        return self._send(path, None, accept_status)

    def post(self, path: str, body: Mapping[str, Any], key: str, notes: list[str] | None = None) -> list[Any]:
        """Send a JSON body; return the list with this key in the JSON answer. Add the answer's notes to ``notes``.

        Raises:
            ServerError: the server answered with an error, without such a list, or not at all.
        """
        answer = self._send(path, json.dumps(body).encode())
        found = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise ServerError(f"{self.url} answered without {key!r}; {_CHECK_ADDRESS}")
        given = answer.get("notes")
        if notes is not None and isinstance(given, list):
            notes += map(str, given)
        return found

    def send(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON body; return the JSON answer.

        Raises:
            ServerError: the server answered with an error, or not at all.
        """
        return self._send(path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        """Delete what is at a path; return the JSON answer, or None if it is empty.

        Raises:
            ServerError: the server answered with an error, or not at all.
        """
        return self._send(path, None, method="DELETE")

    def answer(self, method: str, path: str, body: Any = None) -> CommandAnswer:
        """Send a request of any method."""
        return self._exchange(path, None if body is None else json.dumps(body).encode(), method=method)

    def _send(self, path: str, body: bytes | None, accept_status: int | None = None, method: str | None = None) -> Any:
        return self._exchange(path, body, accept_status, method).value

    def _exchange(
        self, path: str, body: bytes | None, accept_status: int | None = None, method: str | None = None
    ) -> CommandAnswer:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path, body, headers, method=method)  # noqa: S310 - open() checks the scheme
        try:
            with _open(request) as response:
                status, received, content = response.status, response.headers, response.read()
        except (OSError, HTTPException, ValueError) as error:
            raise ServerError(f"{self.url} does not answer: {getattr(error, 'reason', error)}") from error
        if status >= _FIRST_REDIRECT and status != accept_status:
            kind = MissingOnServer if status == _NOT_FOUND else ServerError
            raise kind(f"{self.url} answered {status}: {_detail(status, received, content)}")
        if method == "DELETE" and not content:
            return CommandAnswer(None)
        try:
            return CommandAnswer(json.loads(content), received.get("Link") or "")
        except (ValueError, RecursionError) as error:
            # A proxy's login page, or another program on this port.
            raise ServerError(f"{self.url} answered {status} without JSON; {_CHECK_ADDRESS}") from error


def _open(request: Request) -> "HTTPResponse":
    try:
        response: HTTPResponse = build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        # urllib raises what is a response as well: it has a status, headers and a body.
        return cast("HTTPResponse", error)
    return response


def _detail(status: int, headers: "HTTPMessage", content: bytes) -> str:
    """Return the message in an error's body."""
    if status < _FIRST_CLIENT_ERROR:
        return f"it redirects to {headers.get('Location')}; use that address"
    text = content.decode(errors="replace")
    try:
        body = json.loads(text) if headers.get_content_type().endswith("json") else text
    except (ValueError, RecursionError):
        body = text
    return error_text(body)
