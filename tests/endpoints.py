"""Every endpoint of the application, as listed in tests/cases/endpoints, and an API in which each has an object."""

import atexit
import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from httpx2 import Response

from api import OLDER_SHA, PLUGINS_TOML, SHA, ApiClient, commit, open_api
from factories import all_rows, rows_of
from hosting import candidate
from indexing import index_files
from loading import load_cases
from scmhost.admin.removal import remove_project
from scmhost.installations import pending_queries
from scmhost.installations.install_steps import KEPT
from scmhost.installations.pending_queries import PendingDraft
from scmhost.links.sharing import share_trace
from scmhost.links.traces import LinksIn
from scmhost.organizations.access import authenticate
from scmhost.organizations.create import create_project

# A provider that registers webhooks, which Custom SCM cannot.
FORGE = candidate("webhook_forge", "plugins.webhook_forge")
CONFIG = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "http://testserver"\n')
CONFIG += '[plugins.webhook_forge]\nenabled = true\nallow = { organizations = ["acme"] }\n'


@dataclass(frozen=True)
class Endpoint:
    """An endpoint with the class of its scopes, and an example of its body or query."""

    id: str
    kind: str
    body: Any = None
    query: Mapping[str, str] | None = None
    again: int | None = None
    """The status of the same POST the second time, if it changes nothing."""
    once: str | None = None
    """The reason why the same POST changes something the second time too."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Other values for names in the path."""

    @property
    def method(self) -> str:
        return self.id.partition(" ")[0]

    @property
    def template(self) -> str:
        return self.id.partition(" ")[2]

    @property
    def of_organization(self) -> bool:
        """Whether the path contains an organization."""
        return "{organization}" in self.template


ENDPOINTS = [
    Endpoint(kind=case["class"], **{name: value for name, value in case.items() if name != "class"})
    for case in load_cases("endpoints")
]

REDIRECTS = [
    Endpoint(f"GET {path}", "no token", query={"file": "/srv/app/a.py", "line": "3"})
    for path in ("/r/{key}", "/r/sentry/{key}")
]
"""The endpoints for browsers, which answer with pages."""


@dataclass(frozen=True)
class PopulatedHost:
    """An API with one object of each kind. ``values`` are the values of the names in paths and bodies."""

    api: ApiClient
    values: Mapping[str, str]
    secret: str

    def url(self, endpoint: Endpoint, **places: str) -> str:
        return endpoint.template.format_map({**self.values, **fill_in(dict(endpoint.values), self.values), **places})

    def body(self, endpoint: Endpoint) -> bytes:
        return json.dumps(fill_in(endpoint.body, self.values)).encode()

    def signature(self, content: bytes) -> dict[str, str]:
        """Return the header with the signature of a push in the plain form."""
        return {"X-Scmhost-Signature": f"sha256={hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest()}"}

    def send(self, endpoint: Endpoint, token: str | None = None, **options: Any) -> Response:
        """Send the example of an endpoint, by default with a token that has all scopes."""
        headers: dict[str, str | None] = {"Authorization": f"Bearer {token or self.api.there.token}"}
        if endpoint.body is not None:
            options.setdefault("content", self.body(endpoint))
            headers |= {"Content-Type": "application/json", **self.signature(options["content"])}
        options.setdefault("params", endpoint.query)
        headers |= options.pop("headers", {})
        sent = {name: value for name, value in headers.items() if value is not None}
        url = self.url(endpoint, **options.pop("values", {}))
        return self.api.client.request(endpoint.method, url, headers=sent, **options)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all stored rows, after the background work is done.

        Without the audit entries of the host, whose organization is 0, and without the counters of frames: the service
        saves its own at any time.
        """
        index_files(self.api.services, self.api.there.organization)
        stored = all_rows(self.api.services.store)
        del stored["missing_frames"]
        return {name: [row for row in rows if name != "audit_entries" or row[0]] for name, rows in stored.items()}

    def own_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all stored rows of the organization, after the background work is done, without counters of frames."""
        index_files(self.api.services, self.api.there.organization)
        stored = rows_of(self.api.services.store, self.api.there.organization.id)
        del stored["missing_frames"]
        return stored


@contextmanager
def open_populated(folder: Path) -> Iterator[PopulatedHost]:
    """Open an API in which a repository is claimed, mapped, pushed to, released and deployed."""
    template, places, secret = _template()
    shutil.copy(template, folder / "populated.db")
    with open_api(folder, CONFIG, more=[FORGE], database_url=f"sqlite:///{folder}/populated.db") as api:
        # Only the token that began it may see it, and an API has a new token whenever it is opened.
        yield PopulatedHost(api, {**places, "pending_id": _begun(api)}, secret)


def _begun(api: ApiClient) -> str:
    """Begin an installation; return its id."""
    caller, now = authenticate(api.services, api.there.token), api.services.clock.now()
    begun = PendingDraft("custom_scm", "digest", "https://scmhost.example/", None, caller.actor, now, now + KEPT)
    with api.services.store.write() as tx:
        return str(pending_queries.add(tx, caller.organization.id, begun).id)


@cache
def _template() -> tuple[Path, Mapping[str, str], str]:
    """Return a database with all objects and their values. It is created once and copied for each test."""
    folder = Path(mkdtemp(prefix="scmhost-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open_api(folder, CONFIG, more=[FORGE]) as api:
        return folder / "test.db", *_furnish(api)


def _furnish(api: ApiClient) -> tuple[Mapping[str, str], str]:
    """Create the objects. Return the values of the names in paths and bodies, and the secret of the webhook."""
    repository, installation = api.claimed()
    mapping = api.mapping(repository, installation).json()
    webhook = api.post(f"integrations/{installation['id']}/webhook/", None).json()
    commits = [commit(SHA), commit(OLDER_SHA, timestamp="2026-01-01T00:00:00Z")]
    api.post("releases/", {"version": "1.0", "projects": ["web"], "commits": commits})
    api.post("releases/1.0/deploys/", {"environment": "staging"})
    forge = api.post("integrations/", {"provider": "webhook_forge"}).json()
    doomed, _ = create_project(api.services, api.there.organization, "doomed")
    share_trace(api.services, api.there.organization, doomed, LinksIn(text="a trace"))
    remove_project(api.services, api.there.organization, doomed)
    key = api.post("redirect-keys/", {"name": "sentry"}).json()
    places = {
        "doomed": "doomed",
        "organization": "acme",
        "organization_id": str(api.there.organization.id),
        "project": "web",
        "project_id": str(api.there.project.id),
        "integration_id": installation["id"],
        "installation_id": installation["id"],
        "repository_id": repository["id"],
        "unclaimed_id": api.repository("team/lib", "https://git.example.com/team/lib")["id"],
        "mapping_id": mapping["id"],
        "key_id": key["id"],
        "key": key["key"],
        "secret_id": webhook["secrets"][0]["id"],
        "forge_id": forge["id"],
        "plugin": "custom_scm",
        "provider": "webhook_forge",
        "version": "1.0",
        "sha": SHA,
        "new_sha": "c" * 40,
    }
    return places, webhook["secret"]


def fill_in(value: Any, places: Mapping[str, str]) -> Any:
    """Return a body with its ``{names}`` replaced."""
    match value:
        case str():
            return value.format_map(places)
        case list():
            return [fill_in(item, places) for item in value]
        case dict():
            return {key: fill_in(item, places) for key, item in value.items()}
        case _:
            return value
