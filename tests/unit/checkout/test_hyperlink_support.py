"""Terminals that show hyperlinks."""

import pytest

from scmhost.checkout.hyperlink_support import shows_hyperlinks

# What each terminal sets, and whether it shows hyperlinks.
TERMINALS: list[tuple[dict[str, str], bool]] = [
    ({}, False),
    ({"TERM": "xterm-256color"}, False),
    ({"TERM": "linux"}, False),
    ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
    ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False),
    ({"TERM_PROGRAM": "Apple_Terminal", "TERM_PROGRAM_VERSION": "453"}, False),
    ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.5.2"}, True),
    ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.1.0"}, True),
    ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.0.15"}, False),
    ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "4.0.0"}, True),
    ({"TERM_PROGRAM": "iTerm.app"}, False),
    ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "beta"}, False),
    ({"TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20240203-110809-5046fc22"}, True),
    ({"TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20200503-171512-b13ef15f"}, False),
    ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "1.96.2"}, True),
    ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "1.71.0"}, False),
    ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": "0.45.14", "CURSOR_TRACE_ID": "a1"}, True),
    ({"TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.0.0"}, True),
    ({"TERM": "xterm-ghostty"}, True),
    ({"TERM_PROGRAM": "zed"}, True),
    ({"TERM": "xterm-kitty"}, True),
    ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, True),
    ({"TERM": "alacritty"}, True),
    ({"TERM": "foot"}, True),
    ({"TERM": "foot-extra"}, True),
    ({"TERM": "xterm-256color", "VTE_VERSION": "6003"}, True),
    ({"TERM": "xterm-256color", "VTE_VERSION": "5001"}, True),
    ({"TERM": "xterm-256color", "VTE_VERSION": "5000"}, False),
    ({"TERM": "xterm-256color", "VTE_VERSION": "4803"}, False),
    ({"KONSOLE_VERSION": "230801"}, True),
    ({"KONSOLE_VERSION": "191203"}, False),
    ({"WT_SESSION": "5bd7cc6a-b1d6-4a5c-9bd5-ba9a0f7a0d3b"}, True),
    ({"DOMTERM": "QtDomTerm"}, True),
    # A multiplexer passes on the variables of the terminal around it.
    ({"TMUX": "/run/tmux,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4"}, True),
    ({"TMUX": "/run/tmux,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.5a"}, True),
    ({"TMUX": "/run/tmux,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a", "VTE_VERSION": "7600"}, False),
    ({"TMUX": "/run/tmux,1,0", "TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, False),
    ({"STY": "1.pts-0.box", "TERM": "screen", "VTE_VERSION": "7600"}, False),
    ({"ZELLIJ": "0", "TERM": "xterm-256color"}, True),
    # Logs of CI systems are pages.
    ({"CI": "true", "VTE_VERSION": "7600"}, False),
    ({"TEAMCITY_VERSION": "2024.1", "TERM": "xterm-kitty"}, False),
    ({"NETLIFY": "true", "CI": "true"}, True),
    ({"NO_COLOR": "1", "TERM": "xterm-kitty"}, False),
    ({"NO_COLOR": "", "TERM": "xterm-kitty"}, True),
]


@pytest.mark.parametrize(("environ", "shown"), TERMINALS, ids=str)
def test_terminal_is_recognized(environ: dict[str, str], *, shown: bool) -> None:
    """A terminal shows hyperlinks if it is known to; elsewhere a link would be lost."""
    assert shows_hyperlinks(environ, is_terminal=True) == shown


@pytest.mark.parametrize("environ", [environ for environ, _ in TERMINALS], ids=str)
def test_pipe_shows_none(environ: dict[str, str]) -> None:
    """A file or another program gets URLs."""
    assert not shows_hyperlinks(environ, is_terminal=False)


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("", True), ("true", True), ("0", False), ("false", False)])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_variable_decides_alone(value: str, *, shown: bool, is_terminal: bool) -> None:
    """FORCE_HYPERLINK wins over every other rule."""
    for environ in ({"TERM": "dumb", "CI": "1", "NO_COLOR": "1"}, {"TERM": "xterm-kitty"}):
        assert shows_hyperlinks({**environ, "FORCE_HYPERLINK": value}, is_terminal=is_terminal) == shown


@pytest.mark.parametrize("version", ["9" * 5000, "3" + ".4" * 5000, "٣.٤", "-1", " ", "3.x"])
def test_odd_version_is_no_error(version: str) -> None:
    """A terminal may set anything."""
    environ = {"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": version, "VTE_VERSION": version}
    assert shows_hyperlinks(environ, is_terminal=True) in (True, False)
