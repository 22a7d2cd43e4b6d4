"""Regular expressions that are compiled when they are first used: a text has few of the notations that we know."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class _Look(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> re.Match[str] | None: ...

    class _Find(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> Iterator[re.Match[str]]: ...


class Pattern:
    """A regular expression, whose faults show at its first use. Later uses cost what they cost without this class."""

    __slots__ = ("finditer", "match", "search", "source", "sub")
    match: "_Look"
    search: "_Look"
    finditer: "_Find"
    sub: Callable[[str, str], str]

    def __init__(self, source: str) -> None:
        self.source = source

    def __getattr__(self, name: str) -> object:
        compiled = re.compile(self.source)
        self.match, self.search, self.finditer = compiled.match, compiled.search, compiled.finditer
        self.sub = compiled.sub
        return object.__getattribute__(self, name)
