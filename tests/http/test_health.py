"""Health probes over HTTP."""

from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from installed import NOT_CONFIGURED
from scmhost.infra.db import schema
from scmhost.infra.loops import Loop, Loops

BROKEN = candidate("broken", "plugins.fails_at_import")
BOTH = PLUGINS_TOML + "[plugins.broken]\nenabled = true\n"


def test_liveness_does_not_need_the_database(api: ApiClient) -> None:
    """A restart of the process would not fix the database, so liveness ignores it."""
    api.services.store.close()
    answer = api.client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_broken_plugin_leaves_process_ready(tmp_path: Path) -> None:
    """The answer has the number of plugins by state; the reasons are for operators only."""
    with open_api(tmp_path, BOTH, more=[BROKEN]) as api:
        answer = api.client.get("/readyz")
        head = api.services.store.schema_status().code
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ready",
            "detail": None,
            "database": "ok",
            "revisions": {"tables": head, "code": head, "oldestCode": schema.oldest_code(head)},
            "generation": 1,
            "staleSince": None,
            "plugins": {"ready": 1, "broken": 1, "off": len(NOT_CONFIGURED)},
            "suspended": [],
            "stuck": [],
        }


def test_suspended_plugin_is_named_and_process_is_ready(tmp_path: Path) -> None:
    """The answer names the suspended plugin, whose other hooks work."""
    faulty = PLUGINS_TOML + "[plugins.faulty]\nenabled = true\ndefault = true\nbreaker = { faults = 1 }\n"
    with open_api(tmp_path, faulty, more=[candidate("faulty", "plugins.faulty")]) as api:
        api.post("integrations/", {"provider": "faulty"})
        answer = api.client.get("/readyz")
        assert (answer.status_code, answer.json()["suspended"]) == (200, ["faulty"])
        assert answer.json()["plugins"] == {"ready": 1, "suspended": 1, "off": len(NOT_CONFIGURED)}


def test_unreadable_configuration_is_reported_and_process_is_ready(api: ApiClient) -> None:
    """The previous settings stay in use; the answer has the time, but not the error."""
    api.services.plugins.keep_last_good("plugins.toml:4: secret")
    answer = api.client.get("/readyz")
    assert (answer.status_code, answer.json()["staleSince"][-1]) == (200, "Z")
    assert "secret" not in answer.text


def test_tables_of_another_version_make_the_process_unready(api: ApiClient) -> None:
    """Before the migration the process answers 503 with the command to run."""
    api.services.store.downgrade("0001")
    answer = api.client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "not_migrated")
    assert "scmhost migrate" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_are_not_cached(api: ApiClient, path: str) -> None:
    """A cached answer could be outdated."""
    assert api.client.get(path).headers["cache-control"] == "no-store"


def test_stuck_background_loop_makes_the_process_unready(api: ApiClient) -> None:
    """A loop that makes no progress is named, so that an operator sees it before its work is missed."""
    ticks = iter([0.0, 1_000.0])
    api.services.shared(Loops).add(Loop("jobs", lambda _woken: False, seconds=1.0, monotonic=lambda: next(ticks)))
    answer = api.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert answer.json()["stuck"] == ["jobs has made no progress for 1000 s"]
    assert "jobs" in answer.json()["detail"]
