"""Build the URL of any page from partial information: a clone URL or base URL, a kind of host or a template."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from scmhost.sdk.errors import TemplateError, UrlError
from scmhost.sdk.reasons import Reason
from scmhost.sdk.values import NoUrl

from .page_templates import RepositoryValues, values_at, with_page
from .pages import Pages
from .presets import host_facts, kind_of, preset
from .ref_links import (
    AnyKind,
    RefAt,
    checked_url,
    free_ref_problem,
    line_values,
    literal_authority,
    looks_like_commit,
    path_values,
    ref_problem,
    refuse_path,
    split_ref,
)
from .remotes import WebRepository, find_repository, repository_path
from .safety import authority_of, check_web_url
from .templates import FILE_PAGES, REPOSITORY_TOKENS, PageName, Template

# Pages that a folder has too.
_FOLDER_PAGES: Final = frozenset({"tree", "history"})
_DEFAULT_REPO: Final = "{base_url}/{repo_path}"
# No ref has two dots in a row.
_RANGE: Final = re.compile(r"([^.]+(?:\.[^.]+)*)\.\.\.?([^.].*)")

# GitHub has pull requests, GitLab has merge requests.
_PAGE_ALIASES: Final = {"file": "view", "pull_request": "change_request", "merge_request": "change_request"}


def _page_name(value: object) -> object:
    if value is None or value == "":
        return "view"
    return _PAGE_ALIASES.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


# The length of the longest URL.
LimitedText = Annotated[str, Field(max_length=8_000)]
Text = Annotated[LimitedText | None, BeforeValidator(_empty_is_none)]


class PageRequest(BaseModel):
    """A request for the URL of a page. The repository is given by a clone URL, or by a base URL and a path.

    Attributes:
        kind: the kind of host; by default it is recognised.
        remote: the repository's clone URL.
        base_url: the base URL of the host's pages; it overrides that of the clone URL.
        repo: the repository's path below the base URL.
        owner: the part of that path before ``repo``, if it is given separately.
        template: replaces the template of the kind, for all kinds of ref or for each; it contains its own line anchor.
        type: the page; ``repo`` is the repository's own.
        ref: the branch, tag or commit; for a comparison the newer side, or both sides as ``v1..v2``.
        ref_kind: the kind of ref; by default commit for 40 or 64 hexadecimal digits, else branch.
        path: the file or folder.
        line: the first line, counted from 1; an invalid number is ignored.
        end_line: the last line; a number before the first line is ignored.
        column: the first column, counted from 1.
        end_column: the last column, in the last line.
        commit: the commit that the ref refers to, or the commit whose page is requested.
        base: the older side of a comparison.
        head: the newer side of a comparison.
        number: the number of a change request.
        default_branch: the value of the token of the same name, like the fields after it.
    """

    # Callers send numbers for changelists, and rows with columns of their own.
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    kind: Text = None
    remote: Text = None
    base_url: Text = None
    repo: Text = None
    owner: Text = None
    template: LimitedText | dict[AnyKind, LimitedText] | None = None
    type: Annotated[PageName | Literal["repo"], BeforeValidator(_page_name)] = "view"
    ref: Text = None
    ref_kind: Annotated[AnyKind | None, BeforeValidator(_empty_is_none)] = None
    path: LimitedText | None = None
    # No limits here: a wrong number only removes the anchor.
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None
    commit: Text = None
    base: Text = None
    head: Text = None
    number: int | None = None
    default_branch: Text = None
    branch: Text = None
    tag: Text = None
    blob: Text = None
    file_rev: Text = None
    org: Text = None
    project: Text = None
    account: Text = None
    region: Text = None
    callsign: Text = None

    @property
    def at(self) -> RefAt:
        """The ref and its kind: the given kind, else that of the ref's form."""
        if not self.ref:
            return RefAt(self.commit, "commit" if self.commit else "none", self.commit)
        ref, named_kind = split_ref(self.ref)
        kind: AnyKind = named_kind or self.ref_kind or ("commit" if looks_like_commit(ref) else "branch")
        return RefAt(None if kind == "none" else ref, kind, self.commit)

    @property
    def location(self) -> Mapping[str, str | int | None]:
        """The values of the tokens for path and lines."""
        lines = line_values(self.line, self.end_line, self.column, self.end_column)
        return {**path_values(self.path or ""), **lines}

    @property
    def others(self) -> dict[str, str]:
        """The values of the fields that are named like their tokens."""
        names = ("base", "head", "default_branch", "blob", "file_rev", "branch", "tag", "commit")
        values = {name: value for name in names if (value := getattr(self, name))}
        return values if self.number is None else {**values, "number": str(self.number)}


def page_url(request: PageRequest) -> str | NoUrl:
    """Return the URL of the requested page, or ``NoUrl`` with the reason.

    Raises:
        UrlError: the clone URL or the base URL is invalid.
        TemplateError: the template is wrong, or there is no such kind of host.
    """
    request = _with_sides(request) if request.type == "compare" else request
    found = _find(request)
    if found.kind is None and request.template is None:
        return NoUrl(reason=Reason.NO_SOURCE_PAGES, message="the kind of host is not known; name one, or a template")
    pages = preset(found.kind).pages if found.kind else None
    repository = _repository(request, found, pages)
    if isinstance(repository, NoUrl):
        return repository
    if request.type == "repo":
        return checked_url(repository["repo_url"], authority_of(found.base_url))
    if request.template is not None:
        return _by_template(request, repository, free_ref_problem if pages and pages.free_refs else ref_problem)
    return _by_pages(request, repository, pages) if pages else NoUrl()


