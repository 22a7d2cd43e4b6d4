"""Gitea, Forgejo and Gogs: the event ``push``, signed in a header of each one's own name."""

from collections.abc import Iterable
from typing import Final

from scmhost.sdk import Push

from .fields import Count
from .form import Form, signed_in
from .listed import ListedPush, WebRepository

MOST_UNCOUNTED: Final = 5
"""How many commits Gogs lists by default. It does not count the rest, as Gitea does."""

_EVENTS: Final = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")


class GiteaPush(ListedPush):
    """``total_commits`` counts the commits that are not listed too."""

    repository: WebRepository
    total_commits: Count | None = None

    def pushes(self) -> Iterable[Push]:
        """One push."""
        yield self.push_to(self.repository.html_url, unlisted=self._unlisted())

    def _unlisted(self) -> int:
        if self.total_commits is None:
            return int(self.listed >= MOST_UNCOUNTED)
        return max(0, self.total_commits - self.listed)


FORM: Final = Form(
    marks=_EVENTS,
    events=_EVENTS,
    push_events=frozenset({"push"}),
    signature="X-Gitea-Signature (or X-Forgejo-Signature, X-Gogs-Signature)",
    signed=signed_in("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature", "x-hub-signature-256"),
    body=GiteaPush,
)
