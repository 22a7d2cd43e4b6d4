"""Terminals that show hyperlinks (OSC 8), recognized by their environment variables.

A terminal that is not listed would hide the link, so there the URL is printed below the line. Versions are those of the
npm package ``supports-hyperlinks`` and of the terminals' own release notes.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

Version = tuple[int, ...]

_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)


class TerminalRule(NamedTuple):
    """A terminal that shows hyperlinks: a variable, its value (None: any) and the first version that shows them.

    Attributes:
        variable: set by the terminal.
        value: the variable's value; None if any value is right.
        version_variable: holds the version, if it is not the variable itself.
        since: the first version, or () if all have hyperlinks.
    """

    variable: str
    value: str | None = None
    version_variable: str | None = None
    since: Version = ()


# These decide alone, in this order: a multiplexer or a CI system inherits the variables of the terminal around it.
_DECIDING: Final[tuple[tuple[str, TerminalRule | None], ...]] = (
    ("TMUX", TerminalRule("TERM_PROGRAM", "tmux", "TERM_PROGRAM_VERSION", (3, 4))),
    ("STY", None),
    ("ZELLIJ", TerminalRule("ZELLIJ")),
    ("NETLIFY", TerminalRule("NETLIFY")),
    ("CI", None),
    ("TEAMCITY_VERSION", None),
)
_TERMINALS: Final = (
    TerminalRule("WT_SESSION"),
    TerminalRule("TERM_PROGRAM", "iTerm.app", "TERM_PROGRAM_VERSION", (3, 1)),
    TerminalRule("TERM_PROGRAM", "WezTerm", "TERM_PROGRAM_VERSION", (20200620,)),
    TerminalRule("TERM_PROGRAM", "vscode", "CURSOR_TRACE_ID"),
    TerminalRule("TERM_PROGRAM", "vscode", "TERM_PROGRAM_VERSION", (1, 72)),
    TerminalRule("TERM_PROGRAM", "ghostty"),
    TerminalRule("TERM_PROGRAM", "Hyper"),
    TerminalRule("TERM_PROGRAM", "rio"),
    TerminalRule("TERM_PROGRAM", "terminology"),
    TerminalRule("TERM_PROGRAM", "zed"),
    TerminalRule("TERM", "xterm-kitty"),
    TerminalRule("KITTY_WINDOW_ID"),
    TerminalRule("TERM", "xterm-ghostty"),
    TerminalRule("TERM", "wezterm"),
    TerminalRule("TERM", "contour"),
    # 0.11 of October 2022 has hyperlinks; Alacritty sets no variable with its version.
    TerminalRule("TERM", "alacritty"),
    TerminalRule("TERM", "alacritty-direct"),
    TerminalRule("TERM", "foot"),
    TerminalRule("TERM", "foot-extra"),
    TerminalRule("TERM", "foot-direct"),
    TerminalRule("KONSOLE_VERSION", None, "KONSOLE_VERSION", (201200,)),
    # 0.50.0, which is written 5000, crashes at a hyperlink.
    TerminalRule("VTE_VERSION", None, "VTE_VERSION", (5001,)),
    TerminalRule("DOMTERM"),
)


def shows_hyperlinks(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """True if the terminal shows hyperlinks. ``FORCE_HYPERLINK`` decides, also where output is no terminal."""
    forced = environ.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced.strip().lower() not in ("0", "false", "no", "never")
    if not is_terminal or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    decided = next((rule for name, rule in _DECIDING if environ.get(name)), ...)
    if decided is not ...:
        return decided is not None and _matches(decided, environ)
    return any(_matches(rule, environ) for rule in _TERMINALS)


def _matches(rule: TerminalRule, environ: Mapping[str, str]) -> bool:
    found = environ.get(rule.variable)
    if not found or (rule.value is not None and found != rule.value):
        return False
    if rule.version_variable is None:
        return True
    version = environ.get(rule.version_variable)
    return bool(version) and _version(version or "") >= rule.since


def _version(text: str) -> Version:
    """Return the numbers of a version, at most three."""
    return tuple(int(number) for number in _NUMBER.findall(text[:100])[:3])
