"""The project that ``scmhost plugin new`` writes: built as a wheel, installed, tested, and used in a host."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from api import SHA, open_api
from command import SCMHOST, scmhost
from scmhost.sdk.testing import CHECKS
from wheels import PIP, build_wheels


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new plugin, with its wheel in ``dist`` and the installed wheel in ``site``."""
    folder = tmp_path_factory.mktemp("new") / "scmhost-teapot"
    assert scmhost("plugin", "new", "teapot", "--into", folder).code == 0
    (wheel,) = build_wheels(folder / "dist", folder)
    subprocess.run([*PIP, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder


def run(project: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in the plugin's folder, with the installed wheel."""
    environ = {**os.environ, "PYTHONPATH": str(project / "site")}
    return subprocess.run(list(map(str, words)), cwd=project, capture_output=True, text=True, check=False, env=environ)


def test_wheel_is_complete(project: Path) -> None:
    """The wheel has all modules, the marker of their types and the API range."""
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    modules = {"__init__.py", "forms.py", "pages.py", "plugin.py", "py.typed"}
    assert {f"scmhost_teapot/{name}" for name in modules} <= set(names)
    assert "scmhost-api>=1.2" in metadata


def test_its_own_tests_pass(project: Path) -> None:
    """The tests of a new plugin pass without a change."""
    done = run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert f"41 of {len(CHECKS)} checks: 37 kept, 4 not run." in done.stdout


def test_its_types_are_complete(project: Path) -> None:
    """Strict mypy reports nothing."""
    done = run(project, sys.executable, "-m", "mypy", "--strict", "--no-incremental", "src/scmhost_teapot")
    assert done.returncode == 0, done.stdout


def test_installed_wheel_keeps_the_checks(project: Path) -> None:
    """The command checks the installed wheel."""
    done = run(project, SCMHOST, "plugin", "check", "scmhost-teapot", "--check", "links-safe", "--check", "sdk-only")
    assert (done.returncode, f"2 of {len(CHECKS)} checks: 2 kept." in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )


def test_it_claims_and_links(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own plugins.toml the plugin works in a host."""
    monkeypatch.syspath_prepend(project / "site")
    with open_api(tmp_path, (project / "plugins.toml").read_text(encoding="utf-8")) as api:
        form = {"provider": "teapot", "team": "team", "server": "https://teapot.example.com"}
        installation = api.post("integrations/", form).json()
        known = api.repository(url=None)
        add = {"provider": "integrations:teapot", "installation": installation["id"], "identifier": known["id"]}
        claimed = api.post("repos/", add)
        assert (claimed.status_code, claimed.json()["url"]) == (201, "https://teapot.example.com/team/app")
        assert api.mapping(claimed.json(), installation).status_code == 201
        link = api.link(file="/srv/app/a b.py", lineNo="4", commitId=SHA)
    assert link["sourceUrl"] == f"https://teapot.example.com/team/app/show/{SHA}/src/a%20b.py#L4"
