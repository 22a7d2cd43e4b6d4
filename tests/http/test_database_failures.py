"""Failures of the database and of plugins, and the answers to requests that need them."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import PLUGINS_TOML, ApiClient, commit, open_api
from hosting import candidate
from scmhost.application import create_application
from scmhost.infra.db.engine import Store


def test_a_locked_database_is_503_and_nothing_is_half_saved(tmp_path: Path) -> None:
    """While another process holds the lock, writes are 503 and reads succeed; afterwards everything works."""
    with open_api(tmp_path, busy_timeout=0.05) as api:
        blocker = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        answer = api.post("commits/", {"commits": [commit()]})
        assert (answer.status_code, "busy" in answer.json()["detail"]) == (503, True)
        assert api.get("repos/").json() == []
        assert api.client.get("/healthz").status_code == 200
        blocker.execute("ROLLBACK")
        blocker.close()
        assert api.post("commits/", {"commits": [commit()]}).status_code == 200


def test_a_full_disk_is_503_and_nothing_is_half_saved(tmp_path: Path) -> None:
    """On a full disk writes are 503, nothing is saved in part, and stored data can be read."""
    with open_api(tmp_path) as api:
        api.repository()
        with api.services.store.read() as tx:
            pages = tx.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
        api.limit_pages(pages)
        many = [commit(f"{number:040}", message="x" * 5_000) for number in range(200)]
        answer = api.post("commits/", {"commits": many})
        assert (answer.status_code, "disk is full" in answer.json()["detail"]) == (503, True)
        repository = api.get("repos/").json()[0]
        assert api.get(f"repos/{repository['id']}/commits/").json() == []


def test_a_database_that_cannot_be_reached_makes_the_process_unready(tmp_path: Path) -> None:
    """The process is alive but not ready, and its housekeeping is postponed."""
    with open_api(tmp_path) as api:
        gone = Store.open(f"sqlite:///{tmp_path}/no/such/folder/x.db")
        with TestClient(create_application(replace(api.services, store=gone))) as client:
            health, ready = client.get("/healthz"), client.get("/readyz")
        gone.close()
        assert (health.status_code, ready.status_code) == (200, 503)
        assert (ready.json()["database"], ready.json()["status"]) == ("unreachable", "not ready")
        assert "/no/such" not in ready.text


def test_a_redirect_without_its_database_is_a_page(tmp_path: Path) -> None:
    """A person who follows a link sees that it may work in a moment, and no address of the database."""
    with open_api(tmp_path) as api:
        gone = Store.open(f"sqlite:///{tmp_path}/no/such/folder/x.db")
        with TestClient(create_application(replace(api.services, store=gone))) as client:
            answer = client.get(f"/r/1-{'A' * 43}?file=/srv/app/a.py")
        gone.close()
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert answer.headers["retry-after"] == "5"
        assert "Reload this page in a moment." in answer.text
        assert "/no/such" not in answer.text


FAULTY = candidate("faulty", "plugins.faulty")
BOTH = PLUGINS_TOML + "[plugins.faulty]\nenabled = true\ndefault = true\n"


def test_a_plugin_that_fails_is_named(tmp_path: Path) -> None:
    """A fault fails the request that needed the plugin, and the answer has the plugin and the hook."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        answer = api.post("integrations/", {"provider": "faulty"})
        assert answer.status_code == 502
        for word in ("faulty", "scm_install", "RuntimeError"):
            assert word in answer.json()["detail"]
        assert api.install()["provider"]["key"] == "custom_scm"


