"""Read the URL of a page: find the locations that it may mean, the most likely first."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from scmhost.sdk.values import RefKind, Value

from .matching import MatchLimits, ParsedUrl, TokenValues, match_template, prefixes_of
from .page_templates import PageTemplates, path_of
from .plain_links import MAX_LINE
from .ref_links import AnyKind, free_ref_problem, looks_like_commit, ref_problem, split_ref, with_anchor
from .templates import FILE_PAGES, PageName, Template

# Each slash of a path may give a candidate; more than these are of no use to a person.
_MAX_CANDIDATES: Final = 50
# The limit of ``Location.ref``.
_MAX_REF: Final = 255
# Git abbreviates an id to four digits at least; a whole SHA-256 id has 64.
_HEX: Final = re.compile(r"[0-9a-fA-F]{4,64}")
# Beginnings of full refs are not names of branches.
_NAMESPACES: Final = ("refs", "refs/heads", "refs/tags")
_DOT_OR_EMPTY_SEGMENT: Final = re.compile(r"(?:^|/)\.\.?(?:/|$)|//")
# The line anchors of many hosts, for URLs that do not match the page's own anchor.
_LINE_ANCHOR: Final = re.compile(
    r"(?:L-?|l|n|_|to|cl-|lines?-?)?(?P<line>\d{1,8})(?:C\d+)?(?:[-:](?:L|l|n|lines?-?)?(?P<end_line>\d{1,8})(?:C\d+)?)?"
)
# An anchor that begins with one of these cannot be the end of a path.
_NOT_IN_PATH: Final = "?&#"
_FILE_NAME: Final = re.compile(r"[^/]\.[A-Za-z][A-Za-z0-9]{0,9}$")
_ROOT_PAGES: Final[tuple[PageName, ...]] = ("root", "tree")
# A URL may contain both a ref and its commit; people read the ref.
_REF_TOKEN_ORDER: Final = ("ref", "branch", "tag", "commit", "changelist", "changeset")


class UrlCandidate(Value):
    """A possible meaning of a page's URL: a position in a repository.

    Attributes:
        repo: the repository's path on its host.
        ref: the branch, tag or commit; None for a page of the default branch.
        ref_kind: the kind of ref.
        path: the file; empty for the page of a repository, of its root folder or of a commit.
        line: the first line, counted from 1.
        end_line: the last line of several.
    """

    repo: str
    ref: str | None = None
    ref_kind: RefKind | None = None
    path: str = ""
    line: int | None = None
    end_line: int | None = None


class PageScope(NamedTuple):
    """The pages as which a URL is read.

    Attributes:
        pages: the templates.
        prefixes: the paths that may come between the host and its pages; None allows any.
        repository: the values of the only repository to which the URL may belong, if it is known.
    """

    pages: PageTemplates
    prefixes: tuple[str, ...] | None = None
    repository: Mapping[str, str] | None = None

    def template(self, text: str) -> Template:
        """Return a page's template with all values that are known before the URL is read."""
        if self.repository is not None:
            return Template.parse(text).bind(self.repository)
        return Template.parse(text.replace("{repo_url}", self.pages.repo))

    def match(self, template: Template, url: ParsedUrl) -> Iterator[TokenValues]:
        """Yield the values of a template's tokens, one dictionary for each way to match the URL."""
        return match_template(template, url, MatchLimits(self.pages.groups, self.prefixes))


