"""Templates read backwards: the values that a URL was made from.

A URL and a template are both taken apart into path, query and fragment. The order of query parameters does not
matter, nor do parameters that the template does not know. Where a value may hold slashes there may be several ways
to read a URL; all are given, those with the shorter values in front first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple
from urllib.parse import unquote

from . import escaping
from .plain_links import MAX_LINE
from .templates import Node, Optional, Template, Token
from .tokens import LONG_TOKENS, NUMBER_TOKENS
from .urls import MAX_URL

Read = dict[str, str | int]
Flat = tuple[str | Token, ...]

# Longer templates, and URLs that could be read in more ways, are no pages that people have.
_MOST_NODES: Final = 80
_MOST_SHAPES: Final = 128
_MOST_STEPS: Final = 20_000
_DEEPEST_PREFIX: Final = 3
_MOST_DIGITS: Final = 9

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#@]*@)?(?P<host>[^/?#@]+)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE,
)
_PORT: Final = re.compile(r":\d*$")
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_IN_QUERY: Final = frozenset({"query", "query_slash"})
_ESCAPED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class WebUrl(NamedTuple):
    """A URL taken apart. The path and the fragment are escaped in one way only; the query is decoded.

    ``tail`` is path and query as they were.
    """

    authority: str
    path: str
    query: tuple[tuple[str | None, str], ...]
    fragment: str
    tail: str = ""

    @property
    def host(self) -> str:
        """The host's name, without its port."""
        return _PORT.sub("", self.authority.partition("://")[2])


@dataclass(slots=True)
class Rules:
    """What a value may be.

    Attributes:
        groups: how many segments an owner may have.
        prefixes: what may stand between the host and the pages; None is anything of up to three segments.
        steps: how much more may be tried.
    """

    groups: int = 20
    prefixes: tuple[str, ...] | None = ("",)
    steps: int = field(default=_MOST_STEPS)


class Shape(NamedTuple):
    """One way in which a template's optional parts are there or not."""

    path: Flat
    query: tuple[tuple[str | None, Flat], ...]
    fragment: Flat


def take_apart(url: str) -> WebUrl | None:
    """A URL in its parts; None when it is no http or https URL, or holds what no URL does."""
    found = _URL.fullmatch(url.strip()) if len(url) <= MAX_URL else None
    if not found or _NO_TEXT.search(found.group()):
        return None
    try:
        return WebUrl(
            _authority(found["scheme"], found["host"]),
            _canonical(found["path"]) or "/",
            tuple(_items(found["query"] or "")),
            _canonical(found["fragment"] or ""),
            found["path"] + (f"?{found['query']}" if found["query"] else ""),
        )
    except UnicodeDecodeError:
        return None


def read(template: Template, url: WebUrl, rules: Rules) -> Iterator[Read]:
    """The values that a template's tokens have in a URL, one dictionary for each way to read it."""
    for shape in _shapes(template.nodes):
        yield from _read_shape(shape, url, rules)


def _read_shape(shape: Shape, url: WebUrl, rules: Rules) -> Iterator[Read]:
    for values in _read_path(shape.path, url, rules):
        for more in _read_query(shape.query, url.query, values, rules):
            if shape.fragment:
                yield from _match(shape.fragment, url.fragment, more, rules, quoted=True)
            else:
                yield more


def _read_path(nodes: Flat, url: WebUrl, rules: Rules) -> Iterator[Read]:
    root, rest = nodes[0], nodes[1:]
    if isinstance(root, str):
        authority = "/".join(root.split("/", 3)[:3])
        if authority.lower() == url.authority:
            yield from _match((root[len(authority) :], *rest), url.path, {}, rules, quoted=True)
        return
    for prefix in rules.prefixes if rules.prefixes is not None else prefixes_of(url.path):
        if not rest or url.path.startswith(prefix):
            base: Read = {"base_url": url.authority + prefix}
            yield from _match(rest, url.path[len(prefix) :], base, rules, quoted=True)


def prefixes_of(path: str) -> Iterator[str]:
    """What may stand between a host and its pages, the shortest first."""
    segments = path.split("/")[1:]
    for number in range(min(_DEEPEST_PREFIX + 1, len(segments))):
        yield "".join(f"/{segment}" for segment in segments[:number])


def _read_query(
    items: tuple[tuple[str | None, Flat], ...],
    query: tuple[tuple[str | None, str], ...],
    values: Read,
    rules: Rules,
) -> Iterator[Read]:
    if not items:
        yield values
        return
    key, nodes = items[0]
    for name, text in query:
        if name == key:
            for more in _match(nodes, _rooted(nodes, text), values, rules, quoted=False):
                yield from _read_query(items[1:], query, more, rules)


def _rooted(nodes: Flat, text: str) -> str:
    """A path in a query may go without the slash that it begins with elsewhere."""
    first = nodes[0] if nodes else ""
    return f"/{text}" if isinstance(first, str) and first.startswith("/") and not text.startswith("/") else text


def _match(nodes: Flat, text: str, values: Read, rules: Rules, *, quoted: bool, start: int = 0) -> Iterator[Read]:
    """All ways to read the text from ``start`` on. ``quoted`` text is escaped, and a slash ends a segment there."""
    rules.steps -= 1
    if rules.steps < 0:
        return
    if not nodes:
        if start == len(text):
            yield values
        return
    node, rest = nodes[0], nodes[1:]
    if isinstance(node, str):
        if text.startswith(node, start):
            yield from _match(rest, text, values, rules, quoted=quoted, start=start + len(node))
        return
    for end in _ends(node, rest, text, start, quoted=quoted):
        value = _value(node, text[start:end], rules, quoted=quoted)
        if value is not None and values.get(node.name, value) == value:
            more = {**values, node.name: value}
            yield from _match(rest, text, more, rules, quoted=quoted, start=end)


