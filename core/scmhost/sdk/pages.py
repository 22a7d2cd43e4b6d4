"""The pages of a code host as templates, and links made from them."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator, model_validator

from .errors import TemplateError
from .reasons import Reason
from .refs import full_ref, ref_problem
from .templates import MAX_TEMPLATE, Template
from .urls import authority_of, check_web_url, safe_link
from .values import Location, NoUrl, RefKind, Value

TemplateText = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]
PageName = Literal["view", "commit", "compare"]

# A location that is hard to write: blanks, marks with a meaning in URLs, letters beyond ASCII, a ref with a slash.
HARD_SAMPLE: Final = Location(
    ref="feature/a#b%20é", ref_kind="branch", path="dir/a b/[x]?#%41/ü.py", line=7, end_line=9, column=2
)
_HARD_COMMIT: Final = HARD_SAMPLE.model_copy(update={"ref": "0123456789abcdef" * 2 + "01234567", "ref_kind": "commit"})


class RenderedView(Value):
    """File formats that the host shows rendered, and the query that asks for their source instead."""

    query: str
    extensions: frozenset[str]


class Pages(Value):
    """Templates of a host's pages.

    Attributes:
        view: the page of a file; one template, or one per kind of ref.
        anchor: what leads to the lines, put after the page's URL; a leading ``?`` becomes ``&`` where the URL has
            a query.
        commit: the page of a commit.
        compare: the page between ``{base}`` and ``{head}``.
        rendered: formats that need their source view asked for.
        strip_git_suffix: whether a ``.git`` at the end of the repository's URL belongs to cloning only.
    """

    view: TemplateText | dict[RefKind, TemplateText]
    anchor: Annotated[str, Field(max_length=MAX_TEMPLATE)] = ""
    commit: TemplateText | None = None
    compare: TemplateText | None = None
    rendered: RenderedView | None = None
    strip_git_suffix: bool = True

    @field_validator("view")
    @classmethod
    def _view_shows_a_file(cls, view: str | dict[RefKind, str]) -> str | dict[RefKind, str]:
        for text in [view] if isinstance(view, str) else view.values():
            if not Template.parse(text).tokens & {"path", "filename"}:
                raise TemplateError(text, "it shows no file", "use {path}")
        if not view:
            raise TemplateError("", "there is no template", "give one for branch, tag or commit")
        return view

    @field_validator("commit", "compare")
    @classmethod
    def _page_parses(cls, text: str | None) -> str | None:
        if text is not None:
            Template.parse(text)
        return text

    @model_validator(mode="after")
    def _hard_sample_renders(self) -> "Pages":
        Template.parse(self.anchor, rooted=False)
        for location in (HARD_SAMPLE, _HARD_COMMIT):
            links = self.links("https://sample.example/team/app", location.ref, location.ref_kind)
            link = links if isinstance(links, NoUrl) else links.of(location)
            if isinstance(link, NoUrl) and link.reason is not Reason.NO_SOURCE_PAGES:
                raise TemplateError(str(self.view), f"a hard sample gives no safe link ({link.message})")
        return self

    def view_for(self, kind: RefKind) -> str | None:
        """The template for a kind of ref. Without its own, a kind takes the commit's, then the branch's."""
        if isinstance(self.view, str):
            return self.view
        return next((self.view[name] for name in (kind, "commit", "branch") if name in self.view), None)

    def root(self, repo_url: str) -> str:
        """A repository's URL as templates get it."""
        return repo_url.removesuffix(".git") if self.strip_git_suffix else repo_url

    def links(self, repo_url: str, ref: str, kind: RefKind) -> "RefLinks | NoUrl":
        """The links of one repository at one ref, ready to render many files."""
        problem = ref_problem(ref)
        if problem:
            return NoUrl(reason=Reason.NO_REF, message=f"ref {ref!r}: {problem}")
        text = self.view_for(kind)
        if text is None:
            return NoUrl(message=f"the host's templates show no page for a {kind}")
        return RefLinks(self, Template.parse(text).bind(_ref_values(self.root(repo_url), ref, kind)))


