"""Fetch the commits up to a ref from the provider, in the background."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, commit, open_api
from hosting import candidate
from plugins import historian
from scmhost.admin.background import LONGEST_PAUSE, MAX_ATTEMPTS, run_due_jobs
from scmhost.infra.db import jobs
from scmhost.services import Services

A, B, C = "a" * 40, "b" * 40, "c" * 40


class FixedClock:
    """A clock that always returns the same time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A host with a repository whose provider lists commits, and without background work."""
    configuration = PLUGINS_TOML + "[plugins.historian]\nenabled = true\n"
    more = [candidate("historian", "plugins.historian")]
    with open_api(tmp_path, configuration, more=more, background=False) as opened:
        claim(opened)
        historian.requests.clear()
        yield opened


def claim(api: ApiClient, name: str = "team/app") -> None:
    known = api.get("integrations/").json()
    installation = known[0] if known else api.post("integrations/", {"provider": "historian"}).json()
    repository = api.repository(name)
    fields = {"provider": "historian", "installation": installation["id"], "identifier": repository["id"]}
    assert api.post("repos/", fields).status_code == 201


def set_ref(api: ApiClient, head: str, version: str = "1.0", **fields: Any) -> dict[str, Any]:
    api.release(version)
    answer = api.put(f"releases/{version}/", {"refs": [{"repository": "team/app", "commit": head}], **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def later(api: ApiClient, minutes: float) -> Services:
    """Return the services with a clock that is some minutes ahead."""
    return replace(api.services, clock=FixedClock(datetime.now(UTC) + timedelta(minutes=minutes)))


def test_commits_up_to_a_ref_are_fetched(api: ApiClient) -> None:
    """The answer has a note; after the job the release has the commits with files, authors and issues."""
    (note,) = set_ref(api, A)["notes"]
    assert "are fetched" in note
    assert api.get("releases/1.0/").json()["notes"] == [note]
    assert run_due_jobs(api.services) == 1
    release = api.get("releases/1.0/").json()
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (2, A, [])
    assert release["lastCommit"]["issueIds"] == ["SHOP-12"]
    assert [author["email"] for author in release["authors"]] == ["ada@example.com"]
    assert [item["filename"] for item in api.get("releases/1.0/commitfiles/").json()] == ["a.py"]
    assert historian.requests == [(None, A)]
    assert run_due_jobs(api.services) == 0


def test_fetched_commits_begin_after_previous_release(api: ApiClient) -> None:
    """A ref without a base continues the last release of the project."""
    set_ref(api, A)
    set_ref(api, B, "2.0")
    run_due_jobs(api.services)
    assert sorted(historian.requests, key=str) == [(A, B), (None, A)]


@pytest.mark.parametrize("ref", [{"commit": f"{C}..{A}"}, {"commit": A, "previousCommit": C}])
def test_given_base_commit_is_used(api: ApiClient, ref: dict[str, str]) -> None:
    """As a range, or as the previous commit."""
    api.release()
    api.put("releases/1.0/", {"refs": [{"repository": "team/app", **ref}]})
    run_due_jobs(api.services)
    assert historian.requests == [(C, A)]


def test_commits_in_the_request_are_not_fetched(api: ApiClient) -> None:
    """The provider is not called for a repository whose commits were sent."""
    assert set_ref(api, A, commits=[commit(A)])["notes"] == []
    assert run_due_jobs(api.services) == 0
    assert api.shas() == [A]


def test_latest_ref_is_fetched(api: ApiClient) -> None:
    """If a ref is set twice, only the last commit is fetched."""
    set_ref(api, A)
    set_ref(api, B)
    assert run_due_jobs(api.services) == 1
    assert [head for _, head in historian.requests] == [B]
    assert api.shas()[0] == B


def test_fetch_survives_a_restart(api: ApiClient, tmp_path: Path) -> None:
    """A fetch that was requested before a restart runs after it."""
    set_ref(api, A)
    configuration = PLUGINS_TOML + "[plugins.historian]\nenabled = true\n"
    more = [candidate("historian", "plugins.historian")]
    url = api.services.store.url_without_password
    (tmp_path / "again").mkdir()
    with open_api(tmp_path / "again", configuration, url, more=more, background=False) as reopened:
        assert run_due_jobs(reopened.services) == 1
    assert api.get("releases/1.0/").json()["commitCount"] == 2


def test_service_fetches_commits_in_background(tmp_path: Path) -> None:
    """A running service runs due jobs by itself."""
    configuration = PLUGINS_TOML + "[plugins.historian]\nenabled = true\n"
    with open_api(tmp_path, configuration, more=[candidate("historian", "plugins.historian")]) as api:
        claim(api)
        set_ref(api, A)
        while api.get("releases/1.0/").json()["commitCount"] < 2:
            pass
        assert api.shas()[0] == A


def test_unavailable_provider_is_retried(api: ApiClient) -> None:
    """It is tried for more than a day, with growing pauses; then a note of the release has the reason."""
    set_ref(api, historian.UNREACHABLE)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        at = later(api, attempt * LONGEST_PAUSE.total_seconds() / 60)
        assert (run_due_jobs(at), run_due_jobs(at)) == (1, 0)
        note = api.get("releases/1.0/").json()["notes"][0]
        assert "the archive is closed" in note
        assert ".." not in note
        assert ("again: " in note) == (attempt < MAX_ATTEMPTS)
    assert run_due_jobs(later(api, 100_000)) == 0
    assert len(historian.requests) == MAX_ATTEMPTS
    assert "are fetched" in set_ref(api, A)["notes"][0]
    run_due_jobs(api.services)
    assert api.get("releases/1.0/").json()["notes"] == []


def test_limited_provider_is_asked_again_after_its_pause_without_losing_attempts(api: ApiClient) -> None:
    """A code host that limits requests again and again costs no commits; a note has the reason."""
    set_ref(api, historian.LIMITED)
    minutes = 0.0
    for _ in range(2 * MAX_ATTEMPTS):
        assert run_due_jobs(later(api, minutes)) == 1
        assert run_due_jobs(later(api, minutes + 0.9)) == 0
        minutes += 1.1
    (note,) = api.get("releases/1.0/").json()["notes"]
    assert "will be tried again" in note
    with api.services.store.read() as tx:
        (job,) = jobs.with_key_prefix(tx, api.there.organization.id, "fetch_commits", "")
    assert (job.attempts, job.failed) == (0, False)


def test_answer_has_the_seconds_that_a_code_host_asked_for(api: ApiClient) -> None:
    """503 with Retry-After, on the first request and while the pause lasts."""
    installation = next(one for one in api.get("integrations/").json() if one["provider"]["key"] == "historian")
    for text in ("100 requests", "asked to wait"):
        answer = api.get(f"integrations/{installation['id']}/repos/", params={"search": historian.LIMITED})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert text in answer.json()["detail"]
    plugin = api.client.get("/api/0/plugins/historian/", headers=api.headers).json()
    assert [(pause["integrationId"], pause["seconds"]) for pause in plugin["pauses"]] == [(installation["id"], 60)]


def test_odd_commit_does_not_cost_the_others(api: ApiClient) -> None:
    """What no database stores is replaced, and a time outside the calendar is left out."""
    set_ref(api, historian.ODD)
    run_due_jobs(api.services)
    odd, plain = api.get("releases/1.0/commits/").json()
    assert (odd["id"], odd["message"], odd["author"]["name"]) == (
        historian.ODD,
        "a NUL \ufffd and \ufffd",
        "Ada \ufffd",
    )
    assert (plain["id"], plain["message"]) == (B, "plain")
    assert {item["filename"] for item in api.get("releases/1.0/commitfiles/").json()} == {"a\ufffd.py", "b.py"}


def test_commits_beyond_the_limit_are_reported(api: ApiClient) -> None:
    """The newest are kept, and a note of the release has the numbers until the ref is set again."""
    few = replace(api.services, limits=api.services.limits.model_copy(update={"commits_per_request": 1}))
    set_ref(api, A)
    run_due_jobs(few)
    (note,) = api.get("releases/1.0/").json()["notes"]
    assert "2 commits of repository 'team/app', and the newest 1" in note
    assert "limits.commits_per_request" in note
    assert api.shas() == [A]
    set_ref(api, A)
    run_due_jobs(api.services)
    assert api.get("releases/1.0/").json()["notes"] == []
    assert len(api.shas()) == 2


def test_deleted_release_fetches_no_commits(api: ApiClient) -> None:
    """The job of a deleted release does nothing."""
    set_ref(api, A)
    api.delete("releases/1.0/")
    assert run_due_jobs(api.services) == 1
    assert historian.requests == []
    api.release()
    assert api.get("releases/1.0/").json()["notes"] == []


def test_unclaimed_repository_has_no_provider_to_fetch_from(api: ApiClient) -> None:
    """A note explains that only the ref is kept, and how to send the commits."""
    api.repository("team/free", None)
    api.release()
    notes = api.put("releases/1.0/", {"refs": [{"repository": "team/free", "commit": A}]}).json()["notes"]
    assert "only the ref is kept: it is unclaimed" in notes[0]
    assert "--local" in notes[0]
    assert run_due_jobs(api.services) == 0


def test_provider_without_commit_hook_is_named(api: ApiClient) -> None:
    """The note names Custom SCM, which cannot list commits."""
    installation = api.install()
    api.claim(api.repository("team/own", None), installation)
    api.release()
    notes = api.put("releases/1.0/", {"refs": [{"repository": "team/own", "commit": A}]}).json()["notes"]
    assert "its provider CustomSCM cannot list" in notes[0]


def test_job_of_disabled_provider_is_postponed(api: ApiClient, tmp_path: Path) -> None:
    """The job waits, and a note has the reason."""
    set_ref(api, A)
    url = api.services.store.url_without_password
    (tmp_path / "off").mkdir()
    with open_api(tmp_path / "off", PLUGINS_TOML, url, background=False) as without:
        assert run_due_jobs(without.services) == 1
        assert "its provider is off" in without.get("releases/1.0/").json()["notes"][0]
        off = without.put("releases/1.0/", {"refs": [{"repository": "team/app", "commit": B}]}).json()
        assert "its provider is off" in off["notes"][0]


def test_commits_of_two_projects_are_joined_when_fetched(api: ApiClient) -> None:
    """A release of several projects keeps the commits of all of them."""
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "web", "api", commits=[commit(B, timestamp="2020-01-01T00:00:00Z")])
    api.put("releases/1.0/", {"refs": [{"repository": "team/app", "commit": A}]})
    run_due_jobs(api.services)
    assert set(api.shas()) == {A, B, C}


def test_job_ends_after_too_many_crashed_workers(api: ApiClient) -> None:
    """A job whose worker crashes at each attempt fails for good."""
    set_ref(api, A)
    for attempt in range(MAX_ATTEMPTS):
        at = later(api, 1_000 * attempt)
        with at.store.write() as tx:
            assert jobs.lease(tx, at.clock.now(), at.clock.now() + timedelta(seconds=60))
    assert run_due_jobs(later(api, 1_000 * MAX_ATTEMPTS)) == 1
    assert "its worker ended" in api.get("releases/1.0/").json()["notes"][0]
