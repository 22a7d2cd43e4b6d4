"""Reading the URLs of web pages: which repository, which ref, which file, which lines."""

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from .locations import Place, candidates
from .pages import Pages
from .presets import Preset, preset
from .reading import WebUrl, take_apart
from .recognition import is_disguised, kinds_of, known_hosts, known_kind
from .repository import names_in
from .values import UrlCandidate


def read_url(url: str, host: str | Pages | None = None, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """The places that a page's URL may mean, most likely first; nothing when it is no page of the host.

    ``host`` is a kind of host, or the pages of one; without it, the URL has to be of a host that is recognised. A
    branch with slashes in its name gives several candidates, unless ``refs``, the refs that the repository is known
    to have, decide.

    Raises:
        TemplateError: there is no such kind of host; the message lists them.
    """
    parts = take_apart(url)
    known = tuple(refs)
    if isinstance(host, Pages):
        return candidates(Place(host), parts, known) if parts else ()
    if host is not None:
        preset(host)
    found: tuple[UrlCandidate, ...] = ()
    for kind in _kinds(parts, host) if parts else ():
        found = found or (candidates(_place(preset(kind), parts), parts, known) if parts else ())
    return found


def read_own_url(url: str, pages: Pages, repo_url: str, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """The places in one repository that a page's URL may mean; nothing when it is no page of this repository."""
    parts, repository = take_apart(url), pages.values(repo_url)
    # Most URLs are of another repository, and this tells most of those apart.
    if parts is None or repository.get("repo", "") not in unquote(url):
        return ()
    return candidates(Place(pages, ("",), repository), parts, refs)


def _kinds(url: WebUrl, kind: str | None) -> tuple[str, ...]:
    """The kinds to read a URL as. One that is asked for is not, on a host that is known to be of another."""
    if kind is None:
        return kinds_of(url.host, url.tail)
    known = known_kind(url.host)
    foreign = known not in (None, kind) or (known is None and is_disguised(url.host))
    return () if foreign else (kind,)


def _place(found: Preset, url: WebUrl) -> Place:
    bases = [urlsplit(base).path for base in found.bases if urlsplit(base).netloc == url.host]
    if bases:
        return Place(found.pages, tuple(bases))
    whole = url.host in known_hosts(found) and names_in(found.pages.repo)
    return Place(found.pages, ("",) if whole else None)
