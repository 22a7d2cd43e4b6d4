"""A complete scmhost for tests: a real database, a real plugin, and an HTTP client in the same process."""

import atexit
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import event
from starlette.routing import BaseRoute

from scmhost.admin.background import run_due_jobs
from scmhost.admin.bootstrap import Bootstrapped, bootstrap
from scmhost.app import Host
from scmhost.application import create_application
from scmhost.infra.clock import Clock, SystemClock
from scmhost.infra.db.engine import Store
from scmhost.infra.logs import configure_logs
from scmhost.infra.secret_box import SecretBox
from scmhost.infra.settings import DatabaseSettings
from scmhost.infra.telemetry import NO_TELEMETRY, Telemetry
from scmhost.installations.credentials import InstallationCredentials
from scmhost.organizations.tokens import DEFAULT_SCOPES, create_token
from scmhost.plugins import Candidate, PluginHost, read_settings
from scmhost.plugins.discovery import discover
from scmhost.sdk import HOOK_SPECS, HookSpec
from scmhost.services import Services

# As for every command, only warnings and errors are logged, on standard error.
configure_logs(quiet=True)

PLUGINS_TOML = """\
schema = 1
[host]
operators = ["acme"]
webhook_key = "an-operator-s-key-of-forty-characters-xx"
[plugins.custom_scm]
enabled = true
allow = { organizations = ["acme"] }
"""

SHA = "a" * 40
OLDER_SHA = "b" * 40


