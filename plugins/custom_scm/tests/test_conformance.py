"""Custom SCM keeps the laws of the contract."""

import hashlib
import hmac
from collections.abc import Mapping

from scmhost.sdk.testing import ProviderConformance, PushSample
from scmhost_custom_scm import plugin


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
    push = PushSample(b'{"repository": "team/app", "commits": [{"id": "c0ffee"}]}', signed)
