"""Links to the files of one repository at one ref. This is the hot path of every link: most go through ``_Plain``."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from .plain_links import LONGEST_PLAIN, MAX_LINE, PlainLinks, is_plain_path
from .reasons import Reason
from .templates import Template, Token
from .urls import authority_of, safe_link
from .values import Location, NoUrl

_LONGEST_NAME: Final = 200
_is_plain_name: Final = re.compile(f"[A-Za-z0-9_@+~-][A-Za-z0-9_.@+~-]{{0,{_LONGEST_NAME - 1}}}+").fullmatch
_SIDE_STEP: Final = re.compile(r"^/|(?:^|/)\.\.?(?:/|$)")
_NO_SLUG: Final = re.compile(r"[^a-z0-9_]+")
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

NO_ANCHOR: Final = Template.parse("", rooted=False)

# Escaping that leaves a plain path as it is.
_HARMLESS: Final = frozenset({("path",), ("fragment",)})


class RefLinks:
    """Renders the file pages of one repository at one ref."""

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
        self._view = view
        self._anchor = anchor
        self._columns = columns if columns and columns.nodes else None
        self._query = query
        self._extensions = extensions
        # The head of a bound template is literal: the configured URL, or the template's own scheme and host.
        self._authority = authority_of(literal_authority(view))
        self._plain = _Plain.of(view, anchor, self._authority)
        # Most paths end in a letter that none of the rendered formats ends in; the others are looked at closely.
        last = {f".{name}"[-1] for name in extensions}
        self._last_letters = frozenset(last | {letter.upper() for letter in last})

    @property
    def plain(self) -> PlainLinks | None:
        """These links for paths that need no escaping, or None where each has to be looked at."""
        return PlainLinks(*self._plain, self._extensions) if self._plain else None

    def of(self, location: Location) -> str | NoUrl:
        """The page of a location; its ref is taken to be the one these links are of."""
        if location.end_column is None:
            return self.url(location.path, location.line, location.end_line, location.column)
        lines = line_values(location.line, location.end_line, location.column, location.end_column)
        return self.page(location.path, lines)

    def url(
        self, path: str, line: int | None = None, end_line: int | None = None, column: int | None = None
    ) -> str | NoUrl:
        """The page of a file, at a line if one is given. A line that no file has gives no anchor."""
        plain = self._plain
        if plain is None or end_line is not None or column is not None or not self._is_plain(path):
            return self._careful_url(path, line, end_line, column)
        head, tail, before_line, after_line = plain
        if line is None or not 1 <= line <= MAX_LINE:
            return f"{head}{path}{tail}"
        return f"{head}{path}{tail}{before_line}{line}{after_line}"

    def below(self, folder: str) -> "FolderLinks | None":
        """The links of one folder's files, or None where each path has to be looked at.

        The folder is empty or ends in a slash.
        """
        if self._plain is None or len(folder) > LONGEST_PLAIN - _LONGEST_NAME:
            return None
        if folder and not is_plain_path(folder[:-1]):
            return None
        return FolderLinks(self._plain, folder, self._extensions, self._last_letters)

    def _is_plain(self, path: str) -> bool:
        """Whether a path is short, needs no escaping, and is of no format that the host renders."""
        if not is_plain_path(path) or len(path) > LONGEST_PLAIN:
            return False
        return path[-1] not in self._last_letters or _extension(path) not in self._extensions

    def _careful_url(self, path: str, line: int | None, end_line: int | None, column: int | None) -> str | NoUrl:
        return self.page(path, line_values(line, end_line, column))

    def page(self, path: str, lines: Mapping[str, int | None]) -> str | NoUrl:
        """The page of a file, looked at closely, with the values of lines that ``line_values`` gives."""
        refused = refuse(path)
        if refused:
            return refused
        page = self._view.render({**path_values(path), **lines})
        if page is None:
            return NoUrl(message="the host's template needs a value that this location does not have")
        return checked(with_anchor(self._source_view(page, path), self._anchor_of(lines)), self._authority)

    def _anchor_of(self, lines: Mapping[str, int | None]) -> str:
        """The anchor with columns, if those of both ends are known, else the one of lines; none without a line."""
        if not lines:
            return ""
        with_columns = self._columns.render(lines) if self._columns and lines["end_column"] else None
        return with_columns or self._anchor.render(lines) or ""

    def _source_view(self, page: str, path: str) -> str:
        _, dot, extension = path.rpartition(".")
        if not dot or extension.lower() not in self._extensions:
            return page
        return with_anchor(page, "?" + self._query)


class FolderLinks:
    """Renders the pages of one folder's files, where nothing about the folder needs care."""

    __slots__ = ("_after_line", "_before_line", "_extensions", "_head", "_last_letters", "_tail")

    def __init__(self, plain: "_Plain", folder: str, extensions: frozenset[str], last_letters: frozenset[str]) -> None:
        head, self._tail, before_line, self._after_line = plain
        self._head = head + folder
        self._before_line = self._tail + before_line
        self._extensions = extensions
        self._last_letters = last_letters

    def url(self, name: str, line: int | None = None) -> str | None:
        """The page of a file by its name; None when ``RefLinks.url`` has to look at its whole path."""
        if not _is_plain_name(name):
            return None
        if name[-1] in self._last_letters and _extension(name) in self._extensions:
            return None
        if line is None or not 0 < line <= MAX_LINE:
            return f"{self._head}{name}{self._tail}"
        return f"{self._head}{name}{self._before_line}{line}{self._after_line}"


