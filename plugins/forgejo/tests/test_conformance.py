"""Forgejo passes the conformance suite, with a fake host."""

import hmac
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from fake_hosts.base import Hook
from fake_hosts.forgejo import FakeForgejo
from scmhost.sdk.testing import ConformanceRun, ProviderConformance, PushSample, Samples
from scmhost_forgejo import plugin


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Forgejo-Event": "push", "X-Forgejo-Signature": hmac.new(secret.encode(), body, sha256).hexdigest()}


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """Start a fake host with one repository."""
    with TemporaryDirectory(prefix="scmhost-forgejo-") as folder, FakeForgejo(Path(folder)) as host:
        app = host.repository("team/app")
        host.tokens["good-token"].repositories.add("team/app")
        before = app.commit({"src/app.py": "1\n"})
        after = app.commit({"src/app.py": "2\n"})
        pushed = host.push_delivery(Hook(1, app, "", ""), "refs/heads/main", before, after)
        TestConformance.form = {"instance": host.url, "token": "good-token"}
        TestConformance.repository = {
            "name": "team/app",
            "url": f"{host.url}/team/app",
            "external_id": str(app.id),
            "configuration": {"full_name": "team/app", "default_branch": "main", "archived": False},
        }
        TestConformance.push = PushSample(json.dumps(json.loads(pushed.body)).encode(), signed)
        yield


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    samples = {name: getattr(TestConformance, name) for name in ("form", "repository", "push")}
    run = ConformanceRun(Samples(plugin, **samples))
    assert [result.check.name for result in run.run_all() if result.outcome == "violated"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert run.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    form: ClassVar[Mapping[str, Any]] = {}
