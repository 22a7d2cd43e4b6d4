"""Jobs: one that is bad costs itself, not the others of its worker."""

from datetime import timedelta
from pathlib import Path

from api import open_api
from scmhost.admin.background import MOST_ATTEMPTS, run_due_jobs
from scmhost.infra.db import jobs
from scmhost.infra.db.jobs import Job
from scmhost.services import Services


def put(services: Services, organization_id: int, kind: str, key: str) -> None:
    with services.store.write() as tx:
        jobs.put(tx, organization_id, kind, key, {}, services.clock.now() - timedelta(seconds=1))


def stored(services: Services, organization_id: int, kind: str) -> list[Job]:
    with services.store.read() as tx:
        return list(jobs.beginning_with(tx, organization_id, kind, ""))


def test_unknown_kind_and_raising_job_are_put_off_and_the_rest_runs(tmp_path: Path) -> None:
    """A job of an unknown kind, and one whose handler raises, are tried again later; neither ends the run."""
    with open_api(tmp_path, background=False) as api:
        organization_id = api.there.organization.id
        put(api.services, organization_id, "from_the_future", "1")
        # Its payload names nothing: the handler raises a KeyError.
        put(api.services, organization_id, "fetch_commits", "2")
        assert run_due_jobs(api.services) == 2
        [unknown] = stored(api.services, organization_id, "from_the_future")
        [raising] = stored(api.services, organization_id, "fetch_commits")
        assert unknown.attempts == raising.attempts == 1
        assert "no job of the kind 'from_the_future'" in (unknown.fault or "")
        assert "release" in (raising.fault or "")
        assert not unknown.failed


def test_progress_is_reported_after_every_job(tmp_path: Path) -> None:
    """A worker with many jobs is not taken for stuck."""
    beats: list[None] = []
    with open_api(tmp_path, background=False) as api:
        for key in "123":
            put(api.services, api.there.organization.id, "unknown", key)
        run_due_jobs(api.services, beat=lambda: beats.append(None))
    assert len(beats) == 3
    assert MOST_ATTEMPTS > 1
