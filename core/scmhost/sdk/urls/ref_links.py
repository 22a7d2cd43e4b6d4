"""Refs (branches, tags and commits), and the URLs of the files of one repository at one ref.

Most links are built here, so the code of ``RefLinks`` is optimized for speed.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from scmhost.sdk.reasons import Reason
from scmhost.sdk.values import NoUrl, PagePosition, RefKind

from .plain_links import MAX_LINE, MAX_PLAIN_PATH, PlainLinks, is_plain_path
from .safety import authority_of, safe_link
from .templates import Template, TemplateToken

AnyKind = RefKind | Literal["none"]
"""A kind of ref, or ``none`` for URLs without a ref, which show the default branch."""

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
# What git-check-ref-format(1) refuses in the name of a ref.
_BAD_REF: Final = re.compile(r"[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|/\.|^[-/.]|[/.]$|^@$|\.lock(?:/|$)")
# Refused on all hosts, git or not: an empty segment, a dot segment, a lone surrogate.
_BAD_NAME: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]|(?:^|/)\.\.?(?:/|$)|//|/$")

_NAMESPACES: Final[dict[RefKind, str]] = {"branch": "refs/heads/", "tag": "refs/tags/", "commit": ""}

_LEAVES_REPOSITORY: Final = re.compile(r"^/|(?:^|/)\.\.?(?:/|$)")
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9_]+")
_CONTROL_OR_SURROGATE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

NO_ANCHOR: Final = Template.parse("", rooted=False)
"""The anchor of pages without lines."""

# Filters that do not change a plain path.
_HARMLESS: Final = frozenset({("path",), ("fragment",)})


def looks_like_commit(ref: str) -> bool:
    """Return whether a ref of unknown kind is a commit: exactly 40 or 64 hexadecimal digits."""
    # Fewer digits may be a branch or a tag, such as 20260102.
    return _COMMIT.fullmatch(ref) is not None


def ref_problem(ref: str) -> str | None:
    """Return why git does not allow a ref's name, or None if it does."""
    if not ref:
        return "the ref is empty"
    found = _BAD_REF.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def free_ref_problem(ref: str) -> str | None:
    """Return why no version control system allows a ref's name, or None; for hosts of other systems than git."""
    if not ref:
        return "the ref is empty"
    found = _BAD_NAME.search(ref)
    return f"a ref may not hold {found.group()!r} there" if found else None


def full_ref(ref: str, kind: RefKind) -> str:
    """Return the ref with its namespace, such as ``refs/heads/main``; commits and ``HEAD`` have none."""
    return ref if ref == "HEAD" else _NAMESPACES[kind] + ref


def split_ref(ref: str) -> tuple[str, RefKind | None]:
    """Return a ref's name without its namespace, and the kind that the namespace gives, or None without one."""
    for kind, namespace in _NAMESPACES.items():
        if namespace and ref.startswith(namespace):
            return ref[len(namespace) :], kind
    return ref, None


class RefAt(NamedTuple):
    """A ref (None for the default branch), its kind, and the commit that it refers to if that is known."""

    ref: str | None
    kind: AnyKind
    commit: str | None = None

    def values(self) -> dict[str, str]:
        """Return the values of a template's ref tokens."""
        known = {"commit": self.commit} if self.commit else {}
        if self.ref is None or self.kind == "none":
            return known
        values = {**known, "ref": self.ref, "ref_full": full_ref(self.ref, self.kind), "ref_kind": self.kind}
        values[self.kind] = self.ref
        if self.kind == "commit":
            values |= {"changelist": self.ref, "changeset": self.ref}
        return values


