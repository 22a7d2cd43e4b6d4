"""GitHub: the event ``push``, signed in ``X-Hub-Signature-256``; the older SHA-1 signature alone is not enough."""

from collections.abc import Iterable
from typing import Final

from scmhost.sdk import Push

from .form import Form, signed_in
from .listed import ListedPush, WebRepository

MOST_COMMITS: Final = 2048
"""The longest list that GitHub sends. It does not count what lies beyond."""


class GitHubPush(ListedPush):
    """Commits with ``distinct: false`` came with an earlier push too; saved twice, they change nothing."""

    repository: WebRepository

    def pushes(self) -> Iterable[Push]:
        """One push."""
        yield self.push_to(self.repository.html_url, unlisted=int(self.listed >= MOST_COMMITS))


FORM: Final = Form(
    marks=("x-github-event",),
    events=("x-github-event",),
    push_events=frozenset({"push"}),
    signature="X-Hub-Signature-256",
    signed=signed_in("x-hub-signature-256"),
    body=GitHubPush,
)
