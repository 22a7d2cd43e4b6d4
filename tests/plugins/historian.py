"""A plugin that compares commits. The base and head of a request determine its result."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    CommitPage,
    Feature,
    FileChange,
    InstallationDraft,
    Provider,
    ProviderUnavailable,
    RateLimited,
    hookimpl,
)

UNREACHABLE = "e" * 40
"""A head that raises ProviderUnavailable."""

LIMITED = "f" * 40
"""A head, or text to search for, that raises RateLimited."""

ODD = "0" * 40
"""A head whose commits have what git allows and databases do not: NUL, half of a pair, the year 1."""

CUT = "9" * 40
"""A head that has more commits than this plugin reads, and changed files that it does not read."""

DEADLY = "d" * 40
"""A head that ends the process once; the file named by HISTORIAN_DIED records it."""

FEATURES = frozenset({Feature.COMMITS, Feature.COMPARE_COMMITS})
PROVIDER = Provider(key="historian", name="Historian", features=FEATURES, requires_feature_flag=False)

requests: list[tuple[str | None, str]] = []


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [PROVIDER]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="historian", external_id="1")


@hookimpl
def scm_offer_repositories(search: str) -> Sequence[object]:
    if search == LIMITED:
        raise RateLimited("100 requests a minute are allowed")
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim:
    return Claim(external_id=request.identifier)


@hookimpl
def scm_compare_commits(base: str | None, head: str) -> Sequence[CommitDraft] | CommitPage:
    requests.append((base, head))
    if head == UNREACHABLE:
        raise ProviderUnavailable("the archive is closed")
    if head == LIMITED:
        raise RateLimited("100 requests a minute are allowed")
    if head == CUT:
        return CommitPage(commits=(CommitDraft(sha=CUT),), unlisted=5, without_changes=1)
    if head == ODD:
        return odd_commits()
    if head == DEADLY:
        die_once()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    between = CommitDraft(sha="c" * 40, message=f"since {base}", author_email="Ada@Example.com", timestamp=moment)
    changes = (FileChange(path="a.py", type="M"),)
    last = CommitDraft(sha=head, message="Fixes SHOP-12", changes=changes, timestamp=moment + timedelta(hours=1))
    return [last, between]


def odd_commits() -> Sequence[CommitDraft]:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    changes = (FileChange(path="a\ud800.py", type="M"), FileChange(path="b.py", type="M"))
    texts = {"message": "a NUL \x00 and \udfff", "author_name": "Ada \x00", "author_email": "ada@example.com"}
    return [CommitDraft(sha=ODD, timestamp=first, changes=changes, **texts), CommitDraft(sha="b" * 40, message="plain")]


def die_once() -> None:
    mark = Path(os.environ["HISTORIAN_DIED"])
    if not mark.exists():
        mark.touch()
        os._exit(9)
