"""Match a URL against a template: recover the values from which the URL was rendered.

URL and template are both split into path, query and fragment. The order of query parameters is not significant, and
unknown parameters are ignored. If a value may contain slashes, a URL may match in several ways; all are returned, those
with shorter values in front first.
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
from .safety import MAX_URL
from .templates import LONG_TOKENS, NUMBER_TOKENS, Node, OptionalPart, Template, TemplateToken, count_shapes

TokenValues = dict[str, str | int]
"""Values by the names of tokens."""

_Nodes = tuple[str | TemplateToken, ...]
_Query = tuple[tuple[str | None, str], ...]
_QueryNodes = tuple[tuple[str | None, _Nodes], ...]

# Limits for hostile templates and URLs; those of real hosts stay far below.
_MAX_NODES: Final = 80
_MAX_VARIANTS: Final = 128
_MAX_STEPS: Final = 20_000
_MAX_PREFIX_SEGMENTS: Final = 3
_MAX_DIGITS: Final = 9

# A path begins with a slash: in a@b@c, where browsers take c as the host, b is none.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#@]*@)?(?P<host>[^/?#@]+)(?P<path>(?:/[^?#]*)?)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE,
)
_PORT: Final = re.compile(r":\d*$")
_CONTROL_OR_SURROGATE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class ParsedUrl(NamedTuple):
    """The parts of a URL.

    Attributes:
        authority: ``scheme://host[:port]`` in lower case, without a default port.
        path: the path, each segment escaped in the same way.
        query: the decoded parameters; a parameter without ``=`` has the key None.
        fragment: the fragment, escaped like the path.
        tail: path and query as they were.
    """

    authority: str
    path: str
    query: _Query
    fragment: str
    tail: str = ""

    @property
    def host(self) -> str:
        """The host's name without the port."""
        return _PORT.sub("", self.authority.partition("://")[2])


@dataclass(slots=True)
class MatchLimits:
    """Limits of one match.

    Attributes:
        groups: the most segments of an owner.
        prefixes: the paths that may come between the host and its pages; None allows any of up to three segments.
        steps: the number of steps that are left. It bounds the time of one match.
    """

    groups: int = 20
    prefixes: tuple[str, ...] | None = ("",)
    steps: int = field(default=_MAX_STEPS)


class _Variant(NamedTuple):
    """A template with a certain choice of its optional parts."""

    path: _Nodes
    query: _QueryNodes
    fragment: _Nodes


def parse_url(url: str) -> ParsedUrl | None:
    """Split a URL; return None if it is not http or https, is too long, or has characters that no URL has."""
    # A pasted URL often has blanks or line ends around it.
    found = _URL.fullmatch(url.strip()) if len(url) <= MAX_URL else None
    if not found or _CONTROL_OR_SURROGATE.search(found.group()):
        return None
    try:
        return ParsedUrl(
            _authority(found["scheme"], found["host"]),
            _canonical(found["path"]) or "/",
            tuple(_items(found["query"] or "")),
            _canonical(found["fragment"] or ""),
            found["path"] + (f"?{found['query']}" if found["query"] else ""),
        )
    except UnicodeDecodeError:
        # A path that is not UTF-8 has no text that could be compared.
        return None


def match_template(template: Template, url: ParsedUrl, limits: MatchLimits) -> Iterator[TokenValues]:
    """Yield the values of a template's tokens in a URL, one dictionary for each way to match it."""
    for variant in _variants(template.nodes):
        yield from _match_variant(variant, url, limits)


def _match_variant(variant: _Variant, url: ParsedUrl, limits: MatchLimits) -> Iterator[TokenValues]:
    for values in _match_path(variant.path, url, limits):
        for more in _match_query(variant.query, url.query, values, limits):
            if variant.fragment:
                yield from _match(variant.fragment, url.fragment, more, limits, quoted=True)
            else:
                # The fragment may be a line anchor of another form, which is read separately.
                yield more


