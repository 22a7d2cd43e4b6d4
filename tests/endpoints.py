"""Every endpoint of the application, as tests/cases/endpoints lists them, and a house in which each finds something."""

import atexit
import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from httpx2 import Response

from factories import all_rows, rows_of
from house import OLDER_SHA, SHA, House, commit, open_house
from loading import load_cases
from scmhost.repositories.files import list_files_now


@dataclass(frozen=True)
class Endpoint:
    """An endpoint with the class of its scopes, and a body or a query that it takes."""

    id: str
    kind: str
    body: Any = None
    query: Mapping[str, str] | None = None
    again: int | None = None
    """What the same POST is answered the second time, when it changes nothing."""
    once: str | None = None
    """Why the same POST may do something the second time too."""

    @property
    def method(self) -> str:
        return self.id.partition(" ")[0]

    @property
    def template(self) -> str:
        return self.id.partition(" ")[2]

    @property
    def of_organization(self) -> bool:
        """Whether its path names an organization."""
        return "{organization}" in self.template


ENDPOINTS = [
    Endpoint(kind=case["class"], **{name: value for name, value in case.items() if name != "class"})
    for case in load_cases("endpoints")
]


@dataclass(frozen=True)
class Furnished:
    """A house with one of everything. ``places`` are the values of the paths' and the bodies' names."""

    house: House
    places: Mapping[str, str]
    secret: str

    def url(self, endpoint: Endpoint, **places: str) -> str:
        return endpoint.template.format_map({**self.places, **places})

    def body(self, endpoint: Endpoint) -> bytes:
        return json.dumps(filled(endpoint.body, self.places)).encode()

    def proof(self, content: bytes) -> dict[str, str]:
        """The header by which a push of the plain form shows that it is genuine."""
        return {"X-Scmhost-Signature": f"sha256={hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest()}"}

    def send(self, endpoint: Endpoint, token: str | None = None, **options: Any) -> Response:
        """The request that an endpoint takes, with a token that has all scopes unless another is given."""
        headers = {"Authorization": f"Bearer {token or self.house.there.token}"}
        if endpoint.body is not None:
            options.setdefault("content", self.body(endpoint))
            headers |= {"Content-Type": "application/json", **self.proof(options["content"])}
        options.setdefault("params", endpoint.query)
        headers |= options.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        url = self.url(endpoint, **options.pop("places", {}))
        return self.house.client.request(endpoint.method, url, headers=headers, **options)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is stored, once nothing is left to be done."""
        list_files_now(self.house.services, self.house.there.organization)
        return all_rows(self.house.services.store)

    def own_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is stored for the house's organization, once nothing is left to be done."""
        list_files_now(self.house.services, self.house.there.organization)
        return rows_of(self.house.services.store, self.house.there.organization.id)


@contextmanager
def furnished(folder: Path) -> Iterator[Furnished]:
    """A house in which a repository is claimed, mapped, pushed to, released and deployed."""
    template, places, secret = _template()
    shutil.copy(template, folder / "furnished.db")
    with open_house(folder, database_url=f"sqlite:///{folder}/furnished.db") as house:
        yield Furnished(house, places, secret)


@cache
def _template() -> tuple[Path, Mapping[str, str], str]:
    """A furnished database, made once and copied for each test, with what is in it."""
    folder = Path(mkdtemp(prefix="scmhost-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open_house(folder) as house:
        return folder / "test.db", *_furnish(house)


def _furnish(house: House) -> tuple[Mapping[str, str], str]:
    """The values of the paths' and bodies' names, and the secret of the webhook."""
    repository, installation = house.claimed()
    mapping = house.mapping(repository, installation).json()
    webhook = house.post(f"integrations/{installation['id']}/webhook/", None).json()
    commits = [commit(SHA), commit(OLDER_SHA, timestamp="2026-01-01T00:00:00Z")]
    house.post("releases/", {"version": "1.0", "projects": ["web"], "commits": commits})
    house.post("releases/1.0/deploys/", {"environment": "staging"})
    places = {
        "organization": "acme",
        "organization_id": str(house.there.organization.id),
        "project": "web",
        "project_id": str(house.there.project.id),
        "integration_id": installation["id"],
        "installation_id": installation["id"],
        "repository_id": repository["id"],
        "unclaimed_id": house.repository("team/lib", "https://git.example.com/team/lib")["id"],
        "mapping_id": mapping["id"],
        "secret_id": webhook["secrets"][0]["id"],
        "plugin": "custom_scm",
        "version": "1.0",
        "sha": SHA,
        "new_sha": "c" * 40,
    }
    return places, webhook["secret"]


def filled(value: Any, places: Mapping[str, str]) -> Any:
    """A body with its ``{names}`` replaced."""
    match value:
        case str():
            return value.format_map(places)
        case list():
            return [filled(item, places) for item in value]
        case dict():
            return {key: filled(item, places) for key, item in value.items()}
        case _:
            return value
