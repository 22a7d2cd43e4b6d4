"""A code host unlike git keeps every check of the contract, without a waiver."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from plugins import depot
from scmhost.sdk.testing import ProviderConformance, PushSample


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Depot-Signature": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


@pytest.fixture(autouse=True)
def _fresh_depot() -> None:
    depot.depot.reset()


class TestDepot(ProviderConformance):
    """All checks."""

    plugin: ClassVar[object] = depot
    # The plugin asks no host, and has no secret.
    nothing_to_check = frozenset(
        {"file-sample-exists", "host-slow", "host-timeout", "host-unreachable", "secrets-hidden"}
    )
    form: ClassVar[Mapping[str, Any]] = {"server": "https://swarm.example.com"}
    repository: ClassVar[Mapping[str, Any]] = {
        "name": "//depot/main",
        "url": "https://swarm.example.com/files/depot/main",
    }
    push = PushSample(b'{"change": 1043, "files": ["//depot/main/shop/cart.py", "//depot/tools/a.py"]}', signed)