class RefLinks:
    """Builds the URLs of one repository's files at one ref."""

    __slots__ = ("_anchor", "_authority", "_columns", "_extensions", "_last_letters", "_plain", "_query", "_view")

    def __init__(
        self,
        view: Template,
        anchor: Template,
        query: str = "",
        extensions: frozenset[str] = frozenset(),
        *,
        columns: Template | None = None,
    ) -> None:
        """Prepare the URLs.

        Args:
            view: the page of a file, with the values of repository and ref filled in.
            anchor: the anchor of its lines.
            query: the query that selects the source view of a file that the host renders.
            extensions: the extensions, in lower case and without a dot, of such files.
            columns: the anchor when both columns are known.
        """
        self._view = view
        self._anchor = anchor
        self._columns = columns if columns and columns.nodes else None
        self._query = query
        self._extensions = extensions
        # The beginning of a bound template is literal: the configured URL, or the template's own scheme and host.
        self._authority = authority_of(literal_authority(view))
        self._plain = _split_plain(view, anchor, self._authority, extensions)
        # Comparing the last letter first is cheaper than taking the extension of every path.
        last = {f".{name}"[-1] for name in extensions}
        self._last_letters = frozenset(last | {letter.upper() for letter in last})

    @property
    def plain(self) -> PlainLinks | None:
        """The parts of the URLs of plain paths, or None if the templates are too complex for that."""
        return self._plain

    def of(self, location: PagePosition) -> str | NoUrl:
        """Return the URL of a location. Its ref is ignored: it is the ref of these links."""
        if location.end_column is None:
            return self.url(location.path, location.line, location.end_line, location.column)
        lines = line_values(location.line, location.end_line, location.column, location.end_column)
        return self.page(location.path, lines)

    def url(
        self, path: str, line: int | None = None, end_line: int | None = None, column: int | None = None
    ) -> str | NoUrl:
        """Return the URL of a file, at a line if one is given. A line outside of 1 to 10,000,000 gives no anchor."""
        plain = self._plain
        if plain is None or end_line is not None or column is not None or not self._is_plain(path):
            return self._careful_url(path, line, end_line, column)
        head, tail, before_line, after_line, _ = plain
        if line is None or not 1 <= line <= MAX_LINE:
            return f"{head}{path}{tail}"
        return f"{head}{path}{tail}{before_line}{line}{after_line}"

    def page(self, path: str, lines: Mapping[str, int | None]) -> str | NoUrl:
        """Return the URL of any path, with the values of ``line_values``. All checks are made."""
        refused = refuse_path(path)
        if refused:
            return refused
        page = self._view.render({**path_values(path), **lines})
        if page is None:
            return NoUrl(message="the host's template needs a value that this location does not have")
        return checked_url(with_anchor(self._source_view(page, path), self._anchor_of(lines)), self._authority)

    def _is_plain(self, path: str) -> bool:
        """Return whether a path is short, needs no escaping, and is not of a format that the host renders."""
        if not is_plain_path(path) or len(path) > MAX_PLAIN_PATH:
            return False
        return path[-1] not in self._last_letters or _extension(path) not in self._extensions

    def _careful_url(self, path: str, line: int | None, end_line: int | None, column: int | None) -> str | NoUrl:
        return self.page(path, line_values(line, end_line, column))

    def _anchor_of(self, lines: Mapping[str, int | None]) -> str:
        """Return the anchor with columns if both are known, else the anchor of the lines; empty without a line."""
        if not lines:
            return ""
        # The anchors of most hosts need the columns of both ends.
        with_columns = self._columns.render(lines) if self._columns and lines["end_column"] else None
        return with_columns or self._anchor.render(lines) or ""

    def _source_view(self, page: str, path: str) -> str:
        _, dot, extension = path.rpartition(".")
        if not dot or extension.lower() not in self._extensions:
            return page
        return with_anchor(page, "?" + self._query)


def _split_plain(view: Template, anchor: Template, authority: str, extensions: frozenset[str]) -> PlainLinks | None:
    """Split a view and an anchor around path and line, or return None if they have other tokens or filters.

    The literal text is checked here once, with the longest path and line, so that finished URLs need no check.
    """
    around_path, around_line = _around(view, "path"), _around(_one_line(anchor), "line")
    if around_path is None or around_line is None:
        return None
    (head, tail), (before_line, after_line) = around_path, around_line
    page = f"{head}{'x' * MAX_PLAIN_PATH}{tail}"
    # Such an anchor is not at the end of the URL, where ``PlainLinks`` has it.
    if not with_anchor(page, before_line).startswith(page):
        return None
    before_line = with_anchor(page, before_line)[len(page) :]
    sample = f"{page}{before_line}{MAX_LINE}{after_line}"
    return PlainLinks(head, tail, before_line, after_line, extensions) if safe_link(sample, authority) else None


