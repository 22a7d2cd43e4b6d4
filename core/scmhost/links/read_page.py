"""From a file's page on a code host back to its ref and path, in the forms that most hosts share."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

# What stands between a repository's URL and a ref. Longer ones come first: src/branch/main, but also src/main.
_FORMS: Final = (
    ("-", "blob"),
    ("-", "tree"),
    ("-", "blame"),
    ("-", "raw"),
    ("src", "branch"),
    ("src", "commit"),
    ("src", "tag"),
    ("blob",),
    ("tree",),
    ("blame",),
    ("raw",),
    ("src",),
)
# No repository lies deeper than this on its host.
_MOST_SEGMENTS: Final = 32


class PageLocation(NamedTuple):
    """A ref and a path that a page shows."""

    ref: str
    path: str


def read_page(rest: str, branches: Iterable[str] = ()) -> PageLocation | None:
    """The ref and path that follow a repository's URL, or None where they are in no form that is known.

    A ref is one segment, unless it is one of the branches that are known.
    """
    segments = _segments(rest)
    form = next((form for form in _FORMS if tuple(segments[: len(form)]) == form), None)
    if form is None:
        return None
    ref, *path = _with_whole_ref(segments[len(form) :], branches) or [""]
    return PageLocation(ref, "/".join(path)) if ref and path else None


def enclosing_urls(url: str) -> list[str]:
    """All URLs that a page may be below, the longest first, without their schemes and in lower case."""
    parts = urlsplit(url)
    segments = [parts.netloc, *parts.path.strip("/").split("/")][: _MOST_SEGMENTS + 1]
    return ["/".join(segments[:count]).lower() for count in range(len(segments), 0, -1)]


def rest_below(url: str, depth: int) -> str:
    """The path of a URL without its first segments, as it stands there."""
    return "/".join(urlsplit(url).path.strip("/").split("/")[depth:])


def file_name_of(url: str) -> str:
    """The name of the file that a page shows: its last segment."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _segments(rest: str) -> list[str]:
    return [unquote(segment) for segment in rest.strip("/").split("/")]


def _with_whole_ref(segments: Sequence[str], branches: Iterable[str]) -> list[str]:
    """The segments after a form, those of a known branch joined."""
    for branch in sorted(branches, key=len, reverse=True):
        of_branch = branch.split("/")
        if list(segments[: len(of_branch)]) == of_branch:
            return [branch, *segments[len(of_branch) :]]
    return list(segments)