def find_candidates(scope: PageScope, url: ParsedUrl, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """Return the locations that a URL may mean as one of these pages, below the shortest prefix that matches.

    If ``refs``, the refs that the repository has, contain the ref of a candidate, other candidates are left out.
    """
    for prefix in scope.prefixes if scope.prefixes is not None else prefixes_of(url.path):
        below = scope._replace(prefixes=(prefix,))
        # In this order: where names have any number of slashes, most URLs could also be those of a repository's page.
        readers = (_files, _folders, _commits, _repository_page)
        found = next(filter(None, (list(_distinct(reader(below, url))) for reader in readers)), None)
        if found:
            return tuple(_ranked(found, refs))
    return ()


def _files(scope: PageScope, url: ParsedUrl) -> list[UrlCandidate]:
    for page in FILE_PAGES:
        found = list(page_candidates(scope, url, page))
        if found:
            refs = {candidate.ref for candidate in found}
            return [
                *found,
                *(
                    top
                    for top in _root_folders(scope, url)
                    if top.ref not in refs and not _may_be_file(scope, top, url)
                ),
            ]
    return []


def _may_be_file(scope: PageScope, root: UrlCandidate, url: ParsedUrl) -> bool:
    """Return whether the end of a possible ref is more likely a file, on hosts whose pages of both look the same."""
    same = set(scope.pages.texts("view")) & set(scope.pages.texts("tree"))
    return bool(same and (_FILE_NAME.search(root.ref or "") or _lines_in(url.fragment)[0]))


def _folders(scope: PageScope, url: ParsedUrl) -> list[UrlCandidate]:
    """Return root folders, and files at URLs of a form that the host no longer builds."""
    roots, others = list(_root_folders(scope, url)), _old_pages(scope, url)
    kinds = {kind for page in _ROOT_PAGES for kind, _ in scope.pages.texts(page)}
    return roots if roots and kinds != {None} else [*others, *roots]


def page_candidates(scope: PageScope, url: ParsedUrl, page: PageName) -> Iterator[UrlCandidate]:
    """Yield the locations that a URL may mean as one kind of page."""
    has_ref = False
    for kind, text in scope.pages.texts(page):
        # A template without a ref also matches every URL with a ref.
        if kind == "none" and has_ref:
            return
        for candidate in _with_anchors(scope, url, text, kind):
            has_ref = True
            yield candidate


def _with_anchors(scope: PageScope, url: ParsedUrl, text: str, kind: AnyKind | None) -> list[UrlCandidate]:
    for anchor in (scope.pages.anchor, scope.pages.columns, *scope.pages.also_anchors):
        whole = with_anchor(text, anchor)
        found = list(_read(scope, url, scope.template(whole), kind)) if anchor else []
        if found and anchor[0] in _NOT_IN_PATH:
            return found
        if found:
            # Such an anchor may also be the end of a file's name.
            return [*found, *_read(scope, url, scope.template(text), kind)]
    return list(_read(scope, url, scope.template(text), kind))


def _root_folders(scope: PageScope, url: ParsedUrl) -> Iterator[UrlCandidate]:
    bare = url._replace(path=url.path.rstrip("/") or "/")
    for page in _ROOT_PAGES:
        for kind, text in scope.pages.texts(page):
            for candidate in _read(scope, bare, scope.template(text).without_path(), kind):
                # The lines of an anchor are those of the README that hosts show below a folder.
                yield candidate.model_copy(update={"line": None, "end_line": None})


def _old_pages(scope: PageScope, url: ParsedUrl) -> list[UrlCandidate]:
    readings = (_with_anchors(scope, url, text, None) for text in scope.pages.also)
    return next(filter(None, readings), [])


def _commits(scope: PageScope, url: ParsedUrl) -> Iterator[UrlCandidate]:
    bare = url._replace(path=url.path.rstrip("/") or "/")
    for _, text in scope.pages.texts("commit"):
        # cgit has a slash before the query of a commit's page.
        for page in (url, bare):
            yield from (found for found in _read(scope, page, scope.template(text), "commit") if found.ref)


def _repository_page(scope: PageScope, url: ParsedUrl) -> Iterator[UrlCandidate]:
    # People paste clone URLs, too.
    bare = url._replace(path=url.path.rstrip("/").removesuffix(".git") or "/")
    yield from _read(scope, bare, scope.template(scope.pages.repo), None)


def _read(scope: PageScope, url: ParsedUrl, template: Template, kind: AnyKind | None) -> Iterator[UrlCandidate]:
    for number, values in enumerate(scope.match(template, url)):
        if number >= _MAX_CANDIDATES:
            return
        candidate = _candidate(scope, values, kind, url)
        if candidate:
            yield candidate


def _candidate(scope: PageScope, values: TokenValues, kind: AnyKind | None, url: ParsedUrl) -> UrlCandidate | None:
    ref = _ref_of(values, kind, free=scope.pages.free_refs)
    path, repo = _path_in(values), _repo_of(scope, values)
    if ref is None or _DOT_OR_EMPTY_SEGMENT.search(path) or repo.count("/") + 1 < scope.pages.least:
        return None
    line, end_line = _lines_of(values) if "line" in values else _lines_in(url.fragment)
    return UrlCandidate(repo=repo, ref=ref[0], ref_kind=ref[1], path=path, line=line, end_line=end_line)


def _repo_of(scope: PageScope, values: TokenValues) -> str:
    if scope.repository is not None:
        return path_of(scope.repository, scope.pages.repo)
    texts = {name: str(value) for name, value in values.items()}
    return path_of(texts, scope.pages.repo) or texts["base_url"].partition("://")[2].partition("/")[2]


def _ref_of(values: TokenValues, kind: AnyKind | None, *, free: bool) -> tuple[str | None, RefKind | None] | None:
    """Return the ref and its kind, both None without a ref token; return None if the ref is invalid."""
    if "ref_full" in values:
        return _split_full_ref(str(values["ref_full"]))
    name = next((name for name in _REF_TOKEN_ORDER if name in values), None)
    if name is None:
        return None, None
    ref = str(values[name])
    if split_ref(ref)[1]:
        return _split_full_ref(ref)
    problem = free_ref_problem if free else ref_problem
    if problem(ref) or len(ref) > _MAX_REF or ref in _NAMESPACES:
        return None
    # Where each kind of ref has its own form of URL, that for commits also matches names of branches.
    if kind == "commit" and name == "ref" and not free and not _HEX.fullmatch(ref):
        return None
    return ref, _kind_of(ref, name, kind, free=free)


def _split_full_ref(ref: str) -> tuple[str, RefKind] | None:
    name, kind = split_ref(ref)
    if kind is None:
        return (ref, "branch" if ref == "HEAD" else "commit") if _HEX.fullmatch(ref) or ref == "HEAD" else None
    return None if ref_problem(name) else (name, kind)


def _kind_of(ref: str, name: str, kind: AnyKind | None, *, free: bool) -> RefKind:
    if name == "commit" or kind == "commit":
        return "commit" if free or _HEX.fullmatch(ref) else "branch"
    if kind in ("branch", "tag"):
        return kind
    return "commit" if looks_like_commit(ref) or name in ("changelist", "changeset") else "branch"


def _path_in(values: TokenValues) -> str:
    path = values.get("path")
    if path is None:
        path = "/".join(str(values[name]) for name in ("dir", "filename") if name in values)
    # The page of a folder may end in a slash.
    return str(path).rstrip("/")


def _lines_of(values: TokenValues) -> tuple[int | None, int | None]:
    line = int(values["line"])
    last = int(values.get("end_line") or values.get("last_line") or line + int(values.get("line_count", 1)) - 1)
    return line, last if line < last <= MAX_LINE else None


def _lines_in(fragment: str) -> tuple[int | None, int | None]:
    found = _LINE_ANCHOR.fullmatch(fragment)
    if not found or not 0 < int(found["line"]) <= MAX_LINE:
        return None, None
    return _lines_of({name: int(text) for name, text in found.groupdict().items() if text})


def _distinct(found: Iterable[UrlCandidate]) -> Iterator[UrlCandidate]:
    seen = set()
    for candidate in found:
        # Without the lines: a file may be found both with and without its anchor.
        key = (candidate.repo, candidate.ref, candidate.path)
        if key not in seen:
            seen.add(key)
            yield candidate


def _ranked(found: Sequence[UrlCandidate], refs: Iterable[str]) -> Sequence[UrlCandidate]:
    """Prefer known refs, the longest first. Without one, a full commit id is not the beginning of a branch's name."""
    known = dict(map(split_ref, refs))
    known_only = [candidate for candidate in found if candidate.ref in known]
    if known_only:
        ordered = sorted(known_only, key=lambda candidate: -len(candidate.ref or ""))
        return [_with_kind(candidate, known[candidate.ref or ""]) for candidate in ordered]
    if found and looks_like_commit(found[0].ref or ""):
        return [candidate for candidate in found if candidate.ref == found[0].ref]
    return found


def _with_kind(candidate: UrlCandidate, kind: RefKind | None) -> UrlCandidate:
    return candidate.model_copy(update={"ref_kind": kind}) if kind else candidate
