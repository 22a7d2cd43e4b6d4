"""The clock of the machine is set back and forth: the clock of a service in this process."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from api import open_api
from hosting import SettableClock
from reliability.figures import FIGURES, LONG
from reliability.invariants import unfinished_work, violations
from reliability.load import Acknowledged, Writer
from scmhost.admin.background import delete_due_repositories, run_due_jobs

HOUR = 3_600.0


JUMPS = [(6 * HOUR, -6 * HOUR), *([(-6 * HOUR, 6 * HOUR), (-24 * HOUR, 0.0)] if LONG else [])]


@pytest.mark.parametrize("jumps", JUMPS, ids=repr)
def test_requests_and_jobs_survive_clock_jumps(tmp_path: Path, jumps: tuple[float, float]) -> None:
    """Every request is answered as before, and once the clock is right the background work is done."""
    clock, done = SettableClock(), Acknowledged()
    clock.time = datetime.now(UTC)
    with open_api(tmp_path, background=False, clock=clock) as api:
        api.client.headers.update(api.headers)
        writer = Writer(1, 7, str(api.install()["id"]), str(api.there.project.id), done)
        for jump in (0.0, *jumps):
            clock.turn(jump)
            for _ in range(12 if LONG else 4):
                writer.step(api.client)
                run_due_jobs(api.services)
            assert api.call("GET", "/readyz").status_code == 200
        assert violations(api.services.store, done) == []
        for _ in range(4):
            clock.turn(6 * HOUR)
            run_due_jobs(api.services)
            delete_due_repositories(api.services)
        assert unfinished_work(api.services.store) == []
    assert done.surprises == []
    assert set(done.statuses) <= {200, 201, 202, 204}
    FIGURES.add(f"clock set by {jumps[0] / HOUR:+.0f} h, then {jumps[1] / HOUR:+.0f} h", 1, f"{done.writes} changes")