def _match_path(nodes: _Nodes, url: ParsedUrl, limits: MatchLimits) -> Iterator[TokenValues]:
    root, rest = nodes[0], nodes[1:]
    if isinstance(root, str):
        authority = "/".join(root.split("/", 3)[:3])
        if authority.lower() == url.authority:
            yield from _match((root[len(authority) :], *rest), url.path, {}, limits, quoted=True)
        return
    for prefix in limits.prefixes if limits.prefixes is not None else prefixes_of(url.path):
        if not rest or url.path.startswith(prefix):
            base: TokenValues = {"base_url": url.authority + prefix}
            yield from _match(rest, url.path[len(prefix) :], base, limits, quoted=True)


def prefixes_of(path: str) -> Iterator[str]:
    """Yield the paths that may come between a host and its pages, the shortest first."""
    segments = path.split("/")[1:]
    for number in range(min(_MAX_PREFIX_SEGMENTS + 1, len(segments))):
        yield "".join(f"/{segment}" for segment in segments[:number])


def _match_query(
    items: _QueryNodes,
    query: _Query,
    values: TokenValues,
    limits: MatchLimits,
) -> Iterator[TokenValues]:
    if not items:
        yield values
        return
    key, nodes = items[0]
    # A parameter may occur more than once, and hosts differ in which of them they use.
    for name, text in query:
        if name == key:
            for more in _match(nodes, _with_slash(nodes, text), values, limits, quoted=False):
                yield from _match_query(items[1:], query, more, limits)


def _with_slash(nodes: _Nodes, text: str) -> str:
    """Add the slash that a path in a query may lack at its beginning."""
    first = nodes[0] if nodes else ""
    return f"/{text}" if isinstance(first, str) and first.startswith("/") and not text.startswith("/") else text


def _match(
    nodes: _Nodes, text: str, values: TokenValues, limits: MatchLimits, *, quoted: bool, start: int = 0
) -> Iterator[TokenValues]:
    """Yield all ways to match the text from ``start`` on. ``quoted`` text is escaped; a slash ends a segment there."""
    # The number of ways grows exponentially with the tokens that may hold slashes.
    limits.steps -= 1
    if limits.steps < 0:
        return
    if not nodes:
        if start == len(text):
            yield values
        return
    node, rest = nodes[0], nodes[1:]
    if isinstance(node, str):
        if text.startswith(node, start):
            yield from _match(rest, text, values, limits, quoted=quoted, start=start + len(node))
        return
    for end in _ends(node, rest, text, start, quoted=quoted):
        value = _value(node, text[start:end], limits, quoted=quoted)
        # A token may occur twice in a template; both places must have the same value.
        if value is not None and values.get(node.name, value) == value:
            more = {**values, node.name: value}
            yield from _match(rest, text, more, limits, quoted=quoted, start=end)


def _ends(token: TemplateToken, rest: _Nodes, text: str, start: int, *, quoted: bool) -> Iterator[int]:
    """Yield the possible ends of a token's value: before the next node, and in its segment if it has no slashes."""
    last = len(text)
    if quoted and (token.name not in LONG_TOKENS or token.escapes in (("segment",), ("double",))):
        slash = text.find("/", start)
        last = slash if slash >= 0 else last
    if not rest:
        if last == len(text) and last > start:
            yield last
        return
    literal = rest[0] if isinstance(rest[0], str) else ""
    # No value is empty.
    end = text.find(literal, start + 1)
    while 0 <= end <= last:
        yield end
        end = text.find(literal, end + 1) if end < len(text) else -1


def _value(token: TemplateToken, text: str, limits: MatchLimits, *, quoted: bool) -> str | int | None:
    """Return the value from which a token was rendered, or None if there is none."""
    if token.name in NUMBER_TOKENS:
        # int() also accepts digits outside of ASCII, and is slow for long texts.
        number = int(text) - token.plus if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0
        return number if 0 < number <= MAX_LINE else None
    value = _unescaped(token, text) if quoted else text
    # A slash in front is the sign of an empty segment.
    if not value or value[0] == "/" or (token.name == "owner" and value.count("/") >= limits.groups):
        return None
    return value


