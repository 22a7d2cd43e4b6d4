"""The URL of any page from all that may be known of it: a remote or a base URL, a kind of host or a template."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .errors import TemplateError, UrlError
from .pages import Pages
from .presets import host_facts, preset
from .reasons import Reason
from .recognition import kind_of
from .ref_links import checked, line_values, literal_authority, path_values, refuse
from .refs import AnyKind, At, free_ref_problem, looks_like_commit, named_ref, ref_problem
from .remotes import Found, find_repository, repository_path
from .repository import RepositoryValues, values_at, with_page
from .templates import Template
from .tokens import FILE_PAGES, REPOSITORY_TOKENS, PageName
from .urls import authority_of, check_web_url
from .values import NoUrl

# Pages that a folder has, too.
_OF_FOLDERS: Final = frozenset({"tree", "history"})
_DEFAULT_REPO: Final = "{base_url}/{repo_path}"
# No ref has two dots in a row.
_RANGE: Final = re.compile(r"([^.]+(?:\.[^.]+)*)\.\.\.?([^.].*)")

_OTHER_NAMES: Final = {"file": "view", "pull_request": "change_request", "merge_request": "change_request"}


def _page_name(value: object) -> object:
    if value is None or value == "":
        return "view"
    return _OTHER_NAMES.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


LimitedText = Annotated[str, Field(max_length=8_000)]
Text = Annotated[LimitedText | None, BeforeValidator(_empty_is_none)]


class PageRequest(BaseModel):
    """A page that is wanted. Of its repository it has a remote, or a base URL and a path.

    Attributes:
        kind: the kind of host; by default the one that the host is recognised as.
        remote: what the repository is cloned from.
        base_url: where the host's pages begin; beside a remote, in place of where it says.
        repo: the repository's path below the base URL.
        owner: what stands before ``repo`` in that path, where it is told apart.
        template: in place of the kind's own, for all kinds of ref or one for each; it shows its lines itself.
        type: which page; ``repo`` is the repository's own.
        ref: the branch, tag or commit; of a comparison its newer side, or both as ``v1..v2``.
        ref_kind: the kind of ref; by default commit for 40 or 64 hexadecimal digits, else branch.
        path: the file or folder.
        line: the first line; one that no file has is left out.
        end_line: the last line; one before the first is left out.
        column: the first column.
        end_column: the column at which the last line ends.
        commit: the commit that the ref stands at, or the one whose page is wanted.
        base: the older side of a comparison.
        head: the newer side of a comparison.
        number: the number of a change request.
        default_branch: the value of a token, as are the fields after it.
    """

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
    def at(self) -> At:
        """The ref that is wanted, and its kind: as said, else by its looks."""
        if not self.ref:
            return At(self.commit, "commit" if self.commit else "none", self.commit)
        ref, said = named_ref(self.ref)
        kind: AnyKind = said or self.ref_kind or ("commit" if looks_like_commit(ref) else "branch")
        return At(None if kind == "none" else ref, kind, self.commit)

    @property
    def location(self) -> Mapping[str, str | int | None]:
        """The values of path and lines."""
        lines = line_values(self.line, self.end_line, self.column, self.end_column)
        return {**path_values(self.path or ""), **lines}

    @property
    def others(self) -> dict[str, str]:
        """The values that are named as tokens are."""
        names = ("base", "head", "default_branch", "blob", "file_rev", "branch", "tag", "commit")
        values = {name: value for name in names if (value := getattr(self, name))}
        return values if self.number is None else {**values, "number": str(self.number)}


def page_url(request: PageRequest) -> str | NoUrl:
    """The URL of the page that is wanted, or ``NoUrl`` with the reason.

    Raises:
        UrlError: the remote or the base URL cannot be used.
        TemplateError: the template is wrong, or there is no such kind of host.
    """
    request = _with_sides(request) if request.type == "compare" else request
    found = _find(request)
    if found.kind is None and request.template is None:
        return NoUrl(reason=Reason.NO_SOURCE_PAGES, message="the kind of host is not known; name one, or a template")
    pages = preset(found.kind).pages if found.kind else None
    repository = _repository(request, found, pages)
    if isinstance(repository, NoUrl) or request.type == "repo":
        return repository if isinstance(repository, NoUrl) else _checked(repository["repo_url"], found.base_url)
    if request.template is not None:
        return _by_template(request, repository, free_ref_problem if pages and pages.free_refs else ref_problem)
    return _by_pages(request, repository, pages) if pages else NoUrl()


def _with_sides(request: PageRequest) -> PageRequest:
    both = _RANGE.fullmatch(request.ref or "")
    older, newer, ref = (both[1], both[2], None) if both else (None, request.ref, request.ref)
    sides = {"base": request.base or older, "head": request.head or newer}
    return request.model_copy(update={**sides, "ref": ref})


def _find(request: PageRequest) -> Found:
    if request.kind:
        preset(request.kind)
    base_url = check_web_url(request.base_url) if request.base_url else None
    if request.remote:
        found = find_repository(request.remote, request.kind)
        return _below(base_url, found) if base_url else found
    base_url = base_url or _public_host(request.kind)
    host = authority_of(base_url).partition("://")[2].partition(":")[0]
    kind = request.kind or kind_of(host)
    path = "/".join(part.strip("/") for part in (request.owner, request.repo) if part)
    return Found(base_url, repository_path(path, kind) if kind and path else path, kind)


def _below(base_url: str, found: Found) -> Found:
    """A repository's place below another base URL than its remote's; a path that both begin with is the host's."""
    prefix = unquote(base_url[len(authority_of(base_url)) :].strip("/"))
    path = found.path.removeprefix(f"{prefix}/") if prefix else found.path
    return found._replace(base_url=base_url, path=path)


