"""From a file's page on a code host back to its ref and path, in the URL forms that most hosts share."""

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from scmhost.sdk import Pages, read_own_url

# The text between a repository's URL and a ref. Longer forms come first: src/branch/main, but also src/main.
_FORMS: Final = (
    *("-/blob", "-/tree", "-/blame", "-/raw"),
    *("src/branch", "src/commit", "src/tag"),
    *("blob", "tree", "blame", "raw", "src"),
)
# No known host nests repositories deeper than this.
_MAX_SEGMENTS: Final = 32


class PageLocation(NamedTuple):
    """The ref and the path that a page shows."""

    ref: str
    path: str


def read_page(url: str, repo_url: str, branches: Iterable[str] = ()) -> PageLocation | None:
    """Return the ref and path of a page of a repository, or None if the URL has no known form.

    A ref is one segment, unless it is one of the known branches.
    """
    locations = read_own_url(url, _pages(), repo_url, branches)
    return next((PageLocation(page.ref, page.path) for page in locations if page.ref and page.path), None)


def enclosing_urls(url: str) -> list[str]:
    """Return all URLs that may be the repository of a page, the longest first, in the page's spelling."""
    parts = urlsplit(url)
    segments = [f"{parts.scheme}://{parts.netloc}", *parts.path.strip("/").split("/")][: _MAX_SEGMENTS + 1]
    return ["/".join(segments[:count]) for count in range(len(segments), 0, -1)]


def file_name_of(url: str) -> str:
    """Return the name of the file that a page shows: its last segment."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


@cache
def _pages() -> Pages:
    first, *others = (f"{{repo_url}}/{form}/{{ref}}/{{path}}" for form in _FORMS)
    return Pages(view=first, also=tuple(others), strip_git_suffix=False)
