"""Links for frames of the checkout that the working directory is in, from what git tells and options override."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from scmhost.frames import Found
from scmhost.infra.errors import ScmhostError
from scmhost.links.lines import CommittedLine
from scmhost.mapping.file_tree import FileTree
from scmhost.usecases.link_checkout import CheckoutLink, CheckoutLinker, Place

from .checkout import ChangedFiles, Checkout, read_checkout
from .formats import Shown, frame_facts
from .known_pages import known_pages
from .linked_text import Tally

if TYPE_CHECKING:
    from scmhost.mapping import MappingIndex
    from scmhost.sdk import Remote
    from scmhost.sdk.urls.ref_links import RefLinks
    from scmhost.usecases.link_checkout import Links

_MOST_CHANGED: Final = 5
_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Guesses:
    """What is said in place of what would be guessed."""

    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    ref: str | None = None
    mappings: Sequence[tuple[str, str]] = ()


class NoPages(ScmhostError):
    """It cannot be told where the checkout's files are shown."""


class CheckoutLinks:
    """Links frames to one commit of a checkout, and says aloud what a reader of the links should know."""

    def __init__(self, guesses: Guesses) -> None:
        checkout = read_checkout(guesses.ref, guesses.remote)
        self._checkout = checkout
        self._changed: dict[tuple[str, int], None] = {}
        self._linker = CheckoutLinker(
            Place(
                _roots(checkout),
                checkout.prefix,
                FileTree(checkout.files),
                _known(checkout, guesses),
                _rules(guesses.mappings),
                ChangedFiles(checkout.root).committed if guesses.ref is None else _as_committed,
            )
        )

    @property
    def facts(self) -> dict[str, object]:
        """Where the links lead, for a machine."""
        return {"commit": self._checkout.commit, "pushed": self._checkout.pushed}

    def link(self, frames: Sequence[Found]) -> list[Shown]:
        """What becomes of frames, in their order."""
        return [self._shown(found, self._linker.link(found.frame)) for found in frames]

    def remarks(self, tally: Tally) -> list[str]:
        """How many frames have links, and what is wrong with links that look right."""
        short = self._checkout.commit[:_SHORT]
        told = tally.lines()
        if tally.links and self._checkout.pushed is False:
            told.append(f"commit {short} is on no branch of a remote yet: until it is pushed, its links lead nowhere.")
        for path, line in list(self._changed)[:_MOST_CHANGED]:
            told.append(f"{path}:{line} was changed since commit {short}; its link shows what was committed.")
        if len(self._changed) > _MOST_CHANGED:
            told.append(f"So were {len(self._changed) - _MOST_CHANGED} other lines.")
        return told

    def _shown(self, found: Found, link: CheckoutLink) -> Shown:
        if link.changed and link.path and len(self._changed) < _MOST_CHANGED * _MOST_CHANGED:
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
        return Shown(found, link.url, facts, link.reason or "", link.message, link.next_step)


def _roots(checkout: Checkout) -> list[str]:
    """The checkout's folder as git says it, and as the shell does, which may have come there by symbolic links."""
    told = [checkout.root]
    here = os.environ.get("PWD", "").rstrip("/") + "/"
    if here.endswith("/" + checkout.prefix):
        told.append(here[: len(here) - len(checkout.prefix)])
    return [root.replace("\\", "/").strip("/") + "/" for root in told]


def _as_committed(_path: str, line: int) -> CommittedLine:
    return CommittedLine(line)


def _rules(mappings: Sequence[tuple[str, str]]) -> "MappingIndex | None":
    if not mappings:
        return None
    from scmhost.mapping import MappingIndex, Rule

    return MappingIndex([Rule(at, *roots) for at, roots in enumerate(mappings)])


def _known(checkout: Checkout, guesses: Guesses) -> "Links":
    """The pages of the checkout's commit, from memory if they were asked for before."""
    if checkout.remote is None:
        raise NoPages("this checkout has no remote; name where its files are shown: --remote URL")
    kind, template = guesses.kind, guesses.template or checkout.template
    look = partial(_pages, checkout.remote, kind, checkout.kind, template, checkout.commit)
    return known_pages(checkout.memory, checkout.commit, (checkout.remote, kind, checkout.kind, template), look)


def _pages(url: str, kind: str | None, configured: str | None, template: str | None, commit: str) -> "RefLinks":
    """The pages of a remote's repository at a commit.

    Raises:
        NoPages: its kind of host is not known, or has no pages at a commit.
    """
    from scmhost.sdk import NoUrl, Pages, TemplateError, UrlError, preset

    try:
        remote = _remote(url, kind, configured)
        if remote.web_url is None:
            raise NoPages("the checkout's remote is on no host; name where its files are shown: --remote URL")
        if template is None and remote.kind is None:
            raise _unknown_kind(remote.host)
        pages = Pages(view=template) if template else preset(remote.kind or "").pages
        links = pages.links(remote.web_url, commit, "commit")
    except (UrlError, TemplateError) as error:
        raise NoPages(str(error)) from error
    if isinstance(links, NoUrl):
        raise NoPages(links.message)
    return links


def _unknown_kind(host: str | None) -> NoPages:
    from scmhost.sdk import preset_kinds

    return NoPages(
        f"the kind of code host at {host} is not known; name it: --kind KIND, or for good"
        f" git config scmhost.kind KIND. The kinds are: {', '.join(preset_kinds())}"
    )


def _remote(url: str, said: str | None, configured: str | None) -> "Remote":
    """The remote as a repository of a kind of host; a configured kind is for hosts that are not known by name."""
    from scmhost.sdk import read_remote
    from scmhost.sdk.urls.presets import known_kind

    found = read_remote(url, said)
    if said or configured is None or known_kind(found.host or ""):
        return found
    return read_remote(url, configured)
