"""The template language of URLs: ``{repo_url}/blob/{ref}/{path}`` and the like.

A template is literal text with tokens. ``{name}`` is replaced by a value, which is escaped by its position: as a path
before ``?``, as a query value after it, as a fragment after ``#``. ``{name|filter}`` selects another escaping.
``{line+1}`` adds a number, ``{commit:7}`` shortens, ``{repo_path:1}`` is the first segment and ``{repo_path:-1}`` the
last. ``[...]`` is left out when a token inside has no value; ``[[`` is a literal bracket. An empty ``{owner}`` is left
out together with the slash after it. Templates run no code. The scheme and host come from configuration only, never
from an event.

The values of a repository come from its URL and from ``Pages.repo``, the template of such URLs: ``{base_url}`` is the
part before the rest of it, ``{repo_path}`` is the named parts, joined by ``/``. With ``{base_url}/r/{repo_path}``, the
URL ``https://git.example.com/scm/r/team/app`` has the base URL ``https://git.example.com/scm`` and the path
``team/app``. With the default ``{base_url}/{repo_path}``, and for a URL that does not match the template, the base
URL is scheme and host, and the path is the whole path. ``{repo_url}`` is always the repository's own URL.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, Self, get_args

from scmhost.sdk.errors import TemplateError

from . import escaping

MAX_TEMPLATE: Final = 2_000
"""The most characters that a template may have."""

MAX_SHAPES: Final = 1024
"""The most combinations of optional parts that a template may have."""
_MAX_DEPTH: Final = 20

ROOT_TOKENS: Final = frozenset({"repo_url", "base_url"})
"""Tokens for configured, validated URLs. A template may begin with them, and with no other token."""

HOST_TOKENS: Final = frozenset({"scheme", "web_host", "port", "prefix"})
"""Tokens for the parts of the base URL. They need no escaping."""

REPOSITORY_TOKENS: Final = (
    ROOT_TOKENS
    | HOST_TOKENS
    | {"repo_path", "owner", "owner_first", "owner_last", "repo", "org", "project", "account", "region", "callsign"}
)
REF_TOKENS: Final = frozenset(
    {"ref", "ref_kind", "ref_full", "branch", "tag", "commit", "changelist"}
    | {"changeset", "blob", "file_rev", "default_branch", "base", "head"}
)
FILE_TOKENS: Final = frozenset({"path", "dir", "filename", "stem", "ext", "filename_slug"})
TEXT_TOKENS: Final = REPOSITORY_TOKENS | REF_TOKENS | FILE_TOKENS
NUMBER_TOKENS: Final = frozenset({"line", "end_line", "last_line", "line_count", "column", "end_column", "number"})

# Other names of tokens, and the number that they add.
_ALIASES: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "line_plus_1": ("line", 1),
        "end_line_plus_1": ("last_line", 1),
        "seed": ("owner", 0),
        "rid": ("repo", 0),
        "gist_id": ("repo", 0),
        "package": ("repo", 0),
        "version": ("ref", 0),
    }
)
LONG_TOKENS: Final = frozenset(
    {"prefix", "owner", "repo_path", "ref", "ref_full", "branch"}
    | {"tag", "default_branch", "base", "head", "path", "dir"}
)
"""Tokens whose values may contain slashes, so that a URL may be split in more than one way."""

PageName = Literal[
    "view", "blame", "raw", "tree", "history", "edit", "pinned", "root", "commit", "compare", "change_request"
]
PAGE_NAMES: Final[tuple[PageName, ...]] = get_args(PageName)
FILE_PAGES: Final = PAGE_NAMES[:7]
"""Pages that show a file or a folder at a ref, in the order in which URLs are matched."""

# The only names with a digit are aliases such as line_plus_1.
_TOKEN: Final = re.compile(
    r"(?P<name>[a-z_]+(?:_1)?)(?::(?P<short>-?\d{1,2}))?(?P<plus>\+\d)?(?P<filters>(?:\|[a-z_]+)*)",
    re.ASCII,
)
# Scheme and host are literal or those of the repository: no value of an event can lead to another host.
_ROOT: Final = re.compile(
    r"(?:https?|\{scheme\})://(?:[A-Za-z0-9.\-]+|\{web_host\})(?::\d{1,5}|:\{port\}|\[:\{port\}\])?(?:\[?\{prefix\}\]?)?/",
    re.ASCII,
)
# The slashes of https://host.
_ROOT_SLASHES: Final = 2
# The doubled bracket comes before the single one.
_PIECE: Final = re.compile(r"\{[^{}]*\}|\[\[|\[|\]|[^\[\]{}]+|[{}]")

Values = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class TemplateToken:
    """A placeholder for a value.

    Attributes:
        name: the token's name.
        short: a length, or for ``repo_path`` the number of a segment; None for the whole value.
        plus: the number to add.
        escapes: names of filters, applied in order.
    """

    name: str
    short: int | None
    plus: int
    escapes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the value can be recovered from the rendered text."""
        return self.short is None and not {"lower", "upper"} & set(self.escapes)

    def render(self, values: Values) -> str | None:
        """Return the escaped value, or None if there is none."""
        value = values.get(self.name)
        if value is None or value == "":
            # An empty prefix is a value: that of a host whose pages begin at the root.
            return "" if value == "" and self.name == "prefix" else None
        # Cut before escaping: the rest of a cut escape would be no escape.
        text = str(value + self.plus) if isinstance(value, int) else self._shortened(value)
        for name in self.escapes:
            text = escaping.FILTERS[name](text)
        return text or None

    def _shortened(self, value: str) -> str:
        """Return the value, its beginning, or one segment of the repository's path, counted from either end."""
        if self.short is None or self.name != "repo_path":
            return value[: self.short]
        segments = value.split("/")
        index = self.short - 1 if self.short > 0 else self.short
        return segments[index] if -len(segments) <= index < len(segments) else ""


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """A part that is left out if a token inside has no value."""

    nodes: tuple["Node", ...]


