"""Templates of a code host's pages, and what is rendered from them."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, field_validator

from .errors import TemplateError
from .reasons import Reason
from .ref_links import NO_ANCHOR, RefLinks, checked, literal_authority
from .refs import AnyKind, At, free_ref_problem, ref_problem
from .repository import RepositoryValues, values_of
from .templates import MAX_TEMPLATE, Template
from .tokens import REPOSITORY_TOKENS, PageName
from .urls import authority_of
from .values import NoUrl, RefKind, Value

TemplateText = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]
AnchorText = Annotated[str, Field(max_length=MAX_TEMPLATE)]
PageText = TemplateText | dict[AnyKind, TemplateText]

# Pages that can be led to a line.
_WITH_LINES: Final = frozenset({"view", "blame", "pinned"})
_RENDERED: Final = frozenset({"view", "pinned"})
_KIND_ORDER: Final[tuple[AnyKind, ...]] = ("branch", "tag", "commit", "none")


class RenderedView(Value):
    """File formats that the host shows rendered, and the query that asks for their source instead."""

    query: str
    extensions: frozenset[str]


_NOT_RENDERED: Final = RenderedView(query="", extensions=frozenset())


class PageTemplates(Value):
    """What ``Pages`` are made of, before they are tried; the fields are described there."""

    repo: TemplateText = "{base_url}/{repo_path}"
    view: PageText
    anchor: AnchorText = ""
    columns: AnchorText = ""
    raw: PageText | None = None
    blame: PageText | None = None
    tree: PageText | None = None
    root: PageText | None = None
    history: PageText | None = None
    edit: PageText | None = None
    pinned: TemplateText | None = None
    commit: PageText | None = None
    compare: PageText | None = None
    change_request: TemplateText | None = None
    also: tuple[TemplateText, ...] = ()
    also_anchors: tuple[TemplateText, ...] = ()
    rendered: RenderedView | None = None
    groups: Annotated[int, Field(ge=1, le=50)] = 20
    least: Annotated[int, Field(ge=0, le=50)] = 1
    strip_git_suffix: bool = True
    free_refs: bool = False

    @field_validator("view")
    @classmethod
    def _view_shows_a_file(cls, view: str | dict[AnyKind, str]) -> str | dict[AnyKind, str]:
        for text in [view] if isinstance(view, str) else view.values():
            if not Template.parse(text).tokens & {"path", "filename", "filename_slug"}:
                raise TemplateError(text, "it shows no file", "use {path}")
        if not view:
            raise TemplateError("", "there is no template", "give one for branch, tag or commit")
        return view

    def texts(self, page: PageName) -> tuple[tuple[AnyKind | None, str], ...]:
        """A page's templates with the kinds of ref that they are for; a template for all kinds has None."""
        found = getattr(self, page)
        if found is None or isinstance(found, str):
            return ((None, found),) if found else ()
        return tuple((kind, found[kind]) for kind in _KIND_ORDER if kind in found)

    def template(self, page: PageName, kind: AnyKind) -> str | None:
        """The template of a page for a kind of ref. Without its own, a kind takes the commit's, then the branch's."""
        found = getattr(self, page)
        if not isinstance(found, dict):
            text: str | None = found
            return text
        kinds: tuple[AnyKind, ...] = ("none",) if kind == "none" else (kind, "commit", "branch")
        return next((found[name] for name in kinds if name in found), None)

    def view_for(self, kind: RefKind) -> str | None:
        """The template of a file's page for a kind of ref."""
        return self.template("view", kind)

    def root_url(self, repo_url: str) -> str:
        """A repository's URL as templates get it."""
        return repo_url.removesuffix(".git") if self.strip_git_suffix else repo_url

    def values(self, repo_url: str) -> RepositoryValues:
        """What a repository's URL says, as templates get it."""
        return values_of(self.root_url(repo_url), self.repo, self.groups)

    def links(self, repo_url: str, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """The links of one repository at one ref, ready to render many files."""
        return self.file_links(self.values(repo_url), "view", At(ref, kind))

    def file_links(self, repository: RepositoryValues, page: PageName, at: At) -> RefLinks | NoUrl:
        """The links of one repository at one ref to one kind of page of its files."""
        found = self._bound(repository, page, at)
        if isinstance(found, NoUrl):
            return found
        if page not in _WITH_LINES:
            return RefLinks(found, NO_ANCHOR)
        rendered = (self.rendered if page in _RENDERED else None) or _NOT_RENDERED
        anchors = [Template.parse(text, rooted=False) for text in (self.anchor, self.columns)]
        return RefLinks(found, anchors[0], rendered.query, rendered.extensions, columns=anchors[1])

    def top_page(self, repository: RepositoryValues, page: PageName, at: At) -> str | NoUrl:
        """The page of the topmost folder."""
        own = page == "tree" and self.template("root", at.kind) is not None
        found = self._bound(repository, "root" if own else page, at)
        if isinstance(found, NoUrl):
            return found
        return checked(found.without_path().render({}), authority_of(literal_authority(found)))

    def page(self, page: PageName, repository: RepositoryValues, kind: AnyKind, refs: Mapping[str, str]) -> str | NoUrl:
        """A page that shows no file, from the refs that its template names."""
        problem = next(filter(None, (self._problem(ref) for ref in refs.values())), None)
        if problem:
            return problem
        text = self.template(page, kind)
        if text is None:
            return NoUrl(message="the host's templates have no such page")
        template = _bound(text, repository)
        if isinstance(template, NoUrl):
            return template
        return checked(template.render(refs), authority_of(literal_authority(template)))

    def _bound(self, repository: RepositoryValues, page: PageName, at: At) -> Template | NoUrl:
        problem = self._problem(at.ref) if at.ref is not None else None
        if problem:
            return problem
        if page == "view" and self.pinned is not None and at.commit and at.kind == "branch" and "/" in (at.ref or ""):
            page = "pinned"
        text = self.template(page, at.kind)
        if text is None:
            return NoUrl(message=f"the host's templates show no page for a {at.kind}")
        return _bound(text, {**repository, **at.values()})

    def _problem(self, ref: str) -> NoUrl | None:
        problem = (free_ref_problem if self.free_refs else ref_problem)(ref)
        return NoUrl(reason=Reason.NO_REF, message=f"ref {ref!r}: {problem}") if problem else None


def _bound(text: str, values: Mapping[str, str]) -> Template | NoUrl:
    """A template of one repository; none where its URL and the template make another host together."""
    try:
        return Template.parse(text).bind(values).without(REPOSITORY_TOKENS)
    except TemplateError as error:
        return NoUrl(reason=Reason.UNSAFE_URL, message=str(error))
