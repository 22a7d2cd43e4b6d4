"""What ``scmhost plugin new`` writes: built as a wheel, installed, tested by itself, and at work in a host."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from command import SCMHOST, scmhost
from house import SHA, open_house
from scmhost.sdk.testing import LAWS

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin's folder, its wheel in ``dist``, and the wheel installed in ``site``."""
    folder = tmp_path_factory.mktemp("new") / "scmhost-teapot"
    assert scmhost("plugin", "new", "teapot", "--into", folder).code == 0
    subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", folder / "dist", folder], check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder


def run(project: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """A command in the plugin's folder, with the installed wheel."""
    environ = {**os.environ, "PYTHONPATH": str(project / "site")}
    return subprocess.run(list(map(str, words)), cwd=project, capture_output=True, text=True, check=False, env=environ)


def test_the_wheel_is_whole(project: Path) -> None:
    """All modules are in it, with the mark of their types and the range of the contract."""
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    modules = {"__init__.py", "forms.py", "pages.py", "plugin.py", "py.typed"}
    assert {f"scmhost_teapot/{name}" for name in modules} <= set(names)
    assert "scmhost-api>=1.1" in metadata


def test_its_own_tests_pass_at_once(project: Path) -> None:
    """Nothing has to be mended before the first change."""
    done = run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert f"35 of {len(LAWS)} laws asked, 35 kept." in done.stdout


def test_its_types_are_whole(project: Path) -> None:
    """Strict mypy finds nothing."""
    done = run(project, sys.executable, "-m", "mypy", "--strict", "--no-incremental", "src/scmhost_teapot")
    assert done.returncode == 0, done.stdout


def test_it_keeps_the_laws_where_it_is_installed(project: Path) -> None:
    """The command asks the wheel what the tests ask the source."""
    done = run(project, SCMHOST, "plugin", "check", "scmhost-teapot", "--law", "links-safe", "--law", "sdk-only")
    assert (done.returncode, f"2 of {len(LAWS)} laws asked, 2 kept." in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )


def test_it_claims_and_links(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on with its own switchboard, it takes its place in a host."""
    monkeypatch.syspath_prepend(project / "site")
    with open_house(tmp_path, (project / "plugins.toml").read_text(encoding="utf-8")) as house:
        form = {"provider": "teapot", "team": "team", "server": "https://teapot.example.com"}
        installation = house.post("integrations/", form).json()
        known = house.repository(url=None)
        add = {"provider": "integrations:teapot", "installation": installation["id"], "identifier": known["id"]}
        claimed = house.post("repos/", add)
        assert (claimed.status_code, claimed.json()["url"]) == (201, "https://teapot.example.com/team/app")
        assert house.mapping(claimed.json(), installation).status_code == 201
        link = house.link(file="/srv/app/a b.py", lineNo="4", commitId=SHA)
    assert link["sourceUrl"] == f"https://teapot.example.com/team/app/show/{SHA}/src/a%20b.py#L4"