def checked_url(url: str | None, authority: str) -> str | NoUrl:
    """Return a rendered URL if it is safe on this authority. None means that a value was missing."""
    if url is None:
        return NoUrl(message="the host's template needs a value that is not there")
    if not safe_link(url, authority):
        return NoUrl(reason=Reason.UNSAFE_URL, message="the finished URL is not a safe link on the repository's host")
    return url


def literal_authority(template: Template) -> str:
    """Return the scheme and host that a bound template begins with."""
    head = str(template.nodes[0])
    return "/".join(head.split("/", 3)[:3])


def refuse_path(path: str) -> NoUrl | None:
    """Return why a path cannot be a file of a repository, or None if it can."""
    if not path or _CONTROL_OR_SURROGATE.search(path):
        return NoUrl(
            reason=Reason.NOT_A_FILE, message="the path is empty, or has a control character or a lone surrogate"
        )
    if _LEAVES_REPOSITORY.search(path):
        return NoUrl(reason=Reason.PATH_OUTSIDE, message="the path begins with / or has a . or .. segment")
    return None


def with_anchor(page: str, anchor: str) -> str:
    """Append an anchor to a page's URL or template. It may belong to the path, the query or the fragment."""
    # A URL has one fragment, and that of the page selects the file.
    if anchor.startswith("#") and "#" in page:
        return page
    if anchor[:1] in ("$", ";") and "?" in page:
        # Such anchors belong to the path, before the query.
        path, _, query = page.partition("?")
        return f"{path}{anchor}?{query}"
    return page + ("&" + anchor[1:] if anchor.startswith("?") and "?" in page else anchor)


def path_values(path: str) -> dict[str, str]:
    """Return the values of a template's file tokens."""
    folder, _, filename = path.rpartition("/")
    stem, dot, ext = filename.rpartition(".")
    return {
        "path": path,
        "dir": folder,
        "filename": filename,
        # A name such as .gitignore is all stem and no extension.
        "stem": stem or filename,
        "ext": ext if dot and stem else "",
        # The anchor of a file in a gist of GitHub.
        "filename_slug": _NOT_IN_SLUG.sub("-", filename.lower()),
    }


def line_values(
    line: int | None, end_line: int | None, column: int | None, end_column: int | None = None
) -> Mapping[str, int | None]:
    """Return the values of a template's line tokens; none without a valid line.

    An ``end_line`` that is not after ``line`` is ignored, so that one line is not a range.
    """
    # Some runtimes print line 0 or -1 for an unknown line.
    if line is None or not 1 <= line <= MAX_LINE:
        return {}
    last = end_line if end_line is not None and line < end_line <= MAX_LINE else None
    return {
        "line": line,
        "end_line": last,
        "last_line": last or line,
        "line_count": (last or line) - line + 1,
        "column": _column(column),
        # An end without a beginning is no range.
        "end_column": _column(end_column) if column else None,
    }


def _column(column: int | None) -> int | None:
    return column if column is not None and 1 <= column <= MAX_LINE else None


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _one_line(anchor: Template) -> Template:
    """Return the anchor of a single line without a column."""
    return anchor.without(frozenset({"end_line", "column", "end_column"}))


def _around(template: Template, name: str) -> tuple[str, str] | None:
    """Return the text around a template's only token; None with other tokens, or if the token changes its value."""
    before: list[str] = []
    after: list[str] = []
    token: TemplateToken | None = None
    for node in template.nodes:
        if isinstance(node, str):
            (before if token is None else after).append(node)
        elif isinstance(node, TemplateToken) and token is None and _is_unchanged(node, name):
            token = node
        else:
            return None
    return ("".join(before), "".join(after)) if token else None


def _is_unchanged(token: TemplateToken, name: str) -> bool:
    return token.name == name and token.short is None and not token.plus and token.escapes in _HARMLESS
