"""Custom SCM keeps the laws of the contract."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from scmhost.sdk.testing import Examination, ProviderConformance, PushSample, Samples
from scmhost_custom_scm import plugin


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


PUSH = PushSample(b'{"repository": "team/app", "commits": [{"id": "c0ffee"}]}', signed)


def test_the_readme_says_what_it_can_do() -> None:
    """The table of capabilities is the one that the suite gives."""
    examination = Examination(Samples(plugin, form={"preset": "gitea"}, push=PUSH))
    assert [finding.law.name for finding in examination.all() if finding.verdict == "broken"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert examination.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
    push = PUSH
