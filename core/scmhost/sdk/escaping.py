"""Escape a value for the place in a URL where it stands. Never escape a finished URL.

Path characters follow RFC 3986's ``pchar``, less the apostrophe, which breaks out of quoted attributes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

_PCHAR: Final = "!$&()*+,;=:@~"


def path(value: str) -> str:
    """Escape for the path part; ``/`` stays."""
    return quote(value, safe="/" + _PCHAR)


def segment(value: str) -> str:
    """Escape for one segment of the path; ``/`` becomes ``%2F``."""
    return quote(value, safe=_PCHAR)


def query(value: str) -> str:
    """Escape for a value in the query; ``/`` becomes ``%2F``."""
    return quote(value, safe="")


def query_slash(value: str) -> str:
    """Escape for a value in the query of hosts that show ``/`` there as it is."""
    return quote(value, safe="/")


def double(value: str) -> str:
    """Escape as a segment, twice, for hosts that decode twice."""
    return segment(segment(value))


def phab(value: str) -> str:
    """Escape a path for Phabricator, which gives ``;`` and ``$`` a meaning unless doubled."""
    return path(value.replace(";", ";;").replace("$", "$$"))


FILTERS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "path": path,
        "segment": segment,
        "query": query,
        "query_slash": query_slash,
        "fragment": path,
        "double": double,
        "phab": phab,
        "lower": str.lower,
        "upper": str.upper,
    }
)
"""Filters of the template language. ``lower`` and ``upper`` change the value before it is escaped by position."""
