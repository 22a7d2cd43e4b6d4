"""Links for the frames of a text, to the checkout of the working directory."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scmhost.frames import FrameMatch
from scmhost.mapping.file_tree import FileTree

from .formats import LinkedFrame, frame_facts
from .linked_text import LinkCounts
from .linker import CheckoutLink, CheckoutLinker, LinkerInputs
from .pages import checkout_pages
from .worktree import ChangedFiles, Checkout, CommittedLine, read_checkout

if TYPE_CHECKING:
    from scmhost.mapping import MappingIndex

_CHANGED_SHOWN: Final = 5
_CHANGED_KEPT: Final = 25
_SHORT_SHA: Final = 12


@dataclass(frozen=True, slots=True)
class LinkOverrides:
    """Options of the command line that replace what is read from the checkout."""

    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    ref: str | None = None
    mappings: Sequence[tuple[str, str]] = ()


class CheckoutLinks:
    """Links frames to one commit of a checkout, and collects warnings on these links."""

    def __init__(self, overrides: LinkOverrides) -> None:
        checkout = read_checkout(overrides.ref, overrides.remote)
        self._checkout = checkout
        # An ordered set.
        self._changed: dict[tuple[str, int], None] = {}
        self._linker = CheckoutLinker(
            LinkerInputs(
                _roots(checkout),
                checkout.prefix,
                FileTree(checkout.files),
                checkout_pages(checkout, overrides.kind, overrides.template),
                _mapping_index(overrides.mappings),
                ChangedFiles(checkout.root).committed if overrides.ref is None else _unchanged,
            )
        )

    @property
    def facts(self) -> dict[str, object]:
        """Facts on all links together, for JSON."""
        return {"commit": self._checkout.commit, "pushed": self._checkout.pushed}

    def link(self, frames: Sequence[FrameMatch]) -> list[LinkedFrame]:
        """Link frames; the result has their order."""
        return [self._linked(found, self._linker.link(found.frame)) for found in frames]

    def remarks(self, counts: LinkCounts) -> list[str]:
        """Return the counts, and warnings on links that look right but are not."""
        short = self._checkout.commit[:_SHORT_SHA]
        lines = counts.lines()
        if counts.links and self._checkout.pushed is False:
            lines.append(f"commit {short} is on no branch of a remote yet: until it is pushed, its links lead nowhere.")
        for path, line in list(self._changed)[:_CHANGED_SHOWN]:
            lines.append(f"{path}:{line} was changed since commit {short}; its link shows what was committed.")
        if len(self._changed) > _CHANGED_SHOWN:
            lines.append(f"{len(self._changed) - _CHANGED_SHOWN} other linked lines were changed too.")
        return lines

    def _linked(self, found: FrameMatch, link: CheckoutLink) -> LinkedFrame:
        if link.changed and link.path and len(self._changed) < _CHANGED_KEPT:
            self._changed[link.path, found.frame.line or 0] = None
        facts: dict[str, object] = {
            **frame_facts(found),
            "sourcePath": link.path,
            "url": link.url,
            "ref": self._checkout.commit if link.url else None,
            "sourceLine": link.line,
            "confidence": link.confidence,
            "changed": link.changed,
            "reason": link.reason,
            "message": link.message or None,
            "nextStep": link.next_step or None,
        }
        return LinkedFrame(found, link.url, facts, link.reason or "", link.message, link.next_step)


def _roots(checkout: Checkout) -> list[str]:
    """Return the checkout's folder as git and as the shell print it; the shell's may contain symbolic links."""
    roots = [checkout.root]
    here = os.environ.get("PWD", "").rstrip("/") + "/"
    if here.endswith("/" + checkout.prefix):
        roots.append(here[: len(here) - len(checkout.prefix)])
    return [root.replace("\\", "/").strip("/") + "/" for root in roots]


def _unchanged(_path: str, line: int) -> CommittedLine:
    return CommittedLine(line)


def _mapping_index(mappings: Sequence[tuple[str, str]]) -> "MappingIndex | None":
    if not mappings:
        return None
    from scmhost.mapping import MappingIndex, Rule

    return MappingIndex([Rule(number, *roots) for number, roots in enumerate(mappings)])
