"""The pages of a code host: validated templates, and what the link hooks of most plugins need of them.

Templates are checked when they are written: samples that are hard to escape are rendered, and read back if possible.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Self
from urllib.parse import unquote

from pydantic import field_validator, model_validator

from scmhost.sdk.errors import TemplateError
from scmhost.sdk.hook_specs import hookimpl
from scmhost.sdk.reasons import Reason
from scmhost.sdk.values import Location, LocationCandidate, NoUrl, PagePosition, RefKind, Repository, Value

from .matching import parse_url
from .page_reading import PageScope, UrlCandidate, find_candidates, page_candidates
from .page_templates import PageTemplates, RepositoryValues, with_page
from .ref_links import AnyKind, RefAt, RefLinks
from .safety import check_web_url, safe_url
from .templates import FILE_PAGES, PAGE_NAMES, REF_TOKENS, REPOSITORY_TOKENS, PageName, Template, tokens_of

_FIELDS_OF_VIEW: Final = frozenset({"anchor", "columns", "also", "also_anchors", "rendered", "pinned"})

# Blanks, characters with a meaning in URLs, letters outside of ASCII, and a ref with a slash.
_HARD_SAMPLE: Final = Location(
    ref="feature/a#b%20é", ref_kind="branch", path="dir/a b/[x]?#%41/ü.py", line=7, end_line=9, column=2
)
_HARD_COMMIT: Final = _HARD_SAMPLE.model_copy(update={"ref": "0123456789abcdef" * 2 + "01234567", "ref_kind": "commit"})
_SAMPLE_REFS: Final = {
    **dict.fromkeys(("commit", "ref", "changelist", "changeset", "base", "head", "branch", "tag"), "c0ffee"),
    "number": "7",
}
_PAGES_WITHOUT_FILE: Final[tuple[PageName, ...]] = ("commit", "compare", "change_request")
_SAMPLE_REPOSITORY: Final = {
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
# Valid pages, as JSON: values are validated again each time that they pass between host and plugin, and a full check
# takes milliseconds.
_VALID: Final[set[str]] = set()
_MAX_VALID: Final = 1_000


class Pages(PageTemplates):
    """Templates of a host's pages: each one template, or one for each kind of ref, or None if there is no such page.

    Attributes:
        repo: the URL of a repository's own page. A repository's URL is split by it into the tokens of the other
            templates; if only a clone URL is known, it gives the value of ``{repo_url}``.
        view: the page of a file.
        anchor: the line anchor, appended to the page's URL; a leading ``?`` becomes ``&`` if the URL has a query.
        columns: the anchor if the columns of both ends are known.
        raw: a file's content.
        blame: the last change of each line of a file.
        tree: a folder.
        root: the root folder, if its page is not that of a folder without the path.
        history: the commits of a file.
        edit: an editor for a file.
        pinned: a file's page if its branch has a slash in its name and the branch's commit is known.
        commit: the page of a commit.
        compare: the page between ``{base}`` and ``{head}``.
        change_request: the page of a change request by its ``{number}``.
        also: other pages of a file that are read, but not built.
        also_anchors: other anchors that are read, but not built.
        rendered: formats whose source view needs a query.
        groups: the most segments that an owner may have.
        least: the fewest segments of a repository's path.
        strip_git_suffix: whether a ``.git`` at the end of the repository's URL is used for cloning only.
        free_refs: whether names of refs follow other rules than git's.
        has_branches: whether the host has branches; without, the page at a branch is the one without a revision.
    """

    def with_own(self, templates: Mapping[str, str]) -> Self:
        """Return the same pages with other templates, by the names of the fields.

        Another ``view`` also removes the anchors, the source view and the other forms of a file's page, which belong to
        the replaced view.

        Raises:
            ValidationError: a template is wrong.
        """
        fields = self.model_dump(exclude_none=True)
        removed = _FIELDS_OF_VIEW if "view" in templates else frozenset[str]()
        # ``model_copy`` would skip the check of samples.
        return self.model_validate({**{name: fields[name] for name in fields.keys() - removed}, **templates})

    @model_validator(mode="after")
    def _samples_are_valid(self) -> "Pages":
        _check_pages(self)
        return self


class UrlTemplates(Value):
    """The pages of one repository: the result of ``scm_url_templates``.

    Attributes:
        pages: the templates of its host.
        repo_url: the URL of its web page.
    """

    pages: Pages
    repo_url: str

    @field_validator("repo_url")
    @classmethod
    def _repo_url_is_web(cls, url: str) -> str:
        return check_web_url(url)

    def at(self, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """Return the links of one ref, prepared for many files."""
        return self.pages.links(self.repo_url, ref, kind)

    def view(self, location: PagePosition) -> str | NoUrl:
        """Return the URL of a location."""
        return self.file("view", location)

    def file(self, page: PageName, location: PagePosition) -> str | NoUrl:
        """Return the URL of any page of a location, such as ``raw`` or ``blame``."""
        at = RefAt(location.ref, location.ref_kind or "none")
        links = self.pages.file_links(self.pages.values(self.repo_url), page, at)
        return links if isinstance(links, NoUrl) else links.of(location)

    def commit(self, sha: str) -> str | NoUrl:
        """Return the URL of a commit."""
        # Each system has its own word: Perforce has changelists, TFVC has changesets.
        refs = {"commit": sha, "ref": sha, "changelist": sha, "changeset": sha}
        return self.pages.page("commit", self.pages.values(self.repo_url), "commit", refs)

    def compare(self, base: str, head: str) -> str | NoUrl:
        """Return the URL of the page between two commits."""
        return self.pages.page("compare", self.pages.values(self.repo_url), "commit", {"base": base, "head": head})


class RepositoryPages(Value):
    """The pages of a repository that may have no URL. Each link hook of a plugin is one call of a method.

    Attributes:
        pages: the templates of its host, for example ``preset(kind).pages``.
        repository: the repository.
    """

    pages: Pages
    repository: Repository

    @property
    def templates(self) -> UrlTemplates | None:
        """The result of ``scm_url_templates``; None for a repository without the URL of a web page."""
        url = self.repository.url
        return UrlTemplates(pages=self.pages, repo_url=url) if url is not None and _is_web_page(url) else None

    def view(self, location: PagePosition) -> str | NoUrl:
        """Return the URL of a location, for ``scm_source_url``."""
        templates = self.templates
        return templates.view(location) if templates else self._without_url()

    def commit(self, sha: str) -> str | NoUrl:
        """Return the URL of a commit, for ``scm_commit_url``."""
        templates = self.templates
        return templates.commit(sha) if templates else self._without_url()

    def compare(self, base: str, head: str) -> str | NoUrl:
        """Return the URL of the page between two commits, for ``scm_compare_url``."""
        templates = self.templates
        return templates.compare(base, head) if templates else self._without_url()

    def _without_url(self) -> NoUrl:
        name = self.repository.name
        if self.repository.url is not None:
            return NoUrl(reason=Reason.UNSAFE_URL, message=f"The URL of repository {name!r} is not that of a web page.")
        return NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL, message=f"Repository {name!r} has no URL.")


def read_own_url(url: str, pages: Pages, repo_url: str, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """Return the locations in one repository that a page's URL may mean; empty if it is no page of this repository.

    Args:
        url: the URL of the page; untrusted text.
        pages: the templates of the repository's host.
        repo_url: the URL of the repository's own page.
        refs: the refs that the repository has, if they are known. They separate a ref with slashes from the path.
    """
    # One repository with a clone URL in place of its web page must not stop the reading for all others.
    if not _is_web_page(repo_url):
        return ()
    parts, repository = parse_url(url), pages.values(repo_url)
    # A quick test that most URLs of other repositories fail.
    if parts is None or repository.get("repo", "") not in unquote(url):
        return ()
    return find_candidates(PageScope(pages, ("",), repository), parts, refs)


def read_any_url(url: str, pages: Pages, repositories: Iterable[Repository]) -> list[LocationCandidate]:
    """Return the locations in any of the repositories that a page's URL may mean, for ``scm_read_source_url``."""
    found = [
        (repository.id, _position(candidate))
        for repository in repositories
        for candidate in (read_own_url(url, pages, repository.url) if repository.url else ())
        # Without a revision and a path it is the page of a repository.
        if candidate.ref is not None or candidate.path
    ]
    return [LocationCandidate(repository_id=to, location=at, ambiguous=len(found) > 1) for to, at in found]


