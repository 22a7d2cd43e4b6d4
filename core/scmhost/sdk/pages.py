"""The pages of a code host as templates, and links made from them."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import unquote

from pydantic import Field, field_validator, model_validator

from .errors import TemplateError
from .reasons import Reason
from .ref_links import RefLinks, checked, literal_authority
from .refs import full_ref, ref_problem
from .templates import MAX_TEMPLATE, Template
from .urls import authority_of, check_web_url
from .values import Location, NoUrl, RefKind, Value

__all__ = ["HARD_SAMPLE", "Pages", "RefLinks", "RenderedView", "UrlTemplates"]

TemplateText = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]

# A location that is hard to write: blanks, marks with a meaning in URLs, letters beyond ASCII, a ref with a slash.
HARD_SAMPLE: Final = Location(
    ref="feature/a#b%20é", ref_kind="branch", path="dir/a b/[x]?#%41/ü.py", line=7, end_line=9, column=2
)
_HARD_COMMIT: Final = HARD_SAMPLE.model_copy(update={"ref": "0123456789abcdef" * 2 + "01234567", "ref_kind": "commit"})
_SAMPLE_REFS: Final = {"commit": "c0ffee", "ref": "c0ffee", "base": "v1", "head": "v2"}


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

    @model_validator(mode="after")
    def _sample_pages_render(self) -> "Pages":
        for name, text in (("commit", self.commit), ("compare", self.compare)):
            page = self.page(text, "https://sample.example/team/app", _SAMPLE_REFS) if text is not None else ""
            if isinstance(page, NoUrl):
                raise TemplateError(str(text), f"a sample gives no safe link for the {name} page ({page.message})")
        return self

    def view_for(self, kind: RefKind) -> str | None:
        """The template for a kind of ref. Without its own, a kind takes the commit's, then the branch's."""
        if isinstance(self.view, str):
            return self.view
        return next((self.view[name] for name in (kind, "commit", "branch") if name in self.view), None)

    def root(self, repo_url: str) -> str:
        """A repository's URL as templates get it."""
        return repo_url.removesuffix(".git") if self.strip_git_suffix else repo_url

    def links(self, repo_url: str, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """The links of one repository at one ref, ready to render many files."""
        problem = ref_problem(ref)
        if problem:
            return NoUrl(reason=Reason.NO_REF, message=f"ref {ref!r}: {problem}")
        text = self.view_for(kind)
        if text is None:
            return NoUrl(message=f"the host's templates show no page for a {kind}")
        view = Template.parse(text).bind(_ref_values(self.root(repo_url), ref, kind))
        anchor = Template.parse(self.anchor, rooted=False)
        if self.rendered is None:
            return RefLinks(view, anchor)
        return RefLinks(view, anchor, self.rendered.query, self.rendered.extensions)

    def page(self, text: str | None, repo_url: str, refs: Mapping[str, str]) -> str | NoUrl:
        """A page that shows no file, from its template and the refs that it names."""
        if text is None:
            return NoUrl(message="the host's templates have no such page")
        problems = [f"ref {ref!r}: {problem}" for ref in refs.values() if (problem := ref_problem(ref))]
        if problems:
            return NoUrl(reason=Reason.NO_REF, message=problems[0])
        template = Template.parse(text).bind(_repository_values(self.root(repo_url)))
        return checked(template.render(refs), authority_of(literal_authority(template)))


class UrlTemplates(Value):
    """The pages of one repository: what ``scm_url_templates`` hands to the host."""

    pages: Pages
    repo_url: str

    @field_validator("repo_url")
    @classmethod
    def _repo_url_is_web(cls, url: str) -> str:
        return check_web_url(url)

    def at(self, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """The links of one ref, ready to render many files."""
        return self.pages.links(self.repo_url, ref, kind)

    def view(self, location: Location) -> str | NoUrl:
        """The page that shows a location."""
        links = self.at(location.ref, location.ref_kind)
        return links if isinstance(links, NoUrl) else links.of(location)

    def commit(self, sha: str) -> str | NoUrl:
        """The page of a commit."""
        return self.pages.page(self.pages.commit, self.repo_url, {"commit": sha, "ref": sha})

    def compare(self, base: str, head: str) -> str | NoUrl:
        """The page between two commits."""
        return self.pages.page(self.pages.compare, self.repo_url, {"base": base, "head": head})


def _ref_values(root: str, ref: str, kind: RefKind) -> dict[str, str]:
    return {**_repository_values(root), "ref": ref, "ref_full": full_ref(ref, kind), kind: ref}


def _repository_values(root: str) -> dict[str, str]:
    """What a repository's URL says about it: ``https://host/group/app`` is ``group``, ``app`` and the rest."""
    base_url = authority_of(root)
    repo_path = unquote(root[len(base_url) :].strip("/"))
    owner, _, repo = repo_path.rpartition("/")
    return {"repo_url": root, "base_url": base_url, "repo_path": repo_path, "owner": owner, "repo": repo}
