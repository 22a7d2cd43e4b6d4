"""Plugins of other vendors, installed as wheels beside the host's wheel: a current one, and one for contract 1.1."""

import json
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from command import Done
from serving import Served, serve
from wheels import PIP, build_wheels

ROOT = Path(__file__).parents[2]
CONFIGURATION = """\
schema = 1
[plugins.acme_forge]
enabled = true
distribution = "acme-forge-for-scmhost"
allow = { organizations = ["acme"] }
settings = { missing_paths = ["src/gone.py"] }
"""
# The source of this plugin is what ``scmhost plugin new`` wrote when the contract was 1.1. It must not be changed.
OLD_CONFIGURATION = """\
schema = 1
[plugins.old_forge]
enabled = true
distribution = "scmhost-old-forge"
allow = { organizations = ["acme"] }
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ``bin`` folder of a new virtual environment with three wheels: the host and the plugins.

    Their dependencies are those of this environment, so that nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("third-party")
    sources = [ROOT, *(ROOT / "tests" / "plugins" / name for name in ("acme_forge", "old_forge"))]
    wheels = build_wheels(folder / "wheels", *sources)
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
    target = ["--python", str(folder / "venv"), "install", "--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*PIP, *target, *map(str, wheels)], check=True)
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
        "found = [(r.name, r.state) for r in host.services.plugins.plugins if r.name == 'acme_forge']; "
        "print(found, 'acme_forge' in sys.modules)"
    )
    done = run(environment / "python", tmp_path, "-c", code)
    assert done.out == "[('acme_forge', 'off')] False\n", done.err


def test_plugin_of_contract_1_1_works_unchanged(environment: Path, tmp_path: Path) -> None:
    """A wheel that states contract 1.1 is loaded, claims a repository, links, and reads a pasted link."""
    (tmp_path / "plugins.toml").write_text(OLD_CONFIGURATION, encoding="utf-8")
    with serve(tmp_path, command=environment / "scmhost") as served:
        options = ["--org", "acme", "--project", "web", "--repository", "team/app", "--json"]
        database = ["--database-url", f"sqlite:///{tmp_path}/served.db"]
        bootstrap = json.loads(run(environment / "scmhost", tmp_path, "bootstrap", *options, *database).out)
        base = "/api/0/organizations/acme/"
        with served.client(bootstrap["token"]) as client:
            form = {"provider": "old_forge", "team": "team", "server": "https://forge.example.net"}
            installation = client.post(base + "integrations/", json=form).json()
            offers = client.get(f"{base}integrations/{installation['id']}/repos/").json()["repos"]
            assert [(offer["name"], offer["defaultBranch"]) for offer in offers] == [("team/app", None)]
            add = {"provider": "old_forge", "installation": installation["id"], "identifier": offers[0]["identifier"]}
            repository = client.post(base + "repos/", json=add).json()
            assert repository["url"] == "https://forge.example.net/team/app"
            mapping = {"repositoryId": repository["id"], "integrationId": installation["id"]}
            roots = {"projectId": bootstrap["project"]["id"], "stackRoot": "/srv/", "sourceRoot": "src/"}
            assert client.post(base + "code-mappings/", json={**mapping, **roots}).status_code == 201
            page = f"{repository['url']}/show/main/src/a.py"
            parsed = client.post(
                "/api/0/projects/acme/web/repo-path-parsing/", json={"sourceUrl": page, "stackPath": "/srv/a.py"}
            ).json()
            assert (parsed["stackRoot"], parsed["sourceRoot"], parsed["defaultBranch"]) == ("/srv/", "src/", "main")
        found = link(served, bootstrap["token"], "/srv/a b.py")
    assert found["sourceUrl"] == f"https://forge.example.net/team/app/show/{'a' * 40}/src/a%20b.py#L4"
    # What came with later contracts is missing, and nothing else.
    assert (found["verified"], found["error"]) == (None, None)


def test_plugin_of_contract_1_1_keeps_the_checks(environment: Path, tmp_path: Path) -> None:
    """The suite of this version accepts it, and states nothing about its range of versions."""
    form = '[form]\nteam = "team"\nserver = "https://git.example.com"\n'
    (tmp_path / "samples.toml").write_text(form, encoding="utf-8")
    names = ("imports", "hooks-fit", "hook-kinds", "provider-hooks", "result-fits", "links-read-back")
    checks = [word for name in names for word in ("--check", name)]
    words = ("plugin", "check", "scmhost-old-forge", "--samples", "samples.toml", *checks)
    done = run(environment / "scmhost", tmp_path, *words)
    assert (done.code, "note" in done.out) == (0, False), done.out + done.err
    (metadata,) = environment.parent.glob("lib/python*/site-packages/scmhost_old_forge-*.dist-info/METADATA")
    assert "scmhost-api<2,scmhost-api>=1.1" in metadata.read_text(encoding="utf-8")
