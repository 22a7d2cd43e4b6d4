"""Links for frames by the code mappings, releases and hosts of a project in the local database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scmhost.cli.context import CommandContext, organization_named
from scmhost.frames import Found

from .formats import Shown, frame_facts
from .linked_text import Tally

if TYPE_CHECKING:
    from scmhost.links.resolve import Resolved
    from scmhost.organizations.values import Project
    from scmhost.sdk import Organization
    from scmhost.services import Services


class ProjectLinks:
    """Links frames as the service does."""

    facts: Mapping[str, object] = {}

    def __init__(
        self,
        services: "Services",
        organization: "Organization",
        project: "Project",
        *,
        release: str | None = None,
        commit: str | None = None,
    ) -> None:
        self._services = services
        self._organization = organization
        self._project = project
        self._release = release
        self._commit = commit

    def link(self, frames: Sequence[Found]) -> Sequence[Shown]:
        """What becomes of frames, in their order."""
        from scmhost.links.traces import link_frames

        plain = [found.frame for found in frames]
        answers = link_frames(
            self._services, self._organization, self._project, plain, release=self._release, commit=self._commit
        )
        return [_shown(found, answer) for found, answer in zip(frames, answers, strict=True)]

    def remarks(self, tally: Tally) -> Sequence[str]:
        """How many frames have links, and why the others have none."""
        return tally.lines()


@contextmanager
def open_project(context: CommandContext, options: Mapping[str, Any]) -> Iterator[ProjectLinks]:
    """The links of the project that the options name."""
    from scmhost.organizations.create import find_project

    with context.open_host(options["config"], options["database_url"]) as host:
        organization = organization_named(host.services, options["org"])
        project = find_project(host.services, organization, options["project"])
        yield ProjectLinks(host.services, organization, project, release=options["release"], commit=options["commit"])


def _shown(found: Found, resolved: "Resolved") -> Shown:
    from scmhost.links.outcome import Link, no_link_message

    outcome = resolved.outcome
    facts = {**frame_facts(found), "sourcePath": outcome.source_path}
    if isinstance(outcome, Link):
        facts |= {"url": outcome.url, "ref": outcome.ref, "refSource": outcome.ref_source}
        facts |= {"confidence": outcome.basis.confidence, "reason": None, "message": None, "nextStep": None}
        return Shown(found, outcome.url, facts)
    facts |= {"url": None, "ref": None, "refSource": None, "confidence": None}
    facts |= {"reason": outcome.reason.value, "message": no_link_message(outcome), "nextStep": outcome.next_step}
    return Shown(found, None, facts, outcome.reason.value, outcome.message, outcome.next_step)
