"""Plugins that violate a check of single calls."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import itertools
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scmhost.sdk import CommitDraft, Existence, Installation, Location, Offer, Repository, hookimpl

from .correct import Correct, Settings


class ReturnsNames(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Any:
        return [one.name for one in repositories]


class ReturnsNone(Correct):
    @hookimpl
    def scm_source_url(self) -> Any:
        return None


class RaisesKeyError(Correct):
    @hookimpl
    def scm_serialize_repository(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"externalSlug": payload["slug"]}


class RaisesSystemExit(Correct):
    @hookimpl
    async def scm_file_exists(self, location: Location) -> Existence:
        raise SystemExit(location.path)


class SleepsPastBudget(Correct):
    @hookimpl
    def scm_commit_url(self) -> str:
        time.sleep(5)
        return "https://git.example.com/late"


class ChangesFrozenValue(Correct):
    @hookimpl
    def scm_offer_repositories(self, installation: Installation) -> Sequence[Offer]:
        installation.configuration["read"] = True
        return []


class ChangesSettings(Correct):
    @hookimpl
    def scm_offer_repositories(self, settings: Settings) -> Sequence[Offer]:
        settings.reads += 1
        return []


class ConnectsInPureHook(Correct):
    @hookimpl
    def scm_commit_url(self, sha: str) -> str:
        try:
            socket.create_connection(("forge.example", 443), timeout=1).close()
        except OSError:
            return f"https://git.example.com/unknown/{sha}"
        return f"https://git.example.com/commit/{sha}"


class StartsProcessInPureHook(Correct):
    @hookimpl
    def scm_commit_url(self, sha: str) -> str:
        subprocess.run(["true"], check=False)
        return f"https://git.example.com/commit/{sha}"


class RaisesNetworkError(Correct):
    @hookimpl
    def scm_compare_commits(self, head: str) -> Sequence[CommitDraft]:
        socket.create_connection(("forge.example", 443), timeout=1).close()
        return [CommitDraft(sha=head)]


class CountsCalls(Correct):
    def __init__(self) -> None:
        self._calls = itertools.count()

    @hookimpl
    def scm_serialize_repository(self) -> Mapping[str, Any]:
        return {"calls": next(self._calls)}
