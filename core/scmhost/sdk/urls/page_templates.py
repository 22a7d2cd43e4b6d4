"""The templates of a code host's pages, and the values of a repository that fill them."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from scmhost.sdk.errors import TemplateError
from scmhost.sdk.reasons import Reason
from scmhost.sdk.values import NoUrl, RefKind, Value

from .matching import MatchLimits, match_template, parse_url
from .ref_links import (
    NO_ANCHOR,
    AnyKind,
    RefAt,
    RefLinks,
    checked_url,
    free_ref_problem,
    literal_authority,
    ref_problem,
)
from .safety import authority_of
from .templates import (
    HOST_TOKENS,
    MAX_TEMPLATE,
    REPOSITORY_TOKENS,
    ROOT_TOKENS,
    OptionalPart,
    PageName,
    Template,
    TemplateToken,
)

TemplateText = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]
AnchorText = Annotated[str, Field(max_length=MAX_TEMPLATE)]
PageText = TemplateText | dict[AnyKind, TemplateText]
"""One template, or a template for each kind of ref."""

RepositoryValues = Mapping[str, str]
"""The values of a template's repository tokens, by name."""

# Pages that have line anchors.
_WITH_LINES: Final = frozenset({"view", "blame", "pinned"})
_RENDERED: Final = frozenset({"view", "pinned"})
# ``none`` comes last: a template without a ref also matches the URLs with a ref.
_KIND_ORDER: Final[tuple[AnyKind, ...]] = ("branch", "tag", "commit", "none")


class RenderedView(Value):
    """File formats that the host shows rendered.

    Attributes:
        query: the query, without ``?``, that selects their source view.
        extensions: their extensions, in lower case and without a dot.
    """

    query: str
    extensions: frozenset[str]


_NOT_RENDERED: Final = RenderedView(query="", extensions=frozenset())


class PageTemplates(Value):
    """The fields of ``Pages``, where they are described, without the check of samples.

    The check renders and reads pages, so that it needs this class; ``Pages`` adds the check.
    """

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
    # The most levels of groups that GitLab allows.
    groups: Annotated[int, Field(ge=1, le=50)] = 20
    least: Annotated[int, Field(ge=0, le=50)] = 1
    strip_git_suffix: bool = True
    free_refs: bool = False
    has_branches: bool = True

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
        """Return a page's templates with their kinds of ref; the kind is None for a template for all kinds."""
        found = getattr(self, page)
        if found is None or isinstance(found, str):
            return ((None, found),) if found else ()
        return tuple((kind, found[kind]) for kind in _KIND_ORDER if kind in found)

    def template(self, page: PageName, kind: AnyKind) -> str | None:
        """Return the template of a page for a kind of ref: its own, else that for commits, else that for branches."""
        found = getattr(self, page)
        if kind == "branch" and not self.has_branches:
            kind = "none"
        if not isinstance(found, dict):
            text: str | None = found
            return text
        kinds: tuple[AnyKind, ...] = ("none",) if kind == "none" else (kind, "commit", "branch")
        return next((found[name] for name in kinds if name in found), None)

    def view_for(self, kind: RefKind) -> str | None:
        """Return the template of a file's page for a kind of ref."""
        return self.template("view", kind)

    def root_url(self, repo_url: str) -> str:
        """Return a repository's URL as the value of ``{repo_url}``."""
        return repo_url.removesuffix(".git") if self.strip_git_suffix else repo_url

    def values(self, repo_url: str) -> RepositoryValues:
        """Return the values of a repository, from its URL."""
        return values_of(self.root_url(repo_url), self.repo, self.groups)

    def links(self, repo_url: str, ref: str, kind: RefKind) -> RefLinks | NoUrl:
        """Return the links of one repository at one ref, prepared for many files."""
        return self.file_links(self.values(repo_url), "view", RefAt(ref, kind))

    def file_links(self, repository: RepositoryValues, page: PageName, at: RefAt) -> RefLinks | NoUrl:
        """Return the links of one repository at one ref to one kind of page of its files."""
        found = self._bound(repository, page, at)
        if isinstance(found, NoUrl):
            return found
        if page not in _WITH_LINES:
            return RefLinks(found, NO_ANCHOR)
        rendered = (self.rendered if page in _RENDERED else None) or _NOT_RENDERED
        anchors = [Template.parse(text, rooted=False) for text in (self.anchor, self.columns)]
        return RefLinks(found, anchors[0], rendered.query, rendered.extensions, columns=anchors[1])

    def top_page(self, repository: RepositoryValues, page: PageName, at: RefAt) -> str | NoUrl:
        """Return the URL of the root folder."""
        own = page == "tree" and self.template("root", at.kind) is not None
        found = self._bound(repository, "root" if own else page, at)
        if isinstance(found, NoUrl):
            return found
        return checked_url(found.without_path().render({}), authority_of(literal_authority(found)))

    def page(self, page: PageName, repository: RepositoryValues, kind: AnyKind, refs: Mapping[str, str]) -> str | NoUrl:
        """Return the URL of a page that shows no file, from the values of its ref tokens."""
        problem = next(filter(None, (self._problem(ref) for ref in refs.values())), None)
        if problem:
            return problem
        text = self.template(page, kind)
        if text is None:
            return NoUrl(message="the host's templates have no such page")
        template = _bound(text, repository)
        if isinstance(template, NoUrl):
            return template
        return checked_url(template.render(refs), authority_of(literal_authority(template)))

    def _bound(self, repository: RepositoryValues, page: PageName, at: RefAt) -> Template | NoUrl:
        problem = self._problem(at.ref) if at.ref is not None else None
        if problem:
            return problem
        # Such hosts take the first segment of a branch for its whole name; a commit has no slash.
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
    """Fill in the values of a repository; refuse if they would change the host of the URL."""
    try:
        return Template.parse(text).bind(values).without(REPOSITORY_TOKENS)
    except TemplateError as error:
        return NoUrl(reason=Reason.UNSAFE_URL, message=str(error))


