"""Elixir's frames: ``(shop 0.1.0) lib/shop.ex:12: Shop.total/1``, of Erlang's files too."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import spot

HINTS: Final[tuple[str, ...]] = (".ex", "eex", "rl:")

_EXTENSION: Final = r"\.(?:exs?|eex|heex|leex|erl|hrl|[xy]rl)"
_FRAME: Final = Pattern(
    r"(?<![^\s\"'])(?:\((?P<app>\w{1,100})(?: [^()\s]{1,60})?\) )?"
    rf"(?P<path>(?:[A-Za-z]:)?[^\s:\"'()]{{1,500}}{_EXTENSION})(?::(?P<line>\d{{1,9}}))?: "
    r"(?P<function>(?:anonymous fn/\d+ in )?(?:[^\s(\"]|\"[^\"\n]{1,200}\"){1,300}|\((?:test|module|file)\))"
    r"(?P<rest>[^\n]{0,2000})$"
)
_NAMED: Final = Pattern(
    r"(?:anonymous fn/\d+ in )?:?[\w.\"'-]+\.(?:\"[^\"]+\"|[^\s/(]+)(?:/\d+|\()|\((?:test|module|file)\)"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line. A compiler's complaint has no function."""
    found = _FRAME.search(line)
    if not found or not _NAMED.match(line, found.start("function")):
        return None
    return [
        spot(
            found,
            language_of(found["path"], "elixir", "erlang"),
            function=found["function"],
            module=found["app"],
        )
    ]
