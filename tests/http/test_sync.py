"""Repositories that change at their code host, as clients of the API see them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, SHA, ApiClient, commit, open_api
from hosting import candidate
from plugins.scripted import script
from scmhost.admin.background import run_due_jobs
from scmhost.sdk import RepositoryUpdate

CONFIGURATION = f"{PLUGINS_TOML}[plugins.scripted]\nenabled = true\ndefault = true\n"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A host with a claimed repository of a scripted provider, and without background work."""
    with open_api(
        tmp_path, CONFIGURATION, more=[candidate("scripted", "plugins.scripted")], background=False
    ) as opened:
        script.reset()
        yield opened


def claimed(api: ApiClient) -> tuple[dict[str, Any], str]:
    """Return a claimed repository, and the path of the synchronization of its installation."""
    installation = api.post("integrations/", {"provider": "scripted"}).json()
    fields = {"provider": "scripted", "installation": installation["id"], "identifier": api.repository()["id"]}
    repository: dict[str, Any] = api.post("repos/", fields).json()
    return repository, f"integrations/{installation['id']}/sync/"


def report(repository: dict[str, Any], **changes: Any) -> None:
    script.sync = lambda _repositories: [RepositoryUpdate(repository_id=int(repository["id"]), **changes)]


def sync(api: ApiClient, path: str) -> dict[str, Any]:
    """Synchronize now, and return the result."""
    assert api.post(path, None).status_code == 202
    run_due_jobs(api.services)
    body: dict[str, Any] = api.get(path).json()
    return body


def test_requested_synchronization_is_answered_before_it_runs(api: ApiClient) -> None:
    """The request is answered at once; the result follows, with what could not be applied."""
    repository, path = claimed(api)
    assert api.get(path).json() == {
        "state": "idle",
        "fault": None,
        "dateFinished": None,
        "checked": 0,
        "changed": 0,
        "notes": [],
    }
    report(repository, name="team/shop", url="ftp://forge.example/shop")
    waiting = api.post(path, None)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "waiting")
    run_due_jobs(api.services)
    result = api.get(path).json()
    assert (result["state"], result["checked"], result["changed"], result["fault"]) == ("idle", 1, 1, None)
    assert "URL" in result["notes"][0]
    assert api.get(f"repos/{repository['id']}/").json()["name"] == "team/shop"
    (entry,) = api.get("audit-logs/", params={"event": "repository.sync"}).json()["rows"]
    assert (entry["targetObject"], entry["data"]["name"]) == (repository["id"], "team/shop")


def test_everything_goes_on_with_the_old_name(api: ApiClient) -> None:
    """Commits, releases, refs and bulk mappings with the old name, or the old path, are of the renamed repository."""
    repository, path = claimed(api)
    report(repository, name="group/shop", url="https://forge.example/group/shop")
    sync(api, path)
    stored = api.post("commits/", {"commits": [commit(SHA, "team/app")]}).json()["repositories"]
    assert [(item["id"], item["name"]) for item in stored] == [(repository["id"], "group/shop")]
    missing = api.post("commits/missing/", {"repository": "Team/App", "ids": [SHA]}).json()
    assert missing["missing"] == []
    api.release("1.0", refs=[{"repository": "team/app", "commit": SHA}])
    of_release = api.get("releases/1.0/commits/", params={"repo_name": "team/app"})
    assert of_release.status_code == 200, of_release.text
    body = {"project": "web", "repository": "team/app", "defaultBranch": "main"}
    mappings = [{"stackRoot": "/bulk/", "sourceRoot": "b/"}]
    answer = api.post("code-mappings/bulk/", {**body, "mappings": mappings})
    assert answer.status_code == 200, answer.text
    (made,) = api.get("code-mappings/").json()
    assert (made["repoId"], made["repoName"]) == (repository["id"], "group/shop")
    assert len(api.get("repos/").json()) == 1


def test_state_at_the_host_is_shown(api: ApiClient) -> None:
    """One that is deleted there has a reason, keeps its links and fetches no commits."""
    repository, path = claimed(api)
    shown = {}
    for state in ("archived", "deleted", "active"):
        report(repository, state=state)
        sync(api, path)
        body = api.get(f"repos/{repository['id']}/").json()
        shown[state] = body["hostState"], body["status"], "deleted" in str(body["idle"])
    assert shown == {
        "archived": ("archived", "active", False),
        "deleted": ("deleted", "active", True),
        "active": ("active", "active", False),
    }


def test_provider_that_is_off(api: ApiClient, tmp_path: Path) -> None:
    """The request has the reason, and a job that waited ends with it."""
    _, path = claimed(api)
    api.post(path, None)
    url = api.services.store.url_without_password
    (tmp_path / "off").mkdir()
    with open_api(tmp_path / "off", PLUGINS_TOML, url, background=False) as without:
        assert run_due_jobs(without.services) == 1
        result = without.get(path).json()
        assert (result["state"], result["fault"] is not None, result["checked"]) == ("idle", True, 0)
        assert without.post(path, None).status_code == 404


def test_unknown_installation_is_not_found(api: ApiClient) -> None:
    """Neither of the routes finds one of another organization, or none."""
    assert api.get("integrations/999999/sync/").status_code == 404
    assert api.post("integrations/999999/sync/", None).status_code == 404
