"""Ruby's backtraces: ``app/shop.rb:12:in 'Shop#total'``, with a backtick before 3.4, and gems in Rails' form."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (":in", "from ", ".rb:", " p:")

_IN: Final = r":in ?[`'‘“](?P<function>[^\n'’”]{1,300})['’”]"
_GEM: Final = r"(?:(?P<gem>[\w.-]{1,100}) \([\w.-]{1,60}\) )?"
# A drive, what stands for a folder in the reports of some tools, JRuby's schemes.
_ROOT: Final = r"(?:[A-Za-z]:|\[[A-Z][A-Z_]{1,40}\](?=/)|uri:classloader:|(?:jar:)?file:)?"
# A path with blanks is told from other words by standing first.
_FIRST: Final = Pattern(
    rf"(?:\d{{1,6}}: )?(?:from )?{_GEM}"
    rf"(?P<path>{_ROOT}(?!from )[^\s:\"'`\[(<>|=][^:\"'`\n]{{0,1000}}|<internal:[^>\s]{{1,200}}>):{LINE}{_IN}"
)
_ANY: Final = Pattern(
    rf"(?<![^\s\"'(\[,=]){_GEM}"
    rf"(?P<path>{_ROOT}[^\s:\"'`(),\[\]<>]{{1,1000}}|<internal:[^>\s]{{1,200}}>):{LINE}{_IN}"
)
# Without a method: Ruby 1.8, and RSpec.
_BARE: Final = Pattern(
    rf"(?:from )?(?P<path>(?:[A-Za-z]:)?[^\s:\"'`<(][^:\"'`\n]{{0,1000}}\.(?:rb|rake|ru|erb|haml|slim)):{LINE}$"
)
# Ruby's own crash reports, and minitest's failures.
_CONTROL: Final = Pattern(
    rf"c:\d{{1,6}} p:\S{{1,10}} s:\d{{1,9}} e:[0-9a-f]{{1,9}} \w{{1,20}} +(?P<path>[^\s:][^:\n]{{0,1000}}):{LINE}"
)
_FAILED: Final = Pattern(
    rf"(?:(?P<function>[\w:]{{1,200}}#\S{{1,300}}) )?\[(?P<path>[^\s:\[\]]{{1,500}}\.rb):{LINE}\]:$"
)
_SCRIPT: Final = Pattern(rf"from (?P<path>\.?/[^:\"'`\s]{{1,1000}}):{LINE}$")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frames on this line; code without a file gives none."""
    found = list(_ANY.finditer(line))
    if len(found) < _SEVERAL and (first := _FIRST.match(line)):
        found = [first]
    if found:
        return [_spot(one) for one in found if names_a_file(one["path"])]
    if control := _CONTROL.match(line):
        return [spot(control, "ruby")] if names_a_file(control["path"]) else []
    if failed := _FAILED.match(line):
        return [spot(failed, "ruby", function=failed["function"])]
    bare = _BARE.match(line) or _SCRIPT.match(line)
    return [spot(bare, "ruby")] if bare and _in_a_trace(line, near) else None


_SEVERAL: Final = 2


def _in_a_trace(line: str, near: Near) -> bool:
    return line.startswith("from ") or near.prefix.rstrip().endswith("#")


def _spot(found: re.Match[str]) -> Spot:
    language = language_of(found["path"], "ruby", "java", "elixir", "erlang")
    return spot(found, language, function=found["function"], module=found["gem"])