@dataclass(frozen=True)
class ApiClient:
    """An organization ``acme`` with a project ``web``, and a client with its token."""

    host: Host
    client: TestClient
    there: Bootstrapped

    @property
    def services(self) -> Services:
        return self.host.services

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.there.token}"}

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Response:
        """Send a request below ``/api/0/organizations/acme/``, or to an absolute path."""
        url = path if path.startswith("/") else f"/api/0/organizations/acme/{path}"
        headers = {
            **self.headers,
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **options.pop("headers", {}),
        }
        return self.client.request(method, url, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Response:
        return self.call("POST", path, json=body, **options)

    def put(self, path: str, body: Any, **options: Any) -> Response:
        return self.call("PUT", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> Response:
        return self.call("DELETE", path, **options)

    def limit_pages(self, pages: int) -> None:
        """Limit the size of the SQLite database, as a full disk does."""
        pragma = f"PRAGMA max_page_count = {pages}"
        event.listen(self.services.store._engine, "checkout", lambda driver, *_: driver.execute(pragma))

    def token(self, *scopes: str) -> str:
        return create_token(self.services, self.there.organization, "test", scopes)[1]

    def install(self, **form: Any) -> dict[str, Any]:
        """Create an installation, by default of Custom SCM."""
        return self.installed(**{"provider": "custom_scm", "name": "team", "url": "https://git.example.com/", **form})

    def installed(self, **form: Any) -> dict[str, Any]:
        """Create an installation with this form alone."""
        answer = self.post("integrations/", form)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def repository(
        self, name: str = "team/app", url: str | None = "https://git.example.com/team/app"
    ) -> dict[str, Any]:
        """Create an unclaimed repository."""
        answer = self.post("repos/", {"name": name, "url": url})
        assert answer.status_code in (200, 201), answer.text
        body: dict[str, Any] = answer.json()
        return body

    def claim(self, repository: Mapping[str, Any], installation: Mapping[str, Any]) -> Response:
        """Claim a repository, with a body as in Sentry's API."""
        body = {
            "provider": "integrations:custom_scm",
            "installation": installation["id"],
            "identifier": repository["id"],
        }
        return self.post("repos/", body)

    def add(self, installation: Mapping[str, Any], identifier: str = "team/app") -> dict[str, Any]:
        """Add a repository that the provider of an installation offers."""
        provider = f"integrations:{installation['provider']['key']}"
        body = {"provider": provider, "installation": installation["id"], "identifier": identifier}
        answer = self.post("repos/", body)
        assert answer.status_code == 201, answer.text
        added: dict[str, Any] = answer.json()
        return added

    def claimed(self, **form: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Create a claimed repository. Return it with its installation."""
        installation = self.install(**form)
        answer = self.claim(self.repository(), installation)
        assert answer.status_code == 201, answer.text
        return answer.json(), installation

    def mapping(self, repository: Mapping[str, Any], installation: Mapping[str, Any], **fields: Any) -> Response:
        """Create a code mapping of ``/srv/app/`` to ``src/``."""
        body = {
            "repositoryId": repository["id"],
            "integrationId": installation["id"],
            "projectId": self.there.project.id,
            "stackRoot": "/srv/app/",
            "sourceRoot": "src/",
            "defaultBranch": "main",
            **fields,
        }
        return self.post("code-mappings/", body)

    def release(self, version: str = "1.0", *projects: str, **fields: Any) -> dict[str, Any]:
        """Create a release of projects, or add to an existing one."""
        answer = self.post("releases/", {"version": version, "projects": list(projects or ("web",)), **fields})
        assert answer.status_code in (201, 208), answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    def set_ref(self, version: str, head: str, repository: str = "team/app", **fields: str) -> dict[str, Any]:
        """Set a release's ref, fetch its commits, and return the release."""
        self.release(version)
        refs = [{"repository": repository, "commit": head, **fields}]
        answer = self.put(f"releases/{version}/", {"refs": refs})
        assert answer.status_code == 200, answer.text
        run_due_jobs(self.services)
        release: dict[str, Any] = self.get(f"releases/{version}/").json()
        return release

    def shas(self, version: str = "1.0") -> list[str]:
        """Return the commits of a release, newest first."""
        return [item["id"] for item in self.get(f"releases/{version}/commits/").json()]

    def link(self, **query: Any) -> dict[str, Any]:
        """Return the answer of ``stacktrace-link`` for a frame."""
        answer = self.get("/api/0/projects/acme/web/stacktrace-link/", params={"file": "/srv/app/a.py", **query})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@contextmanager
def open_api(
    folder: Path,
    configuration: str = PLUGINS_TOML,
    database_url: str | None = None,
    *,
    more: Sequence[Candidate] = (),
    specs: Mapping[str, HookSpec] = HOOK_SPECS,
    busy_timeout: float = 5.0,
    background: bool = True,
    telemetry: Telemetry = NO_TELEMETRY,
    clock: Clock | None = None,
) -> Iterator[ApiClient]:
    """Open an API in a folder, with additional plugins, and close it after the block.

    Without background work, jobs run only when a test runs them.
    """
    config = folder / "plugins.toml"
    config.write_text(configuration, encoding="utf-8")
    there: Bootstrapped | None = None
    if database_url is None and clock is None:
        template, there = _bootstrapped()
        shutil.copy(template, folder / "test.db")
    elif database_url is None:
        shutil.copy(_migrated(), folder / "test.db")
    settings = read_settings(config, {"SCMHOST_DATABASE_URL": database_url or f"sqlite:///{folder}/test.db"})
    store = Store.open(settings.host.database_url, DatabaseSettings(lock_seconds=busy_timeout))
    clock = clock or SystemClock()
    box = SecretBox(settings.host.encryption_keys)
    plugins = PluginHost.open(
        settings,
        candidates=[*_installed(tuple(sys.path)), *more],
        specs=specs,
        telemetry=telemetry,
        credentials=InstallationCredentials(store, clock, box),
    )
    services = Services(
        store,
        plugins,
        clock,
        settings.limits,
        settings.host.webhook_key,
        settings.host.url,
        register_webhooks=settings.host.register_webhooks,
        operators=settings.host.operators,
        cors_origins=settings.host.cors_origins,
        secret_box=box,
        telemetry=telemetry,
        web=settings.web,
    )
    with Host(settings, services) as host:
        there = there or tenant(host.services, "acme")
        client = TestClient(_application(host.services), raise_server_exceptions=False)
        with client if background else nullcontext():
            yield ApiClient(host, client, there)


def tenant(services: Services, slug: str) -> Bootstrapped:
    """Return an organization with a project ``web`` and a new token, whether it exists or not."""
    there = bootstrap(services, slug, "web")
    return (
        there
        if there.token
        else replace(there, token=create_token(services, there.organization, "b", DEFAULT_SCOPES)[1])
    )


_routes: list[BaseRoute] = []
"""The routes of the first application, which later ones use too."""


def _application(services: Services) -> FastAPI:
    """Create an application. FastAPI prepares its routes at the first request, which takes longer than most tests.

    Routes hold nothing of the application that they were made for, except the one with its metrics.
    """
    application = create_application(services)
    if services.telemetry.metrics is None:
        _routes.extend([] if _routes else application.router.routes)
        application.router.routes[:] = _routes
    return application


@cache
def _installed(_path: tuple[str, ...]) -> list[Candidate]:
    """Return the plugins on a path. To read the metadata of all distributions takes longer than most tests."""
    return discover()


@cache
def _bootstrapped() -> tuple[Path, Bootstrapped]:
    """Return a database with the organization. It is created once and copied for each test."""
    folder = Path(mkdtemp(prefix="scmhost-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config = folder / "plugins.toml"
    config.write_text(PLUGINS_TOML, encoding="utf-8")
    path = Path(shutil.copy(_migrated(), folder / "acme.db"))
    with Host.open(read_settings(config, {"SCMHOST_DATABASE_URL": f"sqlite:///{path}"})) as host:
        return path, bootstrap(host.services, "acme", "web")


@cache
def _migrated() -> Path:
    """Return an empty database with all tables. It is created once and copied for each test."""
    folder = Path(mkdtemp(prefix="scmhost-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Store.open(f"sqlite:///{folder}/empty.db")
    store.migrate()
    store.close()
    return folder / "empty.db"


def commit(sha: str = SHA, repository: str | None = "team/app", **fields: Any) -> dict[str, Any]:
    """Return a commit in the form in which clients send it."""
    return {
        "id": sha,
        "repository": repository,
        "message": "Mend it",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "timestamp": "2026-01-02T03:04:05+02:00",
        "patch_set": [{"path": "src/a.py", "type": "M"}],
        **fields,
    }
