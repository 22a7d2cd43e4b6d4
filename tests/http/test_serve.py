import json
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML
from command import GitRepository, scmhost
from plugins import historian
from serving import Served, serve


def folder_with_configuration(tmp_path: Path) -> Path:
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    return tmp_path


def bootstrap(folder: Path, *words: str) -> dict[str, Any]:
    options = ["--org", "acme", "--project", "web", "--database-url", f"sqlite:///{folder}/served.db", "--json"]
    value: dict[str, Any] = json.loads(scmhost("bootstrap", *options, *words).out)
    return value


def claim(served: Served, token: str, installation: str, repository: str) -> int:
    body = {"provider": "integrations:custom_scm", "installation": installation, "identifier": repository}
    with served.client(token) as client:
        return client.post("/api/0/organizations/acme/repos/", json=body).status_code


def test_the_first_start_creates_the_database(tmp_path: Path) -> None:
    """The command creates the database, logs JSON, answers requests and ends after SIGTERM."""
    folder = folder_with_configuration(tmp_path)
    with serve(folder) as served, served.client() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        answer = client.get("/api/0/")
        assert answer.status_code == 200
        assert (folder / "served.db").exists()
        served.read_until("request")
        line = next(entry for entry in served.log if entry.get("event") == "request")
        assert (line["path"], line["status"], line["request_id"]) == ("/api/0/", 200, answer.headers["x-request-id"])
        assert served.stop() in (0, -signal.SIGTERM)
        assert served.log[-1]["event"] == "stopped"


def test_tokens_are_never_logged(tmp_path: Path) -> None:
    """The log has no token after any kind of request."""
    folder = folder_with_configuration(tmp_path)
    with serve(folder) as served:
        token = str(bootstrap(folder)["token"])
        for used in (token, token[:-1] + "?"):
            with served.client(used) as client:
                client.get("/api/0/organizations/acme/repos/")
        served.stop()
        assert token[12:] not in json.dumps(served.log)


def test_claims_race_across_workers(tmp_path: Path) -> None:
    """Of fifty claims at once over two processes exactly one succeeds."""
    folder = folder_with_configuration(tmp_path)
    with serve(folder, workers=2) as served:
        there = bootstrap(folder, "--repository", "team/app=https://git.example.com/team/app")
        token, repository = str(there["token"]), there["repositories"][0]["id"]
        form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
        with served.client(token) as client:
            installation = client.post("/api/0/organizations/acme/integrations/", json=form).json()["id"]
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: claim(served, token, installation, repository), range(50)))
    assert sorted(answers) == [201, *[404] * 49]


def test_git_history_is_sent_to_server(tmp_path: Path) -> None:
    """``commits send --url`` sends a history over HTTP; a second run sends nothing new."""
    folder = folder_with_configuration(tmp_path)
    repository = GitRepository(tmp_path / "repo")
    for number in range(5):
        repository.commit(f"Change {number}", {"file.py": str(number)})
    with serve(folder) as served:
        words = ["--org", "acme", "--repository", "team/app", "--git", repository.path, "--url", served.url, "--json"]
        token = str(bootstrap(folder)["token"])
        first, again = (json.loads(scmhost("commits", "send", *words, "--token", token).out) for _ in range(2))
        refused = scmhost("commits", "send", *words, "--token", "wrong")
    assert (first["new"], again["new"]) == (5, 0)
    assert (refused.code, "401: Invalid token" in refused.err) == (1, True)
    assert scmhost("commits", "send", *words, "--token", token).code == 1
    assert scmhost("commits", "send", *words).code == 1


def install_historian(folder: Path) -> Path:
    """Install the plugin that fetches commits, and return the folder for PYTHONPATH."""
    site = folder / "site"
    info = site / "historian-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(historian.__file__, site / "historian.py")
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: historian\nVersion: 1.0\nKeywords: scmhost-api>=1.1\n")
    (info / "entry_points.txt").write_text("[scmhost]\nhistorian = historian\n")
    return site


def test_a_job_survives_a_killed_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch of commits that a killed process had started is completed after the next start."""
    monkeypatch.setenv("PYTHONPATH", str(install_historian(tmp_path)))
    monkeypatch.setenv("HISTORIAN_DIED", str(tmp_path / "died"))
    more = "[plugins.historian]\nenabled = true\n[limits]\njob_seconds = 1\n"
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML + more, encoding="utf-8")
    here = "/api/0/organizations/acme"
    with serve(tmp_path) as served:
        there = bootstrap(tmp_path, "--repository", "team/app=https://git.example.com/team/app")
        with served.client(str(there["token"])) as client:
            installation = client.post(f"{here}/integrations/", json={"provider": "historian"}).json()["id"]
            fields = {"provider": "historian", "installation": installation, "identifier": "team/app"}
            assert client.post(f"{here}/repos/", json=fields).status_code == 201
            refs = [{"repository": "team/app", "commit": historian.DEADLY}]
            body = {"version": "1.0", "projects": ["web"], "refs": refs}
            assert client.post(f"{here}/releases/", json=body).status_code == 201
        assert served.process.wait(60) == 9
    with serve(tmp_path) as served:
        served.read_until("job done")
        with served.client(str(there["token"])) as client:
            assert client.get(f"{here}/releases/1.0/").json()["commitCount"] == 2
