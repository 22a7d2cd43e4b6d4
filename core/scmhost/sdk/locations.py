"""The places that a page's URL may mean, most likely first."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from .page_templates import PageTemplates
from .plain_links import MAX_LINE
from .reading import Read, Rules, WebUrl, prefixes_of, read
from .ref_links import with_anchor
from .refs import AnyKind, free_ref_problem, looks_like_commit, named_ref, ref_problem
from .repository import path_of
from .templates import Template
from .tokens import FILE_PAGES, PageName
from .values import RefKind, UrlCandidate

_MOST: Final = 50
_LONGEST_REF: Final = 255
_HEX: Final = re.compile(r"[0-9a-fA-F]{4,64}")
# The beginning of a full ref, which nobody calls a branch.
_NAME_SPACES: Final = ("refs", "refs/heads", "refs/tags")
_SIDE_STEP: Final = re.compile(r"(?:^|/)\.\.?(?:/|$)|//")
# How hosts of all kinds lead to lines, for those that a page's own anchor does not read.
_LINES: Final = re.compile(
    r"(?:L-?|l|n|_|to|cl-|lines?-?)?(?P<line>\d{1,8})(?:C\d+)?(?:[-:](?:L|l|n|lines?-?)?(?P<end_line>\d{1,8})(?:C\d+)?)?"
)
_APART: Final = "?&#"
_FILE_NAME: Final = re.compile(r"[^/]\.[A-Za-z][A-Za-z0-9]{0,9}$")
_TOPS: Final[tuple[PageName, ...]] = ("root", "tree")
_KINDLESS: Final = ("ref", "branch", "tag", "commit", "changelist", "changeset")


class Place(NamedTuple):
    """Whose pages a URL is read as.

    Attributes:
        pages: the templates.
        prefixes: what may stand between the host and its pages; None is anything.
        repository: values that are known already; the URL has to agree with them.
    """

    pages: PageTemplates
    prefixes: tuple[str, ...] | None = None
    repository: Mapping[str, str] | None = None

    def template(self, text: str) -> Template:
        """A page's template, as whole as it can be before the URL is seen."""
        if self.repository is not None:
            return Template.parse(text).bind(self.repository)
        return Template.parse(text.replace("{repo_url}", self.pages.repo))

    def read(self, template: Template, url: WebUrl) -> Iterator[Read]:
        """The values of a template's tokens, in each way there is."""
        return read(template, url, Rules(self.pages.groups, self.prefixes))