def _public_host(kind: str | None) -> str:
    """The best-known host of a kind, where nothing says which one it is."""
    facts = host_facts(kind) if kind else None
    if facts is None or not (facts.bases or facts.recognise.hosts):
        raise UrlError("there is neither a remote nor a base URL")
    return facts.bases[0] if facts.bases else f"https://{facts.recognise.hosts[0]}"


def _repository(request: PageRequest, found: Found, pages: Pages | None) -> RepositoryValues | NoUrl:
    template = pages.repo if pages else _DEFAULT_REPO
    path = found.path.removesuffix(".git") if pages and pages.strip_git_suffix else found.path
    names = ("org", "project", "account", "region", "callsign")
    said = {name: value for name in names if (value := getattr(request, name))}
    values = with_page({**values_at(found.base_url, path, template), **said}, template)
    return values or NoUrl(message="the repository's path does not have all parts that its page names")


def _by_template(
    request: PageRequest, repository: RepositoryValues, problem_of: Callable[[str], str | None]
) -> str | NoUrl:
    at = request.at
    template = Template.parse(_for_kind(request.template, at.kind)).bind(repository).without(REPOSITORY_TOKENS)
    refused = refuse(request.path) if request.path else None
    refs = (at.ref, request.commit, request.base, request.head)
    problem = next(filter(None, (problem_of(ref) for ref in refs if ref)), None)
    if refused or problem:
        return refused or NoUrl(reason=Reason.NO_REF, message=f"a ref cannot be used: {problem}")
    values = {**request.others, **at.values(), **request.location}
    page = template if request.path else template.without_path()
    # Where a template wants a range, a single line is one.
    url = page.render(values) or page.render({**values, "end_line": values.get("last_line")})
    return _checked(url, literal_authority(template))


def _for_kind(template: str | dict[AnyKind, str] | None, kind: AnyKind) -> str:
    if isinstance(template, str):
        return template
    kinds: tuple[AnyKind, ...] = (kind, "commit", "branch", "tag", "none")
    found = next((template[name] for name in kinds if template and name in template), None)
    if found is None:
        raise TemplateError("", "there is no template", "give one for branch, tag or commit")
    return found


def _by_pages(request: PageRequest, repository: RepositoryValues, pages: Pages) -> str | NoUrl:
    page: PageName = request.type if request.type != "repo" else "view"
    if page not in FILE_PAGES and page != "root":
        return _other_page(request, repository, pages, page)
    if page == "view" and not request.path:
        page = "tree" if pages.tree or pages.root else page
    if page == "root" or (page == "tree" and not pages.tree) or (not request.path and page in _OF_FOLDERS):
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


def _checked(url: str | None, root: str) -> str | NoUrl:
    return checked(url, authority_of(root))