def _with_sides(request: PageRequest) -> PageRequest:
    both = _RANGE.fullmatch(request.ref or "")
    older, newer, ref = (both[1], both[2], None) if both else (None, request.ref, request.ref)
    sides = {"base": request.base or older, "head": request.head or newer}
    return request.model_copy(update={**sides, "ref": ref})


def _find(request: PageRequest) -> WebRepository:
    # An unknown kind is an error, even where the host is recognised without it.
    if request.kind:
        preset(request.kind)
    base_url = check_web_url(request.base_url) if request.base_url else None
    if request.remote:
        found = find_repository(request.remote, request.kind)
        return _move_below(base_url, found) if base_url else found
    base_url = base_url or _public_host(request.kind)
    host = authority_of(base_url).partition("://")[2].partition(":")[0]
    kind = request.kind or kind_of(host)
    path = "/".join(part.strip("/") for part in (request.owner, request.repo) if part)
    return WebRepository(base_url, repository_path(path, kind) if kind and path else path, kind)


def _move_below(base_url: str, found: WebRepository) -> WebRepository:
    """Move a repository below another base URL. A path at the beginning of both belongs to the host."""
    prefix = unquote(base_url[len(authority_of(base_url)) :].strip("/"))
    path = found.path.removeprefix(f"{prefix}/") if prefix else found.path
    return found._replace(base_url=base_url, path=path)


def _public_host(kind: str | None) -> str:
    """Return the base URL of a kind's public host."""
    facts = host_facts(kind) if kind else None
    if facts is None or not (facts.bases or facts.recognise.hosts):
        raise UrlError("there is neither a remote nor a base URL")
    return facts.bases[0] if facts.bases else f"https://{facts.recognise.hosts[0]}"


def _repository(request: PageRequest, found: WebRepository, pages: Pages | None) -> RepositoryValues | NoUrl:
    template = pages.repo if pages else _DEFAULT_REPO
    path = found.path.removesuffix(".git") if pages and pages.strip_git_suffix else found.path
    names = ("org", "project", "account", "region", "callsign")
    given = {name: value for name in names if (value := getattr(request, name))}
    values = with_page({**values_at(found.base_url, path, template), **given}, template)
    return values or NoUrl(message="the repository's path does not have all parts that its page names")


def _by_template(
    request: PageRequest, repository: RepositoryValues, problem_of: Callable[[str], str | None]
) -> str | NoUrl:
    at = request.at
    template = Template.parse(_template_for(request.template, at.kind)).bind(repository).without(REPOSITORY_TOKENS)
    refused = refuse_path(request.path) if request.path else None
    refs = (at.ref, request.commit, request.base, request.head)
    problem = next(filter(None, (problem_of(ref) for ref in refs if ref)), None)
    if refused or problem:
        return refused or NoUrl(reason=Reason.NO_REF, message=f"a ref cannot be used: {problem}")
    values = {**request.others, **at.values(), **request.location}
    page = template if request.path else template.without_path()
    # A template may require a range: use the single line as first and last line.
    url = page.render(values) or page.render({**values, "end_line": values.get("last_line")})
    return checked_url(url, authority_of(literal_authority(template)))


def _template_for(template: str | dict[AnyKind, str] | None, kind: AnyKind) -> str:
    if isinstance(template, str):
        return template
    # Most hosts have one form for all kinds of ref, so that the template of another kind is likely to be right.
    kinds: tuple[AnyKind, ...] = (kind, "commit", "branch", "tag", "none")
    text = next((template[name] for name in kinds if template and name in template), None)
    if text is None:
        raise TemplateError("", "there is no template", "give one for branch, tag or commit")
    return text


def _by_pages(request: PageRequest, repository: RepositoryValues, pages: Pages) -> str | NoUrl:
    page: PageName = request.type if request.type != "repo" else "view"
    if page not in FILE_PAGES and page != "root":
        return _other_page(request, repository, pages, page)
    if page == "view" and not request.path:
        page = "tree" if pages.tree or pages.root else page
    if page == "root" or (page == "tree" and not pages.tree) or (not request.path and page in _FOLDER_PAGES):
        return pages.top_page(repository, "tree" if pages.tree else "root", request.at)
    links = pages.file_links({**repository, **request.others}, page, request.at)
    if isinstance(links, NoUrl):
        return links
    lines = line_values(request.line, request.end_line, request.column, request.end_column)
    return links.page(request.path or "", lines)


def _other_page(request: PageRequest, repository: RepositoryValues, pages: Pages, page: PageName) -> str | NoUrl:
    values = request.others
    if page == "commit" and request.commit is None and request.ref_kind in ("branch", "tag"):
        return NoUrl(reason=Reason.NO_REF, message=f"a {request.ref_kind} is no commit")
    if page == "commit":
        sha = request.commit or request.ref or ""
        values |= {"commit": sha, "ref": sha, "changelist": sha, "changeset": sha}
    if page == "compare" and not (request.base and request.head):
        return NoUrl(reason=Reason.NO_REF, message="a comparison is between a base and a head")
    commits = all(looks_like_commit(ref) for ref in (request.base, request.head) if ref)
    return pages.page(page, repository, request.ref_kind or ("commit" if commits else "branch"), values)
