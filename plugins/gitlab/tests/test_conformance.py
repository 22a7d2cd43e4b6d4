"""GitLab passes the conformance suite, with a fake GitLab over a real repository."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import history
from scmhost.sdk.testing import CHECKS, Check, ConformanceRun, FileSample, ProviderConformance, PushSample, Samples
from scmhost_gitlab import plugin

BODY = {
    "object_kind": "push",
    "event_name": "push",
    "before": "a" * 40,
    "after": "b" * 40,
    "ref": "refs/heads/main",
    "project_id": 15,
    "project": {"id": 15, "web_url": "https://gitlab.example.com/acme/shop/cart"},
    "commits": [
        {
            "id": "b" * 40,
            "message": "Count the items",
            "timestamp": "2026-01-02T03:04:05+02:00",
            "author": {"name": "Ada", "email": "ada@example.com"},
            "added": ["src/cart.py"],
            "modified": [],
            "removed": [],
        }
    ],
    "total_commits_count": 1,
}
PUSH = PushSample(
    body=json.dumps(BODY).encode(),
    headers=lambda secret, _: {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret},
)

FILE = FileSample(ref="main", path="src/file0.py")


@pytest.fixture(scope="module", autouse=True)
def host() -> Iterator[FakeGitLab]:
    """Start a fake GitLab with a project in a subgroup, and point the samples to it."""
    with TemporaryDirectory(prefix="scmhost-gitlab-") as folder, FakeGitLab(Path(folder)) as fake:
        project = fake.repository("acme/shop/cart", private=True)
        history(project, 3)
        fake.tokens["good-token"].repositories.add(project.full_name)
        TestConformance.settings = {"instances": {"work": {"url": fake.url}}}
        TestConformance.installation = {"metadata": {"domain_name": fake.url}, "configuration": {}}
        TestConformance.repository = {"name": project.full_name, "url": f"{fake.url}/{project.full_name}"}
        fake.applications["app"] = "s3cret-of-app"
        yield fake
        assert fake.undocumented == []


@pytest.fixture(scope="module")
def with_application(host: FakeGitLab) -> ConformanceRun:
    """The suite for an installation that a person confirms at GitLab."""
    application = {"url": host.url, "client_id": "app", "client_secret": "s3cret-of-app"}
    return ConformanceRun(
        Samples(
            plugin,
            settings={"instances": {"work": application}},
            # The suite uninstalls, too, which would revoke a token that GitLab gave.
            installation={**TestConformance.installation, "secrets": {"token": "good-token"}},
            repository=TestConformance.repository,
            push=PUSH,
            file=FILE,
            examples=5,
        )
    )


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    # An installation with a token is made in one step, and its token does not expire.
    nothing_to_check = frozenset({"credentials-last", "install-redirect-safe", "install-safe", "install-saved-kept"})
    form: ClassVar[Mapping[str, Any]] = {"token": "good-token"}
    push: ClassVar[PushSample | None] = PUSH
    file: ClassVar[FileSample | None] = FILE
    examples: ClassVar[int] = 20


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert TestConformance.conformance_report().markdown().partition("\n\n")[0] in readme


# The others belong to all hooks, which send the same requests through the same client.
@pytest.mark.parametrize("check", [check for check in CHECKS if check.hooks], ids=lambda check: check.name)
def test_an_installation_that_a_person_confirms(with_application: ConformanceRun, check: Check) -> None:
    """The application keeps the checks of its hooks, too."""
    result = with_application.run(check)
    assert result.outcome != "violated", result.report


@pytest.mark.parametrize("name", ["install-redirect-safe", "install-saved-kept", "install-declined"])
def test_a_person_is_sent_to_gitlab(with_application: ConformanceRun, name: str) -> None:
    """Without a token in the form."""
    assert with_application.run(next(check for check in CHECKS if check.name == name)).outcome == "kept"