def _position(candidate: UrlCandidate) -> PagePosition:
    kind = PagePosition if candidate.ref is None else Location
    return kind.model_validate(candidate.model_dump(exclude={"repo"}))


def _is_web_page(url: str) -> bool:
    """Return whether a repository's URL may be that of its page: a safe URL without a fragment."""
    # A safe URL may have a fragment, but no path can follow it.
    return "#" not in url and safe_url(url)


def _check_pages(pages: PageTemplates) -> None:
    """Render and read back samples of all pages.

    Raises:
        TemplateError: a template is wrong, or a sample gives no safe link, or it is not read back.
    """
    key = pages.model_dump_json()
    if key in _VALID:
        return
    _check_syntax(pages)
    repository = with_page(_SAMPLE_REPOSITORY, pages.repo)
    if repository is None:
        raise TemplateError(pages.repo, "the repository's page needs more than a repository", "leave out other tokens")
    for page in FILE_PAGES:
        for kind, text in pages.texts(page):
            for sample in _samples(kind):
                _check_file_page(pages, repository, page, sample, text)
    for page in _PAGES_WITHOUT_FILE:
        for _, text in pages.texts(page):
            link = pages.page(page, repository, "commit", _SAMPLE_REFS)
            if isinstance(link, NoUrl):
                raise TemplateError(text, f"a sample gives no safe link for the {page} page ({link.message})")
    # Only many different templates of requests fill it.
    if len(_VALID) >= _MAX_VALID:
        _VALID.clear()
    _VALID.add(key)


