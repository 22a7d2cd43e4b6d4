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
from scmhost.sdk.testing import CHECKS, ConformanceRun, FileSample, ProviderConformance, PushSample, Samples
from scmhost_forgejo import plugin

# Some of the names that the suite asks for.
BRANCHES = ("feature/a#b", "release/1.0", "50%20off", "é", "a&b=c", "a+b", "v1;x", "u@x", "a'b")


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Forgejo-Event": "push", "X-Forgejo-Signature": hmac.new(secret.encode(), body, sha256).hexdigest()}


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """Start a fake host with one repository."""
    with TemporaryDirectory(prefix="scmhost-forgejo-") as folder, FakeForgejo(Path(folder)) as host:
        app = host.repository("team/app")
        host.tokens["good-token"].repositories.add("team/app")
        before = app.commit({"src/app.py": "1\n"})
        after = app.commit({"src/app.py": "2\n", "large.txt": "x" * 2_000_001})
        for branch in BRANCHES:
            app.commit({"src/app.py": f"{branch}\n"}, branch=branch)
        pushed = host.push_delivery(Hook(1, app, "", ""), "refs/heads/main", before, after)
        TestConformance.form = {"instance": host.url, "token": "good-token"}
        TestConformance.repository = {
            "name": "team/app",
            "url": f"{host.url}/team/app",
            "external_id": str(app.id),
            "configuration": {"full_name": "team/app"},
        }
        TestConformance.file = FileSample("main", "src/app.py", large="large.txt")
        TestConformance.push = PushSample(json.dumps(json.loads(pushed.body)).encode(), signed)
        yield


@pytest.mark.parametrize("name", ["install-redirect-safe", "install-saved-kept", "install-declined"])
def test_the_steps_with_an_application(name: str) -> None:
    """Without a token in the form, a person is sent to the server."""
    server = {"url": TestConformance.form["instance"], "client_id": "client-7", "client_secret": "app-secret-9"}
    samples = Samples(plugin, form={"instance": "ours"}, settings={"instances": {"ours": server}})
    check = next(check for check in CHECKS if check.name == name)
    assert ConformanceRun(samples).run(check).outcome == "kept"


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    # An installation with a token is made in one step, and its token does not expire.
    nothing_to_check = frozenset({"credentials-last", "install-redirect-safe", "install-saved-kept"})
    form: ClassVar[Mapping[str, Any]] = {}
    # Each example of an I/O hook is several requests and processes of git.
    examples: ClassVar[int] = 20


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert TestConformance.conformance_report().markdown().partition("\n\n")[0] in readme