Node = str | TemplateToken | OptionalPart


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template.

    Attributes:
        text: its source.
        nodes: literal text, tokens and optional parts, in order.
    """

    text: str
    nodes: tuple[Node, ...]

    @classmethod
    # Bounded, because templates also come from requests.
    @lru_cache(maxsize=1024)
    def parse(cls, text: str, *, rooted: bool = True) -> Self:
        """Parse a template.

        Args:
            text: the template.
            rooted: whether it is a whole URL; False for an anchor.

        Raises:
            TemplateError: it is too long, has an unknown token or filter, or an unpaired bracket or brace, or its
                scheme and host are neither literal nor configured.
        """
        if len(text) > MAX_TEMPLATE:
            raise TemplateError(text[:40] + "...", f"longer than {MAX_TEMPLATE} characters")
        if rooted:
            _check_root(text)
        return cls(text, _Parser(text, fragment=not rooted and text.startswith("#")).parse())

    @property
    def tokens(self) -> frozenset[str]:
        """The names of all tokens in the template."""
        return frozenset(token.name for token in _tokens(self.nodes))

    def render(self, values: Values) -> str | None:
        """Return the URL, or None if a token outside of ``[...]`` has no value."""
        return _render(self.nodes, values)

    def bind(self, values: Values) -> "Template":
        """Return the template with some values filled in, to render many URLs of one repository and ref.

        Raises:
            TemplateError: the text after the repository's or the host's URL would change the host.
        """
        bound = _bind(self.nodes, values)
        if self.nodes and isinstance(self.nodes[0], TemplateToken) and _extends_host(bound):
            problem = f"{{{self.nodes[0].name}}} is a host alone, and goes on in the text after it"
            raise TemplateError(self.text, problem, "put a / between them")
        return Template(self.text, _merge(bound))

    def without(self, names: frozenset[str]) -> "Template":
        """Return the template without the ``[...]`` parts that contain one of these tokens."""
        return Template(self.text, _merge([node for node in self.nodes if not _needs(node, names)]))

    def without_path(self) -> "Template":
        """Return the template without ``{path}`` and the slash before it: the page of the root folder."""
        nodes: list[Node] = []
        for node in self.nodes:
            if not isinstance(node, TemplateToken) or node.name != "path":
                nodes.append(node)
            elif nodes and isinstance(nodes[-1], str):
                nodes[-1] = nodes[-1].removesuffix("/")
        return Template(self.text, _merge(nodes))


class _Parser:
    """Parses a template from left to right, and tracks the part of the URL: path, query or fragment."""

    def __init__(self, text: str, *, fragment: bool) -> None:
        self._text = text
        self._part = "fragment" if fragment else "path"
        self._stack: list[list[Node]] = [[]]

    def parse(self) -> tuple[Node, ...]:
        for piece in _PIECE.findall(self._text):
            self._take(piece)
        if len(self._stack) > 1:
            raise self._wrong("a [ is never closed", "write [[ for a bracket")
        nodes = _merge(_optional_owner(self._stack[0]))
        self._check_shapes(nodes)
        return nodes

    def _take(self, piece: str) -> None:
        if piece == "[":
            if len(self._stack) > _MAX_DEPTH:
                raise self._wrong(f"[...] is nested more than {_MAX_DEPTH} times", "use fewer [...]")
            self._stack.append([])
        elif piece == "]":
            self._close()
        elif piece.startswith("{") and piece.endswith("}"):
            self._stack[-1].append(self._token(piece[1:-1]))
        elif piece in ("{", "}"):
            raise self._wrong(f"a {piece} without its partner", "write %7B or %7D for a brace")
        else:
            self._literal("[" if piece == "[[" else piece)

    def _close(self) -> None:
        if len(self._stack) == 1:
            raise self._wrong("a ] without its [", "write %5D for a bracket")
        inner = tuple(self._stack.pop())
        if not _tokens(inner):
            raise self._wrong("[...] without a token would always or never show", "leave out the brackets")
        self._check_shapes(inner)
        self._stack[-1].append(OptionalPart(_merge(inner)))

    def _check_shapes(self, nodes: tuple[Node, ...]) -> None:
        """Check a part before the part around it: each optional part next to another doubles the combinations."""
        if count_shapes(nodes) > MAX_SHAPES:
            raise self._wrong(f"its optional parts have more than {MAX_SHAPES} combinations", "use fewer [...]")

    def _literal(self, text: str) -> None:
        # A # after a ? still begins the fragment, while a ? after a # is text.
        if "#" in text:
            self._part = "fragment"
        elif "?" in text and self._part == "path":
            self._part = "query"
        self._stack[-1].append(text)

    def _token(self, text: str) -> TemplateToken:
        found = _TOKEN.fullmatch(text)
        name, plus = _ALIASES.get(found["name"], (found["name"], 0)) if found else ("", 0)
        if not found or name not in TEXT_TOKENS | NUMBER_TOKENS:
            known = ", ".join(sorted(TEXT_TOKENS | NUMBER_TOKENS))
            raise self._wrong(f"unknown token {{{text}}}", f"the tokens are {known}")
        if found["plus"] and name not in NUMBER_TOKENS:
            raise self._wrong(f"{{{text}}} counts on from something that is no number", "leave out the +")
        return TemplateToken(
            name,
            int(found["short"]) if found["short"] else None,
            plus + int(found["plus"] or 0),
            self._escapes(name, [word for word in found["filters"].split("|") if word]),
        )

    def _escapes(self, name: str, filters: list[str]) -> tuple[str, ...]:
        unknown = [name for name in filters if name not in escaping.FILTERS]
        if unknown:
            raise self._wrong(f"unknown filter {unknown[0]!r}", f"the filters are {', '.join(escaping.FILTERS)}")
        # These are URLs or parts of URLs already; escaping would break their slashes.
        if name in ROOT_TOKENS | HOST_TOKENS:
            return ()
        if any(name not in ("lower", "upper") for name in filters):
            return tuple(filters)
        # ``lower`` comes before the escaping, because it would also change the digits of escapes.
        return (*filters, self._part)

    def _wrong(self, problem: str, hint: str) -> TemplateError:
        return TemplateError(self._text, problem, hint)


def tokens_of(text: str) -> tuple[TemplateToken, ...]:
    """Return the tokens of a template, in order, with repetitions."""
    return tuple(_tokens(Template.parse(text).nodes))


def count_shapes(nodes: tuple[Node, ...]) -> int:
    """Return the number of combinations of the optional parts."""
    return math.prod(count_shapes(node.nodes) + 1 for node in nodes if isinstance(node, OptionalPart))


def _check_root(text: str) -> None:
    """Check that scheme and host are configured: a value of an event may only follow the slash after the host."""
    if text.startswith(tuple(f"{{{name}}}" for name in ROOT_TOKENS)):
        return
    if not _ROOT.match(text):
        hint = "begin with {repo_url}, with {base_url} or with https://host/"
        raise TemplateError(text, "the scheme and host are not fixed", hint)


def _extends_host(nodes: list[Node]) -> bool:
    """Return whether the text after a URL without a path, at the beginning of a template, becomes part of the host."""
    root, *others = nodes
    after = next((node for node in others if node != ""), "/")
    alone = isinstance(root, str) and root.count("/") == _ROOT_SLASHES
    return alone and isinstance(after, str) and after[0] not in "/?#"


def _optional_owner(nodes: list[Node]) -> list[Node]:
    """Make each ``{owner}/`` optional: a repository without an owner has no empty segment."""
    found: list[Node] = []
    for node in nodes:
        before = found[-1] if found else None
        if (
            isinstance(before, TemplateToken)
            and before.name == "owner"
            and isinstance(node, str)
            and node.startswith("/")
        ):
            found[-1] = OptionalPart((before, "/"))
            found.append(node[1:])
        else:
            found.append(node)
    return [node for node in found if node != ""]


def _tokens(nodes: tuple[Node, ...]) -> list[TemplateToken]:
    found: list[TemplateToken] = []
    for node in nodes:
        if isinstance(node, TemplateToken):
            found.append(node)
        elif isinstance(node, OptionalPart):
            found.extend(_tokens(node.nodes))
    return found


def _needs(node: Node, names: frozenset[str]) -> bool:
    inner = node.nodes if isinstance(node, OptionalPart) else ()
    return any(isinstance(part, TemplateToken) and part.name in names for part in inner)


def _render(nodes: tuple[Node, ...], values: Values) -> str | None:
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, TemplateToken):
            text = node.render(values)
            if text is None:
                return None
            parts.append(text)
        else:
            parts.append(_render(node.nodes, values) or "")
    return "".join(parts)


def _bind(nodes: tuple[Node, ...], values: Values) -> list[Node]:
    bound: list[Node] = []
    for node in nodes:
        if isinstance(node, TemplateToken):
            text = node.render(values)
            bound.append(node if text is None else text)
        elif isinstance(node, OptionalPart):
            inner = _merge(_bind(node.nodes, values))
            bound.append(OptionalPart(inner) if _tokens(inner) else "".join(str(part) for part in inner))
        else:
            bound.append(node)
    return bound


def _merge(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Join neighbouring literals."""
    # A template is made once and rendered for each link, where fewer nodes are faster.
    merged: list[Node] = []
    for node in nodes:
        if isinstance(node, str) and merged and isinstance(merged[-1], str):
            merged[-1] += node
        else:
            merged.append(node)
    return tuple(merged)
