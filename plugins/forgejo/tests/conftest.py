"""Fixtures of the plugin's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import open_api
from fake_hosts.forgejo import FakeForgejo
from fake_hosts.swagger import Swagger
from forgejo_service import Acme, oauth_settings, plugins_toml
from forgejo_team import Team, added, installed
from scmhost_forgejo.forms import ForgejoSettings

SWAGGER = "SCMHOST_GITEA_OPENAPI"


@pytest.fixture(scope="session")
def swagger() -> Swagger | None:
    """The official description of the API, if the environment names a copy of it."""
    path = os.environ.get(SWAGGER)
    return Swagger(Path(path)) if path else None


@pytest.fixture
def host(tmp_path: Path, swagger: Swagger | None) -> Iterator[FakeForgejo]:
    """A fake host. Every request that a test makes is valid by the official description."""
    with FakeForgejo(tmp_path / "host") as host:
        yield host
        assert swagger is None or swagger.problems(host.calls) == []


@pytest.fixture
def team(host: FakeForgejo) -> Team:
    """An installation with a private repository that has two commits."""
    app = host.repository("team/app", private=True)
    host.tokens["good-token"].repositories.add("team/app")
    app.commit({"src/cart.py": "1\n", "src/gone.py": "1\n"}, "First")
    app.commit({"src/cart.py": "1\n2\n", "src/gone.py": None}, "Second, fixes SHOP-7")
    settings = ForgejoSettings()
    installation = installed(host, settings)
    host.calls.clear()
    return Team(host, app, settings, installation, added(host, app))


@pytest.fixture
def acme(tmp_path: Path, host: FakeForgejo) -> Iterator[Acme]:
    """A service whose background jobs run only when a test runs them."""
    app = host.repository("team/app", private=True)
    host.tokens["good-token"].repositories.add("team/app")
    app.commit({"src/cart.py": "1\n", "src/gone.py": "1\n"}, "First")
    app.commit({"src/cart.py": "1\n2\n", "src/gone.py": None}, "Second, fixes SHOP-7")
    (tmp_path / "service").mkdir()
    with open_api(tmp_path / "service", plugins_toml(oauth_settings(host)), background=False) as api:
        yield Acme(api, host, app)