# Called for each link, for a few repositories.
@lru_cache(maxsize=4096)
def values_of(repo_url: str, template: str, groups: int) -> RepositoryValues:
    """Return the values of a repository, from its web URL and the host's template of such URLs.

    A URL that does not match the template is split into scheme, host and path. ``groups`` is the most segments that an
    owner may have.
    """
    url = parse_url(repo_url)
    found = next(match_template(Template.parse(template), url, MatchLimits(groups, None)), None) if url else None
    if found is None:
        base_url = authority_of(repo_url)
        path = unquote(repo_url[len(base_url) :].strip("/"))
        return MappingProxyType({**values_at(base_url, path, template), "repo_url": repo_url})
    texts = {name: str(value) for name, value in found.items()}
    path = path_of(texts, template)
    base_url = texts["base_url"]
    # Keep the spelling of the configured URL: matching lower-cases the host.
    if repo_url.lower().startswith(base_url.lower()):
        base_url = repo_url[: len(base_url)]
    return MappingProxyType(
        {**values_at(base_url, path, template), **texts, "base_url": base_url, "repo_url": repo_url}
    )


def values_at(base_url: str, path: str, template: str) -> dict[str, str]:
    """Return the values of a repository, from the host's base URL and the repository's path below it."""
    base_url, path = base_url.rstrip("/"), path.strip("/")
    owner, _, repo = path.rpartition("/")
    values = {**_host_values(base_url), "repo_path": path, "owner": owner, "repo": repo}
    values |= _split_path(names_in(template), path)
    # Azure DevOps has an organization and a project where others have an owner.
    values |= {"owner_first": values["owner"].partition("/")[0], "owner_last": values["owner"].rpartition("/")[2]}
    # The tokens in the template of the host take precedence over segments of the owner.
    values = {"org": values["owner_first"], "project": values["owner_last"], **values}
    # An empty prefix is a value; see ``TemplateToken.render``.
    return {name: value for name, value in values.items() if value or name == "prefix"}


def with_page(values: Mapping[str, str], template: str) -> dict[str, str] | None:
    """Return the values with the URL of the repository's own page; None if the template needs other values."""
    page = Template.parse(template).bind(values).without(REPOSITORY_TOKENS).render({})
    return None if page is None else {**values, "repo_url": page}


def path_of(values: Mapping[str, str], template: str) -> str:
    """Return the repository's path: the values of the tokens in the template of its page, joined by ``/``."""
    return "/".join(values[name] for name in names_in(template) if values.get(name))


@lru_cache(maxsize=256)
def names_in(template: str) -> tuple[str, ...]:
    """Return the tokens into which a template splits a repository's path, in order."""
    names: list[str] = []
    for node in Template.parse(template).nodes:
        tokens = node.nodes if isinstance(node, OptionalPart) else (node,)
        names += [token.name for token in tokens if isinstance(token, TemplateToken)]
    return tuple(name for name in dict.fromkeys(names) if name not in ROOT_TOKENS | HOST_TOKENS)


def _split_path(names: tuple[str, ...], path: str) -> dict[str, str]:
    """Return the values of a path's tokens; an owner, or else the last token, takes the segments that are left."""
    segments = path.split("/")
    if not names or names[0] == "repo_path":
        return {}
    if names[0] == "owner":
        owners = max(len(segments) - len(names) + 1, 0)
        return {"owner": "/".join(segments[:owners]), **dict(zip(names[1:], segments[owners:], strict=False))}
    # Not strict: a path may have fewer segments than the template has tokens.
    heads, last = names[:-1], len(names) - 1
    return {**dict(zip(heads, segments, strict=False)), names[-1]: "/".join(segments[last:])}


def _host_values(base_url: str) -> dict[str, str]:
    parts = urlsplit(base_url)
    return {
        "base_url": base_url,
        "scheme": parts.scheme,
        # ``hostname`` would drop the brackets of an IPv6 address.
        "web_host": parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0],
        "port": str(parts.port or ""),
        "prefix": parts.path,
    }
