"""``make demo-forgejo``: every step does what it has to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fake_hosts.demo_forgejo import StepFailed, check, wait

TESTS = Path(__file__).parents[1]
STEPS = ("A service", "A code host", "Install", "Offers", "Ingest", "Webhook", "Push", "Link")


def test_the_demo_succeeds(tmp_path: Path) -> None:
    """It prints its steps in their order, and neither the token nor anything else that is secret."""
    command = [sys.executable, "-m", "fake_hosts.demo_forgejo"]
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    titles = [block.splitlines()[0].partition(":")[0] for block in done.stdout.strip().split("\n\n")]
    assert titles == [*STEPS, "Every step did what it has to."]
    assert "forgejo-token-of-ada" not in done.stdout


def test_a_step_that_fails_ends_the_demo() -> None:
    """The text says what does not hold, or what did not come."""
    with pytest.raises(StepFailed, match="it does not hold that the moon is green"):
        check("the moon is green", holds=False)
    with pytest.raises(StepFailed, match="the moon did not come within 0 s"):
        wait("the moon", lambda: None, patience=0)