class UrlTemplates(Value):
    """The pages of one repository: what ``scm_url_templates`` hands to the host."""

    pages: Pages
    repo_url: str

    @field_validator("repo_url")
    @classmethod
    def _repo_url_is_web(cls, url: str) -> str:
        return check_web_url(url)

    def at(self, ref: str, kind: RefKind) -> "RefLinks | NoUrl":
        """The links of one ref, ready to render many files."""
        return self.pages.links(self.repo_url, ref, kind)

    def view(self, location: Location) -> str | NoUrl:
        """The page that shows a location."""
        links = self.at(location.ref, location.ref_kind)
        return links if isinstance(links, NoUrl) else links.of(location)

    def commit(self, sha: str) -> str | NoUrl:
        """The page of a commit."""
        return self._page("commit", {"commit": sha, "ref": sha})

    def compare(self, base: str, head: str) -> str | NoUrl:
        """The page between two commits."""
        return self._page("compare", {"base": base, "head": head})

    def _page(self, name: Literal["commit", "compare"], values: Mapping[str, str]) -> str | NoUrl:
        text = getattr(self.pages, name)
        if text is None:
            return NoUrl(message=f"the host's templates have no {name} page")
        template = Template.parse(text).bind(_repository_values(self.pages.root(self.repo_url)))
        return checked(template.render(values), authority_of(_literal_authority(template)))


class RefLinks:
    """Renders the file pages of one repository at one ref."""

    __slots__ = ("_anchor", "_authority", "_rendered", "_view")

    def __init__(self, pages: Pages, view: Template) -> None:
        self._view = view
        self._anchor = Template.parse(pages.anchor, rooted=False)
        self._rendered = pages.rendered
        # The head of a bound template is literal: the configured URL, or the template's own scheme and host.
        self._authority = authority_of(_literal_authority(view))

    def of(self, location: Location) -> str | NoUrl:
        """The page of a location; its ref is taken to be the one these links are of."""
        return self.url(location.path, location.line, location.end_line, location.column)

    def url(
        self, path: str, line: int | None = None, end_line: int | None = None, column: int | None = None
    ) -> str | NoUrl:
        """The page of a file, at a line if one is given. A line below 1 gives no anchor."""
        lines = _line_values(line, end_line, column) if line is not None and line >= 1 else {}
        page = self._view.render({**_path_values(path), **lines})
        if page is None:
            return NoUrl(message="the host's template needs a value that this location does not have")
        anchor = self._anchor.render(lines) if lines else None
        return checked(_with_anchor(self._source_view(page, path), anchor or ""), self._authority)

    def _source_view(self, page: str, path: str) -> str:
        if self._rendered is None or path.rpartition(".")[2].lower() not in self._rendered.extensions:
            return page
        return _with_anchor(page, "?" + self._rendered.query)


def checked(url: str | None, authority: str) -> str | NoUrl:
    """The URL, if it is safe to show; the last look before it leaves the SDK."""
    if url is None:
        return NoUrl(message="the host's template needs a value that is not there")
    if not safe_link(url, authority):
        return NoUrl(reason=Reason.UNSAFE_URL, message="the finished URL is no safe link on the repository's host")
    return url


def _literal_authority(template: Template) -> str:
    head = str(template.nodes[0])
    return "/".join(head.split("/", 3)[:3])


def _with_anchor(page: str, anchor: str) -> str:
    return page + ("&" + anchor[1:] if anchor.startswith("?") and "?" in page else anchor)


def _ref_values(root: str, ref: str, kind: RefKind) -> dict[str, str]:
    return {**_repository_values(root), "ref": ref, "ref_full": full_ref(ref, kind), kind: ref}


def _repository_values(root: str) -> dict[str, str]:
    """What a repository's URL says about it: ``https://host/group/app`` is ``group``, ``app`` and the rest."""
    base_url = authority_of(root)
    repo_path = unquote(root[len(base_url) :].strip("/"))
    owner, _, repo = repo_path.rpartition("/")
    return {"repo_url": root, "base_url": base_url, "repo_path": repo_path, "owner": owner, "repo": repo}


def _path_values(path: str) -> dict[str, str]:
    folder, _, filename = path.rpartition("/")
    return {"path": path, "dir": folder, "filename": filename}


def _line_values(line: int, end_line: int | None, column: int | None) -> dict[str, int | None]:
    """An end before the beginning is dropped; one line is no range."""
    last = end_line if end_line is not None and end_line > line else None
    return {
        "line": line,
        "end_line": last,
        "last_line": last or line,
        "line_count": (last or line) - line + 1,
        "column": column,
    }
