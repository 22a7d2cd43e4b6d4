"""Commits up to a ref are fetched from the provider, in the background."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hosting import candidate
from house import SWITCHBOARD, House, commit, open_house
from plugins import historian
from scmhost.admin.background import MOST_ATTEMPTS, RETRY_AFTER, run_due_jobs
from scmhost.infra.db import jobs
from scmhost.services import Services

A, B, C = "a" * 40, "b" * 40, "c" * 40


class At:
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a repository whose provider can be asked for commits, and no background work of its own."""
    switchboard = SWITCHBOARD + "[plugins.historian]\nenabled = true\n"
    more = [candidate("historian", "plugins.historian")]
    with open_house(tmp_path, switchboard, more=more, background=False) as opened:
        claim(opened)
        historian.asked.clear()
        yield opened


def claim(house: House, name: str = "team/app") -> None:
    known = house.get("integrations/").json()
    installation = known[0] if known else house.post("integrations/", {"provider": "historian"}).json()
    repository = house.repository(name)
    fields = {"provider": "historian", "installation": installation["id"], "identifier": repository["id"]}
    assert house.post("repos/", fields).status_code == 201


def set_ref(house: House, head: str, version: str = "1.0", **fields: Any) -> dict[str, Any]:
    house.release(version)
    answer = house.put(f"releases/{version}/", {"refs": [{"repository": "team/app", "commit": head}], **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def later(house: House, minutes: float) -> Services:
    """The services as they will be in some minutes."""
    return replace(house.services, clock=At(datetime.now(UTC) + timedelta(minutes=minutes)))


def test_the_commits_up_to_a_ref_are_fetched(house: House) -> None:
    """The answer says that they come; then they are the release's, with files, authors and resolved issues."""
    (note,) = set_ref(house, A)["notes"]
    assert "are fetched" in note
    assert house.get("releases/1.0/").json()["notes"] == [note]
    assert run_due_jobs(house.services) == 1
    release = house.get("releases/1.0/").json()
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (2, A, [])
    assert release["lastCommit"]["issueIds"] == ["SHOP-12"]
    assert [author["email"] for author in release["authors"]] == ["ada@example.com"]
    assert [item["filename"] for item in house.get("releases/1.0/commitfiles/").json()] == ["a.py"]
    assert historian.asked == [(None, A)]
    assert run_due_jobs(house.services) == 0


def test_they_begin_after_the_release_before(house: House) -> None:
    """Without a base of its own, a ref goes on from the last release of the project."""
    set_ref(house, A)
    set_ref(house, B, "2.0")
    run_due_jobs(house.services)
    assert sorted(historian.asked, key=str) == [(A, B), (None, A)]


@pytest.mark.parametrize("ref", [{"commit": f"{C}..{A}"}, {"commit": A, "previousCommit": C}])
def test_a_base_that_is_told_is_used(house: House, ref: dict[str, str]) -> None:
    """As a range, or as the previous commit."""
    house.release()
    house.put("releases/1.0/", {"refs": [{"repository": "team/app", **ref}]})
    run_due_jobs(house.services)
    assert historian.asked == [(C, A)]


def test_commits_that_came_along_are_not_fetched(house: House) -> None:
    """Who sends the commits themselves is not asked for them."""
    assert set_ref(house, A, commits=[commit(A)])["notes"] == []
    assert run_due_jobs(house.services) == 0
    assert house.shas() == [A]


def test_a_ref_that_is_set_anew_is_the_one_fetched(house: House) -> None:
    """Setting a ref twice asks once, for what was said last."""
    set_ref(house, A)
    set_ref(house, B)
    assert run_due_jobs(house.services) == 1
    assert [head for _, head in historian.asked] == [B]
    assert house.shas()[0] == B


def test_a_job_survives_the_process(house: House, tmp_path: Path) -> None:
    """What was ordered before a restart is fetched after it."""
    set_ref(house, A)
    switchboard = SWITCHBOARD + "[plugins.historian]\nenabled = true\n"
    more = [candidate("historian", "plugins.historian")]
    url = house.services.store.url_without_password
    (tmp_path / "again").mkdir()
    with open_house(tmp_path / "again", switchboard, url, more=more, background=False) as reopened:
        assert run_due_jobs(reopened.services) == 1
    assert house.get("releases/1.0/").json()["commitCount"] == 2


def test_the_service_fetches_by_itself(tmp_path: Path) -> None:
    """A running service does what is due without being asked."""
    switchboard = SWITCHBOARD + "[plugins.historian]\nenabled = true\n"
    with open_house(tmp_path, switchboard, more=[candidate("historian", "plugins.historian")]) as house:
        claim(house)
        set_ref(house, A)
        while house.get("releases/1.0/").json()["commitCount"] < 2:
            pass
        assert house.shas()[0] == A


def test_a_provider_that_does_not_answer_is_asked_again(house: House) -> None:
    """After some minutes, a few times; then the release says why its commits are not there."""
    set_ref(house, historian.UNREACHABLE)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        at = later(house, attempt * (RETRY_AFTER.total_seconds() / 60 + 1))
        assert (run_due_jobs(at), run_due_jobs(at)) == (1, 0)
        note = house.get("releases/1.0/").json()["notes"][0]
        assert "the archive is closed" in note
        assert ".." not in note
        assert ("again: " in note) == (attempt < MOST_ATTEMPTS)
    assert run_due_jobs(later(house, 1_000)) == 0
    assert len(historian.asked) == MOST_ATTEMPTS
    assert "are fetched" in set_ref(house, A)["notes"][0]
    run_due_jobs(house.services)
    assert house.get("releases/1.0/").json()["notes"] == []


def test_what_is_gone_needs_no_commits(house: House) -> None:
    """A release that was deleted meanwhile ends its job."""
    set_ref(house, A)
    house.delete("releases/1.0/")
    assert run_due_jobs(house.services) == 1
    assert historian.asked == []
    house.release()
    assert house.get("releases/1.0/").json()["notes"] == []


def test_an_unclaimed_repository_has_nobody_to_ask(house: House) -> None:
    """The answer says that only the ref is kept, and what to do."""
    house.repository("team/free", None)
    house.release()
    notes = house.put("releases/1.0/", {"refs": [{"repository": "team/free", "commit": A}]}).json()["notes"]
    assert "only the ref is kept: it is unclaimed" in notes[0]
    assert "--local" in notes[0]
    assert run_due_jobs(house.services) == 0


def test_a_provider_that_cannot_be_asked_is_named(house: House) -> None:
    """Custom SCM has no commits of its own."""
    installation = house.install()
    house.claim(house.repository("team/own", None), installation)
    house.release()
    notes = house.put("releases/1.0/", {"refs": [{"repository": "team/own", "commit": A}]}).json()["notes"]
    assert "its provider CustomSCM cannot be asked" in notes[0]


def test_a_provider_that_was_switched_off_is_asked_later(house: House, tmp_path: Path) -> None:
    """The job waits, and says why."""
    set_ref(house, A)
    url = house.services.store.url_without_password
    (tmp_path / "off").mkdir()
    with open_house(tmp_path / "off", SWITCHBOARD, url, background=False) as without:
        assert run_due_jobs(without.services) == 1
        assert "its provider is off" in without.get("releases/1.0/").json()["notes"][0]
        off = without.put("releases/1.0/", {"refs": [{"repository": "team/app", "commit": B}]}).json()
        assert "its provider is off" in off["notes"][0]


def test_commits_of_two_projects_are_joined_when_fetched(house: House) -> None:
    """As for commits that are sent, a release of several projects loses none."""
    house.post("projects/", {"slug": "api"})
    house.release("1.0", "web", "api", commits=[commit(B, timestamp="2020-01-01T00:00:00Z")])
    house.put("releases/1.0/", {"refs": [{"repository": "team/app", "commit": A}]})
    run_due_jobs(house.services)
    assert set(house.shas()) == {A, B, C}


def test_a_worker_that_died_too_often_ends_its_job(house: House) -> None:
    """A job that takes its worker along every time is given up."""
    set_ref(house, A)
    for attempt in range(MOST_ATTEMPTS):
        at = later(house, 2 * attempt)
        with at.store.write() as tx:
            assert jobs.lease(tx, at.clock.now(), at.clock.now() + timedelta(seconds=60))
    assert run_due_jobs(later(house, 100)) == 1
    assert "did not come back" in house.get("releases/1.0/").json()["notes"][0]