def candidates(place: Place, url: WebUrl, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """The places that a URL may mean as one of these pages, below the shortest prefix that makes it one."""
    for prefix in place.prefixes if place.prefixes is not None else prefixes_of(url.path):
        here = place._replace(prefixes=(prefix,))
        readers = (_files, _folders, _commits, _home)
        found = next(filter(None, (list(_distinct(reader(here, url))) for reader in readers)), None)
        if found:
            return tuple(_ranked(found, refs))
    return ()


def _files(place: Place, url: WebUrl) -> list[UrlCandidate]:
    for page in FILE_PAGES:
        found = list(page_candidates(place, url, page))
        if found:
            refs = {candidate.ref for candidate in found}
            return [
                *found,
                *(top for top in _tops(place, url) if top.ref not in refs and not _is_file(place, top, url)),
            ]
    return []


def _is_file(place: Place, top: UrlCandidate, url: WebUrl) -> bool:
    """Whether the end of what could be a ref is more likely a file, on hosts that show both in the same way."""
    same = set(place.pages.texts("view")) & set(place.pages.texts("tree"))
    return bool(same and (_FILE_NAME.search(top.ref or "") or _lines_in(url.fragment)[0]))


def _folders(place: Place, url: WebUrl) -> list[UrlCandidate]:
    """The topmost folder, or a file at an address of a form that the host no longer writes."""
    tops, others = list(_tops(place, url)), _others(place, url)
    kinds = {kind for page in _TOPS for kind, _ in place.pages.texts(page)}
    return tops if tops and kinds != {None} else [*others, *tops]


def page_candidates(place: Place, url: WebUrl, page: PageName) -> Iterator[UrlCandidate]:
    """The places that a URL may mean as one kind of page."""
    some = False
    for kind, text in place.pages.texts(page):
        # Without a ref is how every page with a ref could be read too.
        if kind == "none" and some:
            return
        for candidate in _with_anchors(place, url, text, kind):
            some = True
            yield candidate


def _with_anchors(place: Place, url: WebUrl, text: str, kind: AnyKind | None) -> list[UrlCandidate]:
    for anchor in (place.pages.anchor, place.pages.columns, *place.pages.also_anchors):
        whole = with_anchor(text, anchor)
        found = list(_read(place, url, place.template(whole), kind)) if anchor else []
        if found and anchor[0] in _APART:
            return found
        if found:
            # What looks like lines there may be the end of a file's name.
            return [*found, *_read(place, url, place.template(text), kind)]
    return list(_read(place, url, place.template(text), kind))


def _tops(place: Place, url: WebUrl) -> Iterator[UrlCandidate]:
    bare = url._replace(path=url.path.rstrip("/") or "/")
    for page in _TOPS:
        for kind, text in place.pages.texts(page):
            for found in _read(place, bare, place.template(text).without_path(), kind):
                yield found.model_copy(update={"line": None, "end_line": None})


def _others(place: Place, url: WebUrl) -> list[UrlCandidate]:
    readings = (_with_anchors(place, url, text, None) for text in place.pages.also)
    return next(filter(None, readings), [])


def _commits(place: Place, url: WebUrl) -> Iterator[UrlCandidate]:
    bare = url._replace(path=url.path.rstrip("/") or "/")
    for _, text in place.pages.texts("commit"):
        for page in (url, bare):
            yield from (found for found in _read(place, page, place.template(text), "commit") if found.ref)


def _home(place: Place, url: WebUrl) -> Iterator[UrlCandidate]:
    bare = url._replace(path=url.path.rstrip("/").removesuffix(".git") or "/")
    yield from _read(place, bare, place.template(place.pages.repo), None)


def _read(place: Place, url: WebUrl, template: Template, kind: AnyKind | None) -> Iterator[UrlCandidate]:
    for number, values in enumerate(place.read(template, url)):
        if number >= _MOST:
            return
        candidate = _candidate(place, values, kind, url)
        if candidate:
            yield candidate


def _candidate(place: Place, values: Read, kind: AnyKind | None, url: WebUrl) -> UrlCandidate | None:
    ref = _ref_of(values, kind, free=place.pages.free_refs)
    path, repo = _path_in(values), _repo_of(place, values)
    if ref is None or _SIDE_STEP.search(path) or repo.count("/") + 1 < place.pages.least:
        return None
    line, end_line = _lines_of(values) if "line" in values else _lines_in(url.fragment)
    return UrlCandidate(repo=repo, ref=ref[0], ref_kind=ref[1], path=path, line=line, end_line=end_line)


def _repo_of(place: Place, values: Read) -> str:
    if place.repository is not None:
        return path_of(place.repository, place.pages.repo)
    texts = {name: str(value) for name, value in values.items()}
    return path_of(texts, place.pages.repo) or texts["base_url"].partition("://")[2].partition("/")[2]


def _ref_of(values: Read, kind: AnyKind | None, *, free: bool) -> tuple[str | None, RefKind | None] | None:
    """The ref and its kind; None when these values are no ref."""
    if "ref_full" in values:
        return _of_full(str(values["ref_full"]))
    name = next((name for name in _KINDLESS if name in values), None)
    if name is None:
        return None, None
    ref = str(values[name])
    if named_ref(ref)[1]:
        return _of_full(ref)
    problem = free_ref_problem if free else ref_problem
    if problem(ref) or len(ref) > _LONGEST_REF or ref in _NAME_SPACES:
        return None
    if kind == "commit" and name == "ref" and not free and not _HEX.fullmatch(ref):
        return None
    return ref, _kind_of(ref, name, kind, free=free)


def _of_full(ref: str) -> tuple[str, RefKind] | None:
    name, kind = named_ref(ref)
    if kind is None:
        return (ref, "branch" if ref == "HEAD" else "commit") if _HEX.fullmatch(ref) or ref == "HEAD" else None
    return None if ref_problem(name) else (name, kind)


def _kind_of(ref: str, name: str, kind: AnyKind | None, *, free: bool) -> RefKind:
    if name == "commit" or kind == "commit":
        return "commit" if free or _HEX.fullmatch(ref) else "branch"
    if kind in ("branch", "tag"):
        return kind
    return "commit" if looks_like_commit(ref) or name in ("changelist", "changeset") else "branch"


def _path_in(values: Read) -> str:
    path = values.get("path")
    if path is None:
        path = "/".join(str(values[name]) for name in ("dir", "filename") if name in values)
    return str(path).rstrip("/")


def _lines_of(values: Read) -> tuple[int | None, int | None]:
    line = int(values["line"])
    last = int(values.get("end_line") or values.get("last_line") or line + int(values.get("line_count", 1)) - 1)
    return line, last if line < last <= MAX_LINE else None


def _lines_in(fragment: str) -> tuple[int | None, int | None]:
    found = _LINES.fullmatch(fragment)
    if not found or not 0 < int(found["line"]) <= MAX_LINE:
        return None, None
    return _lines_of({name: int(text) for name, text in found.groupdict().items() if text})


def _distinct(found: Iterable[UrlCandidate]) -> Iterator[UrlCandidate]:
    seen = set()
    for candidate in found:
        key = (candidate.repo, candidate.ref, candidate.path)
        if key not in seen:
            seen.add(key)
            yield candidate


def _ranked(found: Sequence[UrlCandidate], refs: Iterable[str]) -> Sequence[UrlCandidate]:
    """Known refs decide, the longest first; without them, a whole commit is no beginning of a branch's name."""
    known = dict(map(named_ref, refs))
    sure = [candidate for candidate in found if candidate.ref in known]
    if sure:
        ordered = sorted(sure, key=lambda candidate: -len(candidate.ref or ""))
        return [_with_kind(candidate, known[candidate.ref or ""]) for candidate in ordered]
    if found and looks_like_commit(found[0].ref or ""):
        return [candidate for candidate in found if candidate.ref == found[0].ref]
    return found


def _with_kind(candidate: UrlCandidate, kind: RefKind | None) -> UrlCandidate:
    return candidate.model_copy(update={"ref_kind": kind}) if kind else candidate