def _check_syntax(pages: PageTemplates) -> None:
    for anchor in (pages.anchor, pages.columns, *pages.also_anchors):
        Template.parse(anchor, rooted=False)
    for page in PAGE_NAMES:
        for _, text in pages.texts(page):
            Template.parse(text)
    for text in (pages.repo, *pages.also):
        Template.parse(text)


def _samples(kind: AnyKind | None) -> Iterator[tuple[Location, RefAt]]:
    """Yield locations for a template of a kind of ref, or of all kinds (None)."""
    if kind in (None, "branch", "tag"):
        yield _HARD_SAMPLE, RefAt(_HARD_SAMPLE.ref, kind or "branch", _HARD_COMMIT.ref)
    if kind in (None, "commit"):
        yield _HARD_COMMIT, RefAt(_HARD_COMMIT.ref, "commit")
    if kind == "none":
        yield _HARD_SAMPLE, RefAt(None, "none")


def _check_file_page(
    pages: PageTemplates, repository: RepositoryValues, page: PageName, sample: tuple[Location, RefAt], text: str
) -> None:
    location, at = sample
    links = pages.file_links(repository, page, at)
    link = links if isinstance(links, NoUrl) else links.of(location)
    if isinstance(link, str):
        if _is_reversible(text):
            _check_read_back(PageScope(pages, ("",), repository), page, sample, (text, link))
    # A template may need a value that the samples lack, such as the number of a file's revision.
    elif link.reason is not Reason.NO_SOURCE_PAGES:
        raise TemplateError(text, f"a hard sample gives no safe link ({link.message})")


def _is_reversible(text: str) -> bool:
    """Return whether a template contains the whole path, and changes no value on purpose."""
    whole = {token.name for token in tokens_of(text) if token.is_whole}
    has_path = "path" in whole or whole >= {"dir", "filename"}
    return has_path and Template.parse(text).tokens <= whole | REPOSITORY_TOKENS


def _check_read_back(
    scope: PageScope, page: PageName, sample: tuple[Location, RefAt], rendered: tuple[str, str]
) -> None:
    (location, at), (text, link) = sample, rendered
    url = parse_url(link)
    found = list(page_candidates(scope, url, page)) if url else []
    # One of them is enough: a ref with slashes gives several.
    if not any(candidate.path == location.path for candidate in found):
        raise TemplateError(text, f"the path of a hard sample is not read back from {link}", "set it apart")
    refs = {location.ref, at.commit}
    has_ref = not REF_TOKENS.isdisjoint(token.name for token in tokens_of(text))
    if has_ref and not any(item.path == location.path and item.ref in refs for item in found):
        raise TemplateError(text, f"the ref of a hard sample is not read back from {link}", "set it apart")


LinkHooks = tuple[
    Callable[..., UrlTemplates | None],
    Callable[..., str | NoUrl],
    Callable[..., str | NoUrl],
    Callable[..., str | NoUrl],
    Callable[..., Sequence[LocationCandidate]],
]
"""The hooks in the order of ``link_hooks``."""


def link_hooks(pages: Pages) -> LinkHooks:
    """Return the hooks that build links to the pages of a host, and read them.

    Assign them in this order in the module of the plugin: ``scm_url_templates``, ``scm_source_url``,
    ``scm_commit_url``, ``scm_compare_url``, ``scm_read_source_url``.
    """

    def pages_of(repository: Repository) -> RepositoryPages:
        return RepositoryPages(pages=pages, repository=repository)

    @hookimpl
    def scm_url_templates(repository: Repository) -> UrlTemplates | None:
        return pages_of(repository).templates

    @hookimpl
    def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
        return pages_of(repository).view(location)

    @hookimpl
    def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
        return pages_of(repository).commit(sha)

    @hookimpl
    def scm_compare_url(repository: Repository, base: str, head: str) -> str | NoUrl:
        return pages_of(repository).compare(base, head)

    @hookimpl
    def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return read_any_url(url, pages, repositories)

    return scm_url_templates, scm_source_url, scm_commit_url, scm_compare_url, scm_read_source_url
