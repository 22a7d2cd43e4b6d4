"""One service for all tests of clients, and an organization of its own for each test."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx2
import pytest

from organization_client import OrganizationClient, new_organization
from real_clients import NODE_READY, Account, SentryCli, SentryMcp, SentryNode
from serving import Served, serve

PLUGINS_TOML = """\
schema = 1
[host]
mcp = true
[plugins.custom_scm]
enabled = true
default = true
[plugins.git_forge]
enabled = true
default = true
"""
FORGE = Path(__file__).parents[1] / "plugins" / "git_forge.py"
_numbers = count(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of the service, and a second plugin, installed as pip would do it."""
    made = tmp_path_factory.mktemp("clients")
    (made / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    info = made / "forge" / "git_forge-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: git-forge\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scmhost]\ngit_forge = git_forge\n", encoding="utf-8")
    shutil.copy(FORGE, made / "forge")
    return made


@pytest.fixture(scope="session")
def served(folder: Path) -> Iterator[Served]:
    """A service in a process of its own, which must not log an error."""
    with serve(folder, more={"PYTHONPATH": str(folder / "forge")}) as running:
        running.keep_reading()
        yield running
        running.stop()
    # 501 is the answer to uploads.
    failed = {500, 502, 503}
    assert [line for line in running.log if int(line.get("status", 0)) in failed or "error" in line] == []


@pytest.fixture(scope="session")
def http(served: Served) -> Iterator[httpx2.Client]:
    """A client for all tests."""
    with served.client() as client:
        yield client


@pytest.fixture
def organization(folder: Path, http: httpx2.Client) -> OrganizationClient:
    """A new organization for each test."""
    return new_organization(folder, http, f"team-{next(_numbers)}")


@pytest.fixture
def account(served: Served, organization: OrganizationClient, tmp_path: Path) -> Account:
    """The organization as settings of clients."""
    home = tmp_path / "home"
    home.mkdir()
    return Account(served.url, organization.token, organization.slug, "web", home)


@pytest.fixture(params=[3, 2], ids=["v3", "v2"])
def cli(request: pytest.FixtureRequest, account: Account) -> SentryCli:
    """sentry-cli: the newest version, and the one that GitHub's action and the bundlers' plugins use."""
    return SentryCli(request.param, account)


@pytest.fixture
def newest_cli(account: Account) -> SentryCli:
    """The newest sentry-cli."""
    return SentryCli(3, account)


@pytest.fixture
def older_cli(account: Account) -> SentryCli:
    """sentry-cli 2.58."""
    return SentryCli(2, account)


@pytest.fixture(scope="session")
def node() -> None:
    """Node with the clients of npm; with CI=true it is required."""
    if not NODE_READY.exists():
        message = "Node 20+ with npm is missing, and so are the clients that run on it; then run `make clients`"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)


@pytest.fixture
def sentry(node: None, account: Account) -> SentryNode:
    """The ``sentry`` of npm."""
    return SentryNode(account)


@pytest.fixture
def mcp(node: None, account: Account) -> Iterator[SentryMcp]:
    """A running ``sentry-mcp``."""
    with SentryMcp(account) as running:
        yield running
