"""A plugin without providers that records the events it receives."""

from collections.abc import Sequence

from scmhost.sdk import Command, Organization, Repository, hookimpl


class Listener:
    """A listener; each instance is a plugin of its own."""

    def __init__(self) -> None:
        self.received: list[str] = []

    @hookimpl
    def scm_startup(self) -> None:
        self.received.append("startup")

    @hookimpl
    def scm_shutdown(self) -> None:
        self.received.append("shutdown")

    @hookimpl
    def scm_repository_saved(self, repository: Repository) -> None:
        self.received.append(f"saved {repository.name}")

    @hookimpl
    async def scm_commits_saved(self, organization: Organization, shas: Sequence[str]) -> None:
        self.received.append(f"{len(shas)} commits of {organization.slug}")

    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [Command(name="forge", summary="Another command of that name.", run=len)]


first = Listener()
second = Listener()
