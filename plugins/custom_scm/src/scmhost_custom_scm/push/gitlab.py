"""GitLab: ``Push Hook`` and ``Tag Push Hook``, with the secret itself or with a signature of Standard Webhooks."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from scmhost.sdk import Push, same_secret

from .fields import Count, RepositoryName
from .form import Form, Payload
from .listed import ListedPush

KEY_MARK: Final = "whsec_"
"""How a signing token begins; the key follows in base64."""


class _Project(Payload):
    web_url: RepositoryName


class GitLabPush(ListedPush):
    """The newest twenty commits are listed, all are counted."""

    project: _Project
    total_commits_count: Count = 0

    def pushes(self) -> Iterable[Push]:
        """One push."""
        yield self.push_to(self.project.web_url, unlisted=max(0, self.total_commits_count - self.listed))


def signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the secret was sent, or is a signing token that the body was signed with."""
    given = headers.get("webhook-signature", "").split(" ")
    expected = _signature(headers, body, _key(secret))
    return same_secret(secret, headers.get("x-gitlab-token", "")) or any(same_secret(expected, one) for one in given)


def _signature(headers: Mapping[str, str], body: bytes, key: bytes) -> str:
    """Empty, which fits nothing, without a key.

    The time is signed but not compared with a clock: a push that is sent again changes nothing.
    """
    head = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode("utf-8", "surrogatepass")
    digest = hmac.new(key, head + body, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode('ascii')}" if key else ""


def _key(secret: str) -> bytes:
    if not secret.startswith(KEY_MARK):
        return b""
    try:
        return b64decode(secret.removeprefix(KEY_MARK), validate=True)
    except ValueError:
        return b""


FORM: Final = Form(
    marks=("x-gitlab-event",),
    events=("x-gitlab-event",),
    push_events=frozenset({"Push Hook", "Tag Push Hook"}),
    signature="X-Gitlab-Token or webhook-signature",
    signed=signed,
    body=GitLabPush,
)
