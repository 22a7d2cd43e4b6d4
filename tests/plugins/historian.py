"""A plugin that compares commits. The base and head of a request determine its result."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Feature,
    FileChange,
    InstallationDraft,
    Provider,
    ProviderUnavailable,
    hookimpl,
)

UNREACHABLE = "e" * 40
"""A head that raises ProviderUnavailable."""

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
def scm_offer_repositories() -> Sequence[object]:
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim:
    return Claim(external_id=request.identifier)


@hookimpl
def scm_compare_commits(base: str | None, head: str) -> Sequence[CommitDraft]:
    requests.append((base, head))
    if head == UNREACHABLE:
        raise ProviderUnavailable("the archive is closed")
    if head == DEADLY:
        die_once()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    between = CommitDraft(sha="c" * 40, message=f"since {base}", author_email="Ada@Example.com", timestamp=moment)
    changes = (FileChange(path="a.py", type="M"),)
    last = CommitDraft(sha=head, message="Fixes SHOP-12", changes=changes, timestamp=moment + timedelta(hours=1))
    return [last, between]


def die_once() -> None:
    mark = Path(os.environ["HISTORIAN_DIED"])
    if not mark.exists():
        mark.touch()
        os._exit(9)