def _unescaped(token: TemplateToken, text: str) -> str | None:
    value = unquote(text)
    if token.escapes == ("double",):
        value = unquote(value)
    if token.escapes == ("phab",):
        value = value.replace(";;", ";").replace("$$", "$")
    for name in token.escapes:
        # A value has several spellings; only the one that the template gives is its page.
        if name in ("double", "phab", "segment") and escaping.FILTERS[name](value) != text:
            return None
    return None if _CONTROL_OR_SURROGATE.search(value) else value


# Bounded, because templates also come from requests.
@lru_cache(maxsize=1024)
def _variants(nodes: tuple[Node, ...]) -> tuple[_Variant, ...]:
    """Return a template's variants, those with more optional parts first; none if they are too many or too long."""
    # Counted before they are made: each optional part next to another doubles their number.
    if count_shapes(nodes) > _MAX_VARIANTS:
        return ()
    choices = list(_expanded(nodes))
    return () if len(choices[0]) > _MAX_NODES else tuple(map(_variant, choices))


def _expanded(nodes: tuple[Node, ...]) -> Iterator[_Nodes]:
    # The choice without the part comes last, so that variants with more parts come first.
    choices = [[*_expanded(node.nodes), ()] if isinstance(node, OptionalPart) else [(node,)] for node in nodes]
    for chosen in product(*choices):
        yield tuple(node for part in chosen for node in part)


def _variant(nodes: _Nodes) -> _Variant:
    parts: dict[str, list[str | TemplateToken]] = {"path": [], "query": [], "fragment": []}
    part = "path"
    for node in nodes:
        for text in _split_parts(node, part):
            # A question mark within a query or a fragment is text.
            if (
                isinstance(text, str)
                and text in ("?", "#")
                and part != "fragment"
                and not (text == "?" and part == "query")
            ):
                part = "query" if text == "?" else "fragment"
            else:
                parts[part].append(text)
    return _Variant(_joined(parts["path"]), tuple(_query_variant(parts["query"])), _joined(parts["fragment"]))


def _split_parts(node: str | TemplateToken, part: str) -> list[str | TemplateToken]:
    if isinstance(node, TemplateToken) or part == "fragment":
        return [node]
    return [text for text in re.split(r"([?#])", node) if text]


def _joined(nodes: list[str | TemplateToken]) -> _Nodes:
    """Join neighbouring literals, and escape them like the parts of a ``ParsedUrl``."""
    joined: list[str | TemplateToken] = []
    for node in nodes:
        if isinstance(node, TemplateToken) or not joined or isinstance(joined[-1], TemplateToken):
            joined.append(node)
        else:
            joined[-1] = f"{joined[-1]}{node}"
    return tuple(_canonical_literal(node) if isinstance(node, str) else node for node in joined)


def _canonical_literal(text: str) -> str:
    # Escaping would change the brackets of an IPv6 address.
    head = re.match(r"https?://[^/]*", text)
    authority = head.group() if head else ""
    return authority + _canonical(text[len(authority) :])


def _query_variant(nodes: list[str | TemplateToken]) -> Iterator[tuple[str | None, _Nodes]]:
    item: list[str | TemplateToken] = []
    for node in nodes:
        pieces = re.split("[&;]", node) if isinstance(node, str) else [node]
        for number, piece in enumerate(pieces):
            if number:
                yield from _query_item(item)
                item = []
            if piece != "":
                item.append(piece)
    yield from _query_item(item)


def _query_item(item: list[str | TemplateToken]) -> Iterator[tuple[str | None, _Nodes]]:
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
    # gitweb separates its parameters with a semicolon.
    for item in re.split("[&;]", query):
        key, equals, value = item.partition("=")
        if equals:
            yield unquote(key, errors="strict"), unquote(value, errors="strict")
        elif item:
            yield None, unquote(item, errors="strict")


def _authority(scheme: str, host: str) -> str:
    name = host.lower()
    default = {"http": ":80", "https": ":443"}[scheme.lower()]
    # A colon without a port is valid, and means the default port.
    return f"{scheme.lower()}://{name.removesuffix(default).removesuffix(':')}"


def _canonical(text: str) -> str:
    """Decode and escape each segment, so that equal paths have one spelling; an escaped slash stays escaped."""
    return "/".join(escaping.segment(unquote(segment, errors="strict")) for segment in text.split("/"))
