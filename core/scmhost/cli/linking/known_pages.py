"""Remembers, in a checkout's own git folder, how the URLs of its files are put together.

Working that out takes longer than linking a trace: the templates of all kinds of host are read for it.
"""

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from scmhost import __version__
from scmhost.sdk.urls.plain_links import PlainLinks

if TYPE_CHECKING:
    from scmhost.sdk.urls.ref_links import RefLinks
    from scmhost.usecases.link_checkout import NoPage

_COMMIT: Final = "{commit}"
_PARTS: Final = ("head", "tail", "before_line", "after_line")


class KnownPages:
    """The pages of a checkout's files: by what is remembered, or for odd paths by a closer look."""

    def __init__(self, plain: PlainLinks, look: "Callable[[], RefLinks]") -> None:
        self._plain = plain
        self._look = look

    def url(self, path: str, line: int | None = None) -> "str | NoPage":
        """A page's URL, or why there is none."""
        return self._plain.url(path, line) or self._look().url(path, line)


def known_pages(
    file: str, commit: str, said: Sequence[str | None], look: "Callable[[], RefLinks]"
) -> "KnownPages | RefLinks":
    """The pages at a commit: as remembered in a file for the same ``said``, else by a look, which is remembered."""
    key = [__version__, *said]
    plain = _recall(file, key, commit)
    if plain:
        return KnownPages(plain, look)
    links = look()
    if links.plain:
        _remember(file, key, commit, links.plain)
    return links


def _recall(file: str, key: Sequence[str | None], commit: str) -> PlainLinks | None:
    try:
        with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib takes longer to import than this to read
            known = json.load(opened)
        head, tail, before_line, after_line = (known[name].replace(_COMMIT, commit) for name in _PARTS)
        plain = PlainLinks(head, tail, before_line, after_line, frozenset(map(str, known["extensions"])))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        # Not there, or not ours: it is written anew.
        return None
    return plain if known.get("key") == key and head.startswith(("https://", "http://")) else None


def _remember(file: str, key: Sequence[str | None], commit: str, plain: PlainLinks) -> None:
    parts = {name: getattr(plain, name).replace(commit, _COMMIT) for name in _PARTS}
    text = json.dumps({"key": key, **parts, "extensions": sorted(plain.extensions)})
    fresh = f"{file}.{os.getpid()}"
    try:
        with open(fresh, "w", encoding="utf-8") as opened:  # noqa: PTH123 - as above
            opened.write(text)
        os.replace(fresh, file)  # noqa: PTH105 - as above
    except OSError:
        # A checkout that may only be read is linked from all the same.
        return
