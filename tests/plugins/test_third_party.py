"""A plugin of another vendor, installed as a wheel beside the host's wheel."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from command import Done
from serving import Served, serve

ROOT = Path(__file__).parents[2]
CONFIGURATION = """\
schema = 1
[plugins.acme_forge]
enabled = true
distribution = "acme-forge-for-scmhost"
allow = { organizations = ["acme"] }
settings = { missing_paths = ["src/gone.py"] }
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ``bin`` folder of a new virtual environment with two wheels: the host and the plugin.

    Their dependencies are those of this environment, so that nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("third-party")
    sources = [ROOT, ROOT / "tests" / "plugins" / "acme_forge"]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", *sources], check=True)
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    for dependency in Path(sysconfig.get_path("purelib")).iterdir():
        # The host and its own plugins are installed here too, from this checkout.
        if (
            "scmhost" not in dependency.name
            and dependency.suffix != ".pth"
            and not (packages / dependency.name).exists()
        ):
            (packages / dependency.name).symlink_to(dependency)
    wheels = sorted((folder / "wheels").glob("*.whl"))
    target = ["--python", str(folder / "venv"), "install", "--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*pip, *target, *map(str, wheels)], check=True)
    return folder / "venv" / "bin"


def run(command: Path, folder: Path, *words: str) -> Done:
    done = subprocess.run([command, *words], cwd=folder, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def link(served: Served, token: str, file: str) -> dict[str, object]:
    with served.client(token) as client:
        query = {"file": file, "lineNo": "4", "commitId": "a" * 40}
        answer: dict[str, object] = client.get("/api/0/projects/acme/web/stacktrace-link/", params=query).json()
        return answer


def test_third_party_plugin_claims_and_links(environment: Path, tmp_path: Path) -> None:
    """A plugin of another vendor, installed as a wheel, claims a repository and makes links."""
    (tmp_path / "plugins.toml").write_text(CONFIGURATION, encoding="utf-8")
    with serve(tmp_path, command=environment / "scmhost") as served:
        options = ["--org", "acme", "--project", "web", "--repository", "team/app", "--json"]
        database = ["--database-url", f"sqlite:///{tmp_path}/served.db"]
        bootstrap = json.loads(run(environment / "scmhost", tmp_path, "bootstrap", *options, *database).out)
        base = "/api/0/organizations/acme/"
        with served.client(bootstrap["token"]) as client:
            catalogue = client.get(base + "config/integrations/").json()["providers"]
            assert [provider["key"] for provider in catalogue] == ["acme_forge"]
            form = {"provider": "acme_forge", "workspace": "team", "server": "https://forge.example.net"}
            installation = client.post(base + "integrations/", json=form).json()
            offers = client.get(f"{base}integrations/{installation['id']}/repos/").json()["repos"]
            assert offers == [{"name": "team/app", "identifier": "team/app", "defaultBranch": "trunk"}]
            add = {"provider": "integrations:acme_forge", "installation": installation["id"]}
            claimed = client.post(base + "repos/", json={**add, "identifier": "team/app"})
            assert claimed.status_code == 201
            repository = claimed.json()
            assert repository["id"] == bootstrap["repositories"][0]["id"]
            assert repository["externalSlug"] == {"workspace": "team"}
            assert repository["forge"] is True
            assert client.post(base + "repos/", json={**add, "identifier": "team/new"}).json()["name"] == "team/new"
            refused = client.post(base + "repos/", json={**add, "identifier": "secret/x"})
            assert (refused.status_code, refused.json()["detail"]) == (
                400,
                "Acme Forge keeps secret repositories to itself.",
            )
            mapping = {"repositoryId": repository["id"], "integrationId": installation["id"]}
            roots = {"projectId": bootstrap["project"]["id"], "stackRoot": "/srv/", "sourceRoot": "src/"}
            assert client.post(base + "code-mappings/", json={**mapping, **roots}).status_code == 201
        found, gone = (link(served, bootstrap["token"], f"/srv/{name}.py") for name in ("a b", "gone"))
    assert found["sourceUrl"] == f"https://forge.example.net/team/app/show/{'a' * 40}/src/a%20b.py@4"
    assert found["verified"] is True
    assert (gone["error"], gone["sourceUrl"]) == ("file_not_found", None)
    assert str(gone["attemptedUrl"]).endswith("/src/gone.py@4")


def test_disabled_plugin_is_not_imported(environment: Path, tmp_path: Path) -> None:
    """A disabled plugin is listed with the reason, and its module is not imported."""
    (tmp_path / "plugins.toml").write_text("schema = 1\n[plugins.acme_forge]\nenabled = false\n", encoding="utf-8")
    code = (
        "import sys; from scmhost.app import Host, read_configuration; "
        "host = Host.open(read_configuration('plugins.toml', 'sqlite:///off.db')); "
        "print([(r.name, r.state) for r in host.services.plugins.plugins], 'acme_forge' in sys.modules)"
    )
    done = run(environment / "python", tmp_path, "-c", code)
    assert done.out == "[('acme_forge', 'off')] False\n", done.err
