"""Templates are tried when they are written: hard samples are rendered, and read back where that can be done."""

from collections.abc import Iterator
from typing import Final

from .errors import TemplateError
from .locations import Place, page_candidates
from .page_templates import PageTemplates
from .reading import take_apart
from .reasons import Reason
from .refs import AnyKind, At
from .repository import RepositoryValues, with_page
from .templates import Template, tokens_of
from .tokens import FILE_PAGES, PAGE_NAMES, REF_TOKENS, REPOSITORY_TOKENS, PageName
from .values import Location, NoUrl

# A location that is hard to write: blanks, marks with a meaning in URLs, letters beyond ASCII, a ref with a slash.
HARD_SAMPLE: Final = Location(
    ref="feature/a#b%20é", ref_kind="branch", path="dir/a b/[x]?#%41/ü.py", line=7, end_line=9, column=2
)
_HARD_COMMIT: Final = HARD_SAMPLE.model_copy(update={"ref": "0123456789abcdef" * 2 + "01234567", "ref_kind": "commit"})
_REFS: Final = {
    **dict.fromkeys(("commit", "ref", "changelist", "changeset", "base", "head", "branch", "tag"), "c0ffee"),
    "number": "7",
}
_OTHERS: Final[tuple[PageName, ...]] = ("commit", "compare", "change_request")
_REPOSITORY: Final = {
    **{name: name for name in REPOSITORY_TOKENS},
    "base_url": "https://sample.example",
    "scheme": "https",
    "web_host": "sample.example",
    "port": "8443",
    "prefix": "/git",
    "owner": "team",
    "repo": "app",
    "repo_path": "team/app",
}
# The pages that were found sound, as JSON: they are looked at again whenever they cross the border.
_SOUND: Final[set[str]] = set()
_MOST_SOUND: Final = 1_000


def check_pages(pages: PageTemplates) -> None:
    """Render and read samples of all pages.

    Raises:
        TemplateError: a template is wrong, or a sample gives no safe link, or is not read as what it was made from.
    """
    key = pages.model_dump_json()
    if key in _SOUND:
        return
    _check_texts(pages)
    repository = with_page(_REPOSITORY, pages.repo)
    if repository is None:
        raise TemplateError(pages.repo, "the repository's page needs more than a repository", "leave out other tokens")
    for page in FILE_PAGES:
        for kind, text in pages.texts(page):
            for location in _samples(kind):
                _check_file_page(pages, repository, page, location, text)
    for page in _OTHERS:
        for _, text in pages.texts(page):
            _check_page(pages, repository, page, text)
    if len(_SOUND) >= _MOST_SOUND:
        _SOUND.clear()
    _SOUND.add(key)


def _check_texts(pages: PageTemplates) -> None:
    for anchor in (pages.anchor, pages.columns, *pages.also_anchors):
        Template.parse(anchor, rooted=False)
    for page in PAGE_NAMES:
        for _, text in pages.texts(page):
            Template.parse(text)
    for text in (pages.repo, *pages.also):
        Template.parse(text)


def _samples(kind: AnyKind | None) -> Iterator[tuple[Location, At]]:
    """Locations to try a template with, that of a kind of ref or of all kinds."""
    if kind in (None, "branch", "tag"):
        yield HARD_SAMPLE, At(HARD_SAMPLE.ref, kind or "branch", _HARD_COMMIT.ref)
    if kind in (None, "commit"):
        yield _HARD_COMMIT, At(_HARD_COMMIT.ref, "commit")
    if kind == "none":
        yield HARD_SAMPLE, At(None, "none")


def _check_file_page(
    pages: PageTemplates, repository: RepositoryValues, page: PageName, sample: tuple[Location, At], text: str
) -> None:
    location, at = sample
    links = pages.file_links(repository, page, at)
    link = links if isinstance(links, NoUrl) else links.of(location)
    if isinstance(link, str):
        _check_read_back(Place(pages, ("",), repository), page, sample, (text, link))
    elif link.reason is not Reason.NO_SOURCE_PAGES:
        raise TemplateError(text, f"a hard sample gives no safe link ({link.message})")


def _check_page(pages: PageTemplates, repository: RepositoryValues, page: PageName, text: str) -> None:
    link = pages.page(page, repository, "commit", _REFS)
    if isinstance(link, NoUrl):
        raise TemplateError(text, f"a sample gives no safe link for the {page} page ({link.message})")


def _check_read_back(place: Place, page: PageName, sample: tuple[Location, At], made: tuple[str, str]) -> None:
    """What was put in comes out again, unless the template changes it on purpose."""
    (location, at), (text, link) = sample, made
    refs = {location.ref, at.commit}
    whole = {token.name for token in tokens_of(text) if token.is_whole}
    if (
        not (whole >= {"dir", "filename"} or "path" in whole)
        or not Template.parse(text).tokens <= whole | REPOSITORY_TOKENS
    ):
        return
    url = take_apart(link)
    found = list(page_candidates(place, url, page)) if url else []
    if not any(candidate.path == location.path for candidate in found):
        raise TemplateError(text, f"the path of a hard sample is not read back from {link}", "set it apart")
    if whole & REF_TOKENS and not any(item.path == location.path and item.ref in refs for item in found):
        raise TemplateError(text, f"the ref of a hard sample is not read back from {link}", "set it apart")
