"""Custom SCM passes the conformance suite."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from scmhost.sdk.testing import ProviderConformance, PushSample
from scmhost_custom_scm import plugin


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


PUSH = PushSample(b'{"repository": "team/app", "commits": [{"id": "c0ffee"}]}', signed)


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    # The plugin asks no host, and has no secret.
    nothing_to_check = frozenset({"host-slow", "host-timeout", "host-unreachable", "secrets-hidden"})
    form: ClassVar[Mapping[str, Any]] = {"preset": "gitea"}
    push = PUSH


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert TestConformance.conformance_report().markdown().partition("\n\n")[0] in readme
