"""Custom SCM keeps the plugin contract."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from scmhost.sdk.testing import ConformanceRun, ProviderConformance, PushSample, Samples
from scmhost_custom_scm import plugin


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


PUSH = PushSample(b'{"repository": "team/app", "commits": [{"id": "c0ffee"}]}', signed)


def test_readme_has_the_table_of_capabilities() -> None:
    """The README has the table of capabilities that the suite prints."""
    run = ConformanceRun(Samples(plugin, form={"preset": "gitea"}, push=PUSH))
    assert [result.check.name for result in run.run_all() if result.outcome == "violated"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert run.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
    push = PUSH
