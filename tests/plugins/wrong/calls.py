"""Wrong in its calls: what comes back, what is raised, how long it takes, what it touches."""

import itertools
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scmhost.sdk import CommitDraft, Existence, Installation, Location, Offer, Repository, hookimpl

from .right import Right, Settings


class GivesNames(Right):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Any:
        return [one.name for one in repositories]


class GivesNone(Right):
    @hookimpl
    def scm_source_url(self) -> Any:
        return None


class Stumbles(Right):
    @hookimpl
    def scm_serialize_repository(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"externalSlug": payload["slug"]}


class Leaves(Right):
    @hookimpl
    async def scm_file_exists(self, location: Location) -> Existence:
        raise SystemExit(location.path)


class Sleeps(Right):
    @hookimpl
    def scm_commit_url(self) -> str:
        time.sleep(5)
        return "https://git.example.com/late"


class WritesIntoTheFrozen(Right):
    @hookimpl
    def scm_offer_repositories(self, installation: Installation) -> Sequence[Offer]:
        installation.configuration["asked"] = True
        return []


class Scribbles(Right):
    @hookimpl
    def scm_offer_repositories(self, settings: Settings) -> Sequence[Offer]:
        settings.asked += 1
        return []


class PhonesHome(Right):
    @hookimpl
    def scm_commit_url(self, sha: str) -> str:
        try:
            socket.create_connection(("forge.example", 443), timeout=1).close()
        except OSError:
            return f"https://git.example.com/unknown/{sha}"
        return f"https://git.example.com/commit/{sha}"


class RunsGit(Right):
    @hookimpl
    def scm_commit_url(self, sha: str) -> str:
        subprocess.run(["true"], check=False)
        return f"https://git.example.com/commit/{sha}"


class LetsTheNetworkFail(Right):
    @hookimpl
    def scm_compare_commits(self, head: str) -> Sequence[CommitDraft]:
        socket.create_connection(("forge.example", 443), timeout=1).close()
        return [CommitDraft(sha=head)]


class Counts(Right):
    def __init__(self) -> None:
        self._times = itertools.count()

    @hookimpl
    def scm_serialize_repository(self) -> Mapping[str, Any]:
        return {"asked": next(self._times)}
