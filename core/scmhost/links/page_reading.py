"""From a file's page on a code host back to its ref and path, in the forms that most hosts share."""

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from scmhost.sdk import Pages, read_own_url

# What stands between a repository's URL and a ref. Longer ones come first: src/branch/main, but also src/main.
_FORMS: Final = (
    *("-/blob", "-/tree", "-/blame", "-/raw"),
    *("src/branch", "src/commit", "src/tag"),
    *("blob", "tree", "blame", "raw", "src"),
)
# No repository lies deeper than this on its host.
_MOST_SEGMENTS: Final = 32


class PageLocation(NamedTuple):
    """A ref and a path that a page shows."""

    ref: str
    path: str


def read_page(url: str, repo_url: str, branches: Iterable[str] = ()) -> PageLocation | None:
    """The ref and path of a page of a repository, or None where it is in no form that is known.

    A ref is one segment, unless it is one of the branches that are known.
    """
    found = read_own_url(url, _pages(), repo_url, branches)
    return next((PageLocation(page.ref, page.path) for page in found if page.ref and page.path), None)


@cache
def _pages() -> Pages:
    first, *others = (f"{{repo_url}}/{form}/{{ref}}/{{path}}" for form in _FORMS)
    return Pages(view=first, also=tuple(others), strip_git_suffix=False)


def enclosing_urls(url: str) -> list[str]:
    """All URLs that a page may be below, the longest first, as it spells them."""
    parts = urlsplit(url)
    segments = [f"{parts.scheme}://{parts.netloc}", *parts.path.strip("/").split("/")][: _MOST_SEGMENTS + 1]
    return ["/".join(segments[:count]) for count in range(len(segments), 0, -1)]


def file_name_of(url: str) -> str:
    """The name of the file that a page shows: its last segment."""
    return unquote(urlsplit(url).path.rpartition("/")[2])
