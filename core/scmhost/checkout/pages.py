"""Page URLs of a checkout's files at its commit, cached in the checkout's git folder.

The first run reads the templates of all kinds of host, which takes longer than linking a trace.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from scmhost import __version__
from scmhost.infra.errors import ScmhostError
from scmhost.sdk.urls.plain_links import PlainLinks

from .changed_files import read_regular_file
from .worktree import Checkout

if TYPE_CHECKING:
    from scmhost.sdk import NoUrl, Remote, UrlTemplates
    from scmhost.sdk.urls.ref_links import RefLinks

_COMMIT: Final = "{commit}"
# A URL or a path has at least one of them.
_SEPARATORS: Final = frozenset("/:\\")
_ADD_REMOTE: Final = "add --remote URL, with the URL of the repository on its code host"
_LONGEST_CACHE: Final = 65_536
# With a plain path and a line they stay below the limit for URLs.
_LONGEST_PARTS: Final = 7_000
_TEXT: Final = r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]*"
_HEAD: Final = re.compile(
    rf"https?://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::\d{{1,5}})?/(?!.*/\.\.?/){_TEXT}"
).fullmatch
_PART: Final = re.compile(_TEXT).fullmatch
_PARTS: Final = ("head", "tail", "before_line", "after_line")


class PageUrls(Protocol):
    """Page URLs of one repository at one ref."""

    def url(self, path: str, line: int | None = None) -> "str | NoUrl": ...


class NoPages(ScmhostError):
    """The checkout's code host, or the URLs of its pages, are unknown."""


class CachedPages:
    """Page URLs from the cache. An odd path, which the cache does not cover, loads the templates."""

    def __init__(self, plain: PlainLinks, load: "Callable[[], RefLinks]") -> None:
        self._plain = plain
        self._load = load

    def url(self, path: str, line: int | None = None) -> "str | NoUrl":
        """Return a page's URL, or the reason why there is none."""
        return self._plain.url(path, line) or self._load().url(path, line)


def checkout_pages(checkout: Checkout, kind: str | None, template: str | None) -> PageUrls:
    """Return the pages of the checkout's commit. Kind and template come from the command line.

    Raises:
        NoPages: the kind of host is unknown, or it has no pages at a commit.
    """
    if checkout.remote is None:
        raise NoPages(f"this checkout has no remote; {_ADD_REMOTE}")
    template = template or checkout.template
    remote = _without_alias(checkout.remote)
    load = partial(_load_pages, remote, kind, checkout.kind, template, checkout.commit)
    return cached_pages(checkout.cache, checkout.commit, (remote, kind, checkout.kind, template), load)


def repository_pages(checkout: Checkout, kind: str | None) -> "UrlTemplates | None":
    """Return the pages of the checkout's repository, or None if its code host is not known."""
    from scmhost.sdk import TemplateError, UrlError, UrlTemplates, preset

    if checkout.remote is None:
        return None
    try:
        remote = _read_remote(_without_alias(checkout.remote), kind, checkout.kind)
    except (UrlError, TemplateError):
        return None
    if remote.web_url is None or remote.kind is None:
        return None
    return UrlTemplates(pages=preset(remote.kind).pages, repo_url=remote.web_url)


def cached_pages(
    file: str, commit: str, inputs: Sequence[str | None], load: "Callable[[], RefLinks]"
) -> "CachedPages | RefLinks":
    """Return the pages at a commit: from the file if it was written for the same inputs, else loaded and cached."""
    # Another version may have other templates.
    key = [__version__, *inputs]
    plain = _read_cache(file, key, commit)
    if plain:
        return CachedPages(plain, load)
    links = load()
    if links.plain:
        _write_cache(file, key, commit, links.plain)
    return links


def _without_alias(remote: str) -> str:
    if remote.startswith(("https://", "http://")):
        return remote
    from .remotes import without_alias

    return without_alias(remote)


def _read_cache(file: str, key: Sequence[str | None], commit: str) -> PlainLinks | None:
    try:
        content = json.loads((read_regular_file(file) or b"")[:_LONGEST_CACHE])
        head, tail, before_line, after_line = (content[name].replace(_COMMIT, commit) for name in _PARTS)
        plain = PlainLinks(head, tail, before_line, after_line, frozenset(map(str, content["extensions"])))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        # The file is missing or damaged: it is written again.
        return None
    return plain if content.get("key") == key and _is_safe(plain, key) else None