def test_repeatedly_failing_plugin_is_suspended(tmp_path: Path) -> None:
    """After several faults in a row the answer is 503 at once, with Retry-After and the last fault."""
    with open_api(tmp_path, BOTH + "breaker = { faults = 2 }\n", more=[FAULTY]) as api:
        answers = [api.post("integrations/", {"provider": "faulty"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [502, 502, 503]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 10
        for word in ("scm_install: suspended since", "next try at", "last fault: raised RuntimeError"):
            assert word in answers[2].json()["detail"]


def test_failed_file_check_leaves_link_unverified(tmp_path: Path) -> None:
    """If the check of a file fails, the link is returned without ``verified``."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        api.mapping(*of_faulty(api, "blind"))
        answer = api.link()
        assert (answer["error"], answer["verified"]) == (None, None)
        assert answer["sourceUrl"] == "https://faulty.example/src/a.py"


def test_links_of_suspended_plugin_have_a_reason(tmp_path: Path) -> None:
    """A frame of a suspended provider has the reason of a failing one, with the rest of the pause."""
    with open_api(tmp_path, BOTH + "breaker = { faults = 1 }\n", more=[FAULTY]) as api:
        api.mapping(*of_faulty(api, "down"))
        failed, suspended = api.link(), api.link()
        assert (failed["error"], suspended["error"]) == ("provider_failed", "provider_failed")
        assert "scm_source_url: suspended since" in suspended["detail"]


@pytest.mark.parametrize(("text", "status"), [("Fix it", 400), ("Try later", 503), ("Not yours", 403)])
def test_plugin_refusal_message_is_shown(tmp_path: Path, text: str, status: int) -> None:
    """An error that a plugin raises on purpose is no fault: the answer has its text."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        answer = api.post("integrations/", {"provider": "faulty", "say": text})
        assert (answer.status_code, answer.json()) == (status, {"detail": text})


def of_faulty(api: ApiClient, say: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Create a repository of an installation of the faulty plugin."""
    installation = api.post("integrations/", {"provider": "faulty", "install": True, "say": say}).json()
    repository = api.repository()
    changed = api.put(f"repos/{repository['id']}/", {"integrationId": installation["id"]})
    return changed.json(), installation


@pytest.mark.parametrize(
    ("say", "error"),
    [
        ("", "provider_failed"),
        ("Fix it", "provider_failed"),
        ("Not yours", "integration_link_forbidden"),
        ("unsafe", "unsafe_url"),
        ("none", "no_source_pages"),
        ("gone", "file_not_found"),
    ],
)
def test_a_failing_provider_is_a_reason_like_any_other(tmp_path: Path, say: str, error: str) -> None:
    """For every kind of fault the frame has a reason and a next step."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        repository, installation = of_faulty(api, say)
        mapping = api.mapping(repository, installation).json()
        answer = api.link()
        assert (answer["error"], answer["config"], answer["sourceUrl"]) == (error, mapping, None)
        assert answer["nextStep"]


def test_a_repository_is_shown_even_when_its_plugin_shapes_it_wrongly(tmp_path: Path) -> None:
    """The host's own payload is shown, with a note about the fault."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        repository, _ = of_faulty(api, "")
        assert repository["name"] == "team/app"
        assert "plugin failed" in repository["idle"]


def test_commits_are_listed_even_when_their_pages_fail(tmp_path: Path) -> None:
    """A fault of the plugin removes the URL of the page, but the commits are listed."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        repository, _ = of_faulty(api, "")
        api.post("commits/", {"commits": [commit()]})
        assert api.get(f"repos/{repository['id']}/commits/").json()[0]["url"] is None
        api.release(refs=[{"repository": "team/app", "commit": "a..b"}])
        assert api.get("releases/1.0/").json()["refs"][0]["compareUrl"] is None


def test_a_refused_claim_saves_nothing(tmp_path: Path) -> None:
    """The status is that of the plugin's error, and the repository stays unclaimed."""
    with open_api(tmp_path, BOTH, more=[FAULTY]) as api:
        installation = api.post("integrations/", {"provider": "faulty", "install": True}).json()
        repository = api.repository()
        body = {"provider": "faulty", "installation": installation["id"], "identifier": repository["id"]}
        answer = api.post("repos/", body)
        assert (answer.status_code, answer.json()) == (503, {"detail": "Not today."})
        assert api.get(f"repos/{repository['id']}/").json()["integrationId"] is None
        assert api.get(f"integrations/{installation['id']}/repos/").status_code == 502


def test_plugin_off_for_organization_cannot_be_used(tmp_path: Path) -> None:
    """An organization that is not in ``allow`` does not see the provider and cannot install it."""
    configuration = PLUGINS_TOML.replace("acme", "somebody-else")
    with open_api(tmp_path, configuration) as api:
        assert api.get("config/integrations/").status_code == 404
        form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
        answer = api.post("integrations/", form)
        assert (answer.status_code, "custom_scm" in answer.json()["detail"]) == (404, True)
        assert api.get("integrations/").json() == []