def _ends(token: Token, rest: Flat, text: str, start: int, *, quoted: bool) -> Iterator[int]:
    """Where a token's value may end: before what comes next, and within its segment unless it may hold slashes."""
    last = len(text)
    if quoted and (token.name not in LONG_TOKENS or token.escapes in (("segment",), ("double",))):
        slash = text.find("/", start)
        last = slash if slash >= 0 else last
    if not rest:
        if last == len(text) and last > start:
            yield last
        return
    literal = rest[0] if isinstance(rest[0], str) else ""
    end = text.find(literal, start + 1)
    while 0 <= end <= last:
        yield end
        end = text.find(literal, end + 1) if end < len(text) else -1


def _value(token: Token, text: str, rules: Rules, *, quoted: bool) -> str | int | None:
    """The value that a token was made from, or None when it cannot be."""
    if token.name in NUMBER_TOKENS:
        number = int(text) - token.plus if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
        return number if 0 < number <= MAX_LINE else None
    value = _unescaped(token, text) if quoted else text
    if not value or value[0] == "/" or (token.name == "owner" and value.count("/") >= rules.groups):
        return None
    return value


def _unescaped(token: Token, text: str) -> str | None:
    value = unquote(text)
    if token.escapes == ("double",):
        value = unquote(value)
    if token.escapes == ("phab",):
        value = value.replace(";;", ";").replace("$$", "$")
    for name in token.escapes:
        if name in ("double", "phab", "segment") and escaping.FILTERS[name](value) != text:
            return None
    return None if _NO_TEXT.search(value) else value


@lru_cache(maxsize=1024)
def _shapes(nodes: tuple[Node, ...]) -> tuple[Shape, ...]:
    """A template's shapes, those with more optional parts first."""
    flat = []
    for chosen in _expanded(nodes):
        flat.append(chosen)
        if len(flat) > _MOST_SHAPES or len(chosen) > _MOST_NODES:
            return ()
    return tuple(_shape(chosen) for chosen in flat)


def _expanded(nodes: tuple[Node, ...]) -> Iterator[Flat]:
    choices = [[*_expanded(node.nodes), ()] if isinstance(node, Optional) else [(node,)] for node in nodes]
    for chosen in product(*choices):
        yield tuple(node for part in chosen for node in part)


def _shape(nodes: Flat) -> Shape:
    parts: dict[str, list[str | Token]] = {"path": [], "query": [], "fragment": []}
    place = "path"
    for node in nodes:
        for text in _split_places(node, place):
            if (
                isinstance(text, str)
                and text in ("?", "#")
                and place != "fragment"
                and not (text == "?" and place == "query")
            ):
                place = "query" if text == "?" else "fragment"
            else:
                parts[place].append(text)
    return Shape(_joined(parts["path"]), tuple(_query_shape(parts["query"])), _joined(parts["fragment"]))


def _split_places(node: str | Token, place: str) -> list[str | Token]:
    if isinstance(node, Token) or place == "fragment":
        return [node]
    return [text for text in re.split(r"([?#])", node) if text]


def _joined(nodes: list[str | Token]) -> Flat:
    """Neighbouring literals as one, escaped as a URL is that was taken apart."""
    joined: list[str | Token] = []
    for node in nodes:
        if isinstance(node, Token) or not joined or isinstance(joined[-1], Token):
            joined.append(node)
        else:
            joined[-1] = f"{joined[-1]}{node}"
    return tuple(_canonical_literal(node) if isinstance(node, str) else node for node in joined)


def _canonical_literal(text: str) -> str:
    head = re.match(r"https?://[^/]*", text)
    authority = head.group() if head else ""
    return authority + _canonical(text[len(authority) :])


def _query_shape(nodes: list[str | Token]) -> Iterator[tuple[str | None, Flat]]:
    item: list[str | Token] = []
    for node in nodes:
        pieces = re.split("[&;]", node) if isinstance(node, str) else [node]
        for number, piece in enumerate(pieces):
            if number:
                yield from _query_item(item)
                item = []
            if piece != "":
                item.append(piece)
    yield from _query_item(item)


def _query_item(item: list[str | Token]) -> Iterator[tuple[str | None, Flat]]:
    if not item:
        return
    first = item[0]
    if isinstance(first, str) and "=" in first:
        key, _, rest = first.partition("=")
        yield (
            unquote(key),
            tuple(unquote(node) if isinstance(node, str) else node for node in [rest, *item[1:]] if node != ""),
        )
    else:
        yield None, tuple(unquote(node) if isinstance(node, str) else node for node in item)


def _items(query: str) -> Iterator[tuple[str | None, str]]:
    for item in re.split("[&;]", query):
        key, equals, value = item.partition("=")
        if equals:
            yield unquote(key, errors="strict"), unquote(value, errors="strict")
        elif item:
            yield None, unquote(item, errors="strict")


def _authority(scheme: str, host: str) -> str:
    name = host.lower()
    default = {"http": ":80", "https": ":443"}[scheme.lower()]
    return f"{scheme.lower()}://{name.removesuffix(default).removesuffix(':')}"


def _canonical(text: str) -> str:
    """Each segment decoded once and escaped in one way; an escaped slash stays one."""
    return "/".join(escaping.segment(unquote(segment, errors="strict")) for segment in text.split("/"))
