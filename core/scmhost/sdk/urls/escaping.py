"""Escape a value for one part of a URL. Never escape a finished URL.

The characters that stay in a path are those of ``pchar`` in RFC 3986, without the apostrophe, which could end a quoted
HTML attribute.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

_PCHAR: Final = "!$&()*+,;=:@~"


def path(value: str) -> str:
    """Escape for the path; ``/`` stays."""
    return quote(value, safe="/" + _PCHAR)


def segment(value: str) -> str:
    """Escape for one segment of the path; ``/`` becomes ``%2F``."""
    return quote(value, safe=_PCHAR)


def query(value: str) -> str:
    """Escape for a value in the query; ``/`` becomes ``%2F``."""
    # Some hosts separate parameters with a semicolon, and a plus means a blank in most queries.
    return quote(value, safe="")


def query_slash(value: str) -> str:
    """Escape for a value in the query, on hosts that keep ``/`` there."""
    return quote(value, safe="/")


def double(value: str) -> str:
    """Escape twice as a segment, for hosts that decode twice."""
    # Phabricator decodes the name of a branch twice.
    return segment(segment(value))


def phab(value: str) -> str:
    """Escape a path for Phabricator, where ``;`` and ``$`` separate parts unless they are doubled."""
    # Doubled first: an escaped separator would be no separator for the host.
    return path(value.replace(";", ";;").replace("$", "$$"))


FILTERS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "path": path,
        "segment": segment,
        "query": query,
        "query_slash": query_slash,
        # RFC 3986 allows the characters of a path in a fragment.
        "fragment": path,
        "double": double,
        "phab": phab,
        "lower": str.lower,
        "upper": str.upper,
    }
)
"""The filters of the template language. ``lower`` and ``upper`` change the value before it is escaped by position."""
