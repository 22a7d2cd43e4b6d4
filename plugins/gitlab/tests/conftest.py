"""A fake GitLab for each test, which fails the test if a request was not one that GitLab documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hosts.gitlab import FakeGitLab
from gitlab_calls import GitLabCalls


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FakeGitLab]:
    with FakeGitLab(tmp_path) as fake:
        yield fake
        assert fake.undocumented == []


@pytest.fixture
def gitlab(host: FakeGitLab) -> GitLabCalls:
    return GitLabCalls(host)