class _Plain(NamedTuple):
    """A view and an anchor taken apart, for short paths that need no escaping and at most one line.

    All that is literal was found safe beforehand, and leaves room for the path and the line.
    """

    head: str
    tail: str
    before_line: str
    after_line: str

    @classmethod
    def of(cls, view: Template, anchor: Template, authority: str) -> "_Plain | None":
        """The parts, or None where the templates are not that simple."""
        around_path, around_line = _around(view, "path"), _around(_one_line(anchor), "line")
        if around_path is None or around_line is None:
            return None
        (head, tail), (before_line, after_line) = around_path, around_line
        page = f"{head}{'x' * LONGEST_PLAIN}{tail}"
        if not with_anchor(page, before_line).startswith(page):
            return None
        before_line = with_anchor(page, before_line)[len(page) :]
        sample = f"{page}{before_line}{MAX_LINE}{after_line}"
        return cls(head, tail, before_line, after_line) if safe_link(sample, authority) else None


def checked(url: str | None, authority: str) -> str | NoUrl:
    """The URL, if it is safe to show; the last look before it leaves the SDK."""
    if url is None:
        return NoUrl(message="the host's template needs a value that is not there")
    if not safe_link(url, authority):
        return NoUrl(reason=Reason.UNSAFE_URL, message="the finished URL is no safe link on the repository's host")
    return url


def literal_authority(template: Template) -> str:
    """The scheme and host that a bound template begins with."""
    head = str(template.nodes[0])
    return "/".join(head.split("/", 3)[:3])


def refuse(path: str) -> NoUrl | None:
    """Why a path is none of a file in a repository, if so."""
    if not path or _NO_TEXT.search(path):
        return NoUrl(
            reason=Reason.NOT_A_FILE, message="the path is empty, or has a control character or half a character"
        )
    if _SIDE_STEP.search(path):
        return NoUrl(reason=Reason.PATH_OUTSIDE, message="the path begins with / or has a . or .. segment")
    return None


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


def with_anchor(page: str, anchor: str) -> str:
    """A page's URL, or its template, led to its lines."""
    if anchor.startswith("#") and "#" in page:
        return page
    if anchor[:1] in ("$", ";") and "?" in page:
        # Such anchors are the end of the path.
        path, _, query = page.partition("?")
        return f"{path}{anchor}?{query}"
    return page + ("&" + anchor[1:] if anchor.startswith("?") and "?" in page else anchor)


def path_values(path: str) -> dict[str, str]:
    folder, _, filename = path.rpartition("/")
    stem, dot, ext = filename.rpartition(".")
    return {
        "path": path,
        "dir": folder,
        "filename": filename,
        "stem": stem or filename,
        "ext": ext if dot and stem else "",
        "filename_slug": _NO_SLUG.sub("-", filename.lower()),
    }


def line_values(
    line: int | None, end_line: int | None, column: int | None, end_column: int | None = None
) -> Mapping[str, int | None]:
    """An end before the beginning is dropped; one line is no range; without a line there are no values."""
    if line is None or not 1 <= line <= MAX_LINE:
        return {}
    last = end_line if end_line is not None and line < end_line <= MAX_LINE else None
    return {
        "line": line,
        "end_line": last,
        "last_line": last or line,
        "line_count": (last or line) - line + 1,
        "column": _column(column),
        "end_column": _column(end_column) if column else None,
    }


def _column(column: int | None) -> int | None:
    return column if column is not None and 1 <= column <= MAX_LINE else None


def _one_line(anchor: Template) -> Template:
    """The anchor without the parts that a single line without a column leaves out."""
    return anchor.without(frozenset({"end_line", "column", "end_column"}))


def _around(template: Template, name: str) -> tuple[str, str] | None:
    """The text before and after a template's only token; None when it has others, or changes the token's value."""
    before: list[str] = []
    after: list[str] = []
    token: Token | None = None
    for node in template.nodes:
        if isinstance(node, str):
            (before if token is None else after).append(node)
        elif isinstance(node, Token) and token is None and _is_bare(node, name):
            token = node
        else:
            return None
    return ("".join(before), "".join(after)) if token else None


def _is_bare(token: Token, name: str) -> bool:
    return token.name == name and token.short is None and not token.plus and token.escapes in _HARMLESS
