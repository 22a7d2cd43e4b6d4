"""What commands work on: a server, or the local database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from scmhost.infra.errors import InvalidInput, ScmhostError

if TYPE_CHECKING:
    import httpx2

    from scmhost.sdk import Organization
    from scmhost.services import Services

TIMEOUT: Final = 60.0


class ServerRefused(ScmhostError):
    """The server answered with an error, or not at all."""


class Target(Protocol):
    """Takes commits in."""

    def missing(self, repository: str, shas: Sequence[str]) -> set[str]:
        """Those of the shas that are not there yet."""

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        """Send a batch; gives how many were new."""


@dataclass(frozen=True, slots=True)
class LocalTarget:
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
class ServerTarget:
    """A server, over HTTP."""

    client: "httpx2.Client"
    organization: str

    def missing(self, repository: str, shas: Sequence[str]) -> set[str]:
        return set(self._post("commits/missing/", {"repository": repository, "ids": list(shas)})["missing"])

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        answer = self._post("commits/", {"commits": list(commits)})
        return sum(repository["new"] for repository in answer["repositories"])

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return post_json(self.client, f"/api/0/organizations/{self.organization}/{path}", body)


def open_client(url: str, token: str | None) -> "httpx2.Client":
    """An HTTP client for a server and a token."""
    import httpx2

    if not token:
        raise InvalidInput("--url needs a token: give --token, or set SCMHOST_AUTH_TOKEN")
    return httpx2.Client(base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT)


def get_json(client: "httpx2.Client", path: str, also: int | None = None) -> Any:
    """What a server answers; ``also`` is a status of an error whose body is an answer too.

    Raises:
        ServerRefused: an error, or nothing.
    """
    return _asked(client, "GET", path, also)


def post_json(client: "httpx2.Client", path: str, body: Mapping[str, Any]) -> Any:
    """What a server answers to a JSON body.

    Raises:
        ServerRefused: an error, or nothing.
    """
    return _asked(client, "POST", path, json=body)


def _asked(client: "httpx2.Client", method: str, path: str, also: int | None = None, **options: Any) -> Any:
    """What a server answers; ``also`` is a status of an error whose body is an answer too."""
    import httpx2

    try:
        answer = client.request(method, path, **options)
    except httpx2.HTTPError as error:
        raise ServerRefused(f"{client.base_url} does not answer: {error}") from error
    if answer.is_error and answer.status_code != also:
        raise ServerRefused(f"{client.base_url} answered {answer.status_code}: {_detail(answer)}")
    return answer.json()


def _detail(answer: "httpx2.Response") -> str:
    if answer.headers.get("content-type", "").startswith("application/json"):
        body = answer.json()
        return str(body.get("detail", body)) if isinstance(body, dict) else str(body)
    return answer.text[:200]
