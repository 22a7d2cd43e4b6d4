"""A fake GitHub and the plugin's hooks for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hosts import openapi
from fake_hosts.base import Call
from fake_hosts.github import FakeGitHub
from github_calls import GitHubCalls


class RecordedGitHub(FakeGitHub):
    """A fake that keeps all requests, also those that a test removes from ``calls``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.recorded: list[Call] = []

    def answer(self, call: Call):  # type: ignore[no-untyped-def]  # noqa: ANN201 - that of the base
        self.recorded.append(call)
        return super().answer(call)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RecordedGitHub]:
    """Run a GitHub. All requests of the test must be those that GitHub describes."""
    with RecordedGitHub(tmp_path / "github") as host:
        yield host
    if not openapi.IS_MISSING:
        assert openapi.problems(host.recorded) == []


@pytest.fixture
def github(host: RecordedGitHub) -> Iterator[GitHubCalls]:
    """Call the plugin's hooks with that GitHub."""
    calls = GitHubCalls(host)
    yield calls
    calls.close()
