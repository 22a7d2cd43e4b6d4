"""GitLab passes the conformance suite, with a fake GitLab over a real repository."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import history
from scmhost.sdk.testing import CHECKS, ConformanceRun, FileSample, ProviderConformance, PushSample, Samples
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
        application = {"url": fake.url, "client_id": "app", "client_secret": "s3cret-of-app"}
        TestWithApplication.settings = {"instances": {"work": application}}
        # The suite uninstalls, too, which would revoke a token that GitLab gave.
        TestWithApplication.installation = {**TestConformance.installation, "secrets": {"token": "good-token"}}
        TestWithApplication.repository = TestConformance.repository
        yield fake
        assert fake.undocumented == []


@pytest.mark.usefixtures("host")
def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    samples = Samples(
        plugin,
        form=TestConformance.form,
        settings=TestConformance.settings,
        installation=TestConformance.installation,
        repository=TestConformance.repository,
        push=PUSH,
        file=FILE,
        examples=10,
    )
    run = ConformanceRun(samples)
    # The check that waits is made once, by the class below.
    results = [run.run(check) for check in CHECKS if check.name != "host-timeout"]
    assert [result.text for result in results if result.outcome == "violated"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert run.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    form: ClassVar[Mapping[str, Any]] = {"token": "good-token"}
    push: ClassVar[PushSample | None] = PUSH
    file: ClassVar[FileSample | None] = FILE
    examples: ClassVar[int] = 20


class TestWithApplication(ProviderConformance):
    """The same plugin, for an installation that a person confirms at GitLab."""

    plugin: ClassVar[object] = plugin
    push: ClassVar[PushSample | None] = PUSH
    file: ClassVar[FileSample | None] = FILE
    examples: ClassVar[int] = 5