def _is_safe(plain: PlainLinks, key: Sequence[str | None]) -> bool:
    """Return whether cached parts give links that fresh templates could give.

    Others may have written the file: the git folder can come with an archive. Links are clickable and printed to a
    terminal, so that scheme, host and characters are checked as those of fresh links are. A host that only the
    template has is not cached.
    """
    head = _HEAD(plain.head)
    parts = (plain.tail, plain.before_line, plain.after_line)
    if head is None or not all(map(_PART, parts)) or sum(map(len, plain[:4])) > _LONGEST_PARTS:
        return False
    # The web pages of ssh.host.example are often at host.example.
    known = rf"(?:^|[/@.]){re.escape(head['host'])}(?=[:/]|$)"
    return "." in head["host"] and any(re.search(known, text, re.IGNORECASE) for text in key if text)


def _write_cache(file: str, key: Sequence[str | None], commit: str, plain: PlainLinks) -> None:
    parts = {name: getattr(plain, name).replace(commit, _COMMIT) for name in _PARTS}
    text = json.dumps({"key": key, **parts, "extensions": sorted(plain.extensions)})
    # Two runs may write at once: each replaces the file as a whole.
    fresh = f"{file}.{os.getpid()}"
    try:
        # A link that waits there must not lead to another file.
        with open(fresh, "x", encoding="utf-8") as opened:  # noqa: PTH123 - importing pathlib takes longer
            opened.write(text)
        os.replace(fresh, file)  # noqa: PTH105 - as above
    except OSError:
        # Links must work in a read-only checkout too.
        return


def _load_pages(url: str, kind: str | None, configured: str | None, template: str | None, commit: str) -> "RefLinks":
    """Build the page URLs of a remote's repository at a commit from the templates of its kind of host."""
    from pydantic import ValidationError

    from scmhost.sdk import NoUrl, Pages, TemplateError, UrlError, preset

    try:
        remote = _read_remote(url, kind, configured)
        if remote.web_url is None and not _SEPARATORS.intersection(url):
            raise NoPages(f"{url!r} is neither a remote of this checkout nor a URL; git remote -v lists the remotes")
        if remote.web_url is None:
            raise NoPages(f"the checkout's remote is not on a code host; {_ADD_REMOTE}")
        if template is None and remote.kind is None:
            raise _unknown_kind(remote.host)
        pages = Pages(view=template) if template else preset(remote.kind or "").pages
        links = pages.links(remote.web_url, commit, "commit")
    except (UrlError, TemplateError) as error:
        raise NoPages(str(error)) from error
    except ValidationError as error:
        # The template is a field of a model, which wraps the message.
        raise NoPages(error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")) from error
    if isinstance(links, NoUrl):
        raise NoPages(links.message)
    return links


def _unknown_kind(host: str | None) -> NoPages:
    from scmhost.sdk import preset_kinds

    return NoPages(
        f"the kind of code host at {host} is not known; add --kind KIND, or run once: git config scmhost.kind KIND\n"
        f"Kinds: {', '.join(preset_kinds())}"
    )


def _checked_kind(kind: str | None) -> str | None:
    from scmhost.sdk import preset_kinds

    if kind is None or kind in preset_kinds():
        return kind
    from difflib import get_close_matches

    # The list of all kinds is longer than a screen line; after a typo one of them is meant.
    close = get_close_matches(kind.lower(), preset_kinds(), n=2)
    step = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(preset_kinds())}"
    raise NoPages(f"{kind!r} is not a kind of code host; {step}")


def _read_remote(url: str, named: str | None, configured: str | None) -> "Remote":
    """Parse the remote. A configured kind applies only to hosts whose kind is not known by name."""
    from scmhost.sdk import read_remote
    from scmhost.sdk.urls.presets import known_kind

    remote = read_remote(url, _checked_kind(named))
    if named or configured is None or known_kind(remote.host or ""):
        return remote
    return read_remote(url, _checked_kind(configured))
