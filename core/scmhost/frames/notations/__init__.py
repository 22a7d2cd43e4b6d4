"""The notations of stack traces. A new one is a module with ``HINTS`` and ``read``, and a row in the table."""

from collections.abc import Sequence
from typing import Final, Protocol

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near

from . import (
    addresses,
    apple,
    assertions,
    backward,
    csharp,
    dart,
    dart_terse,
    django,
    elixir,
    erlang,
    gdb,
    go,
    ipython,
    jruby,
    jvm,
    linux_kernel,
    lldb,
    metro,
    mono,
    opera,
    perl,
    php,
    php_places,
    php_rows,
    pytest_short,
    python,
    python_debuggers,
    rich,
    ruby,
    rust,
    sanitizers,
    spidermonkey,
    swift,
    v8,
    valgrind,
    vitest,
    windows,
    xunit,
)


class Notation(Protocol):
    """A grammar of one kind of trace."""

    @property
    def HINTS(self) -> tuple[str, ...]:  # noqa: N802 - a constant of each module
        """Every line of this notation contains one of these; other lines are not offered to it."""

    def read(self, line: str, near: Near, /) -> Sequence[Spot] | None:
        """The frames on this line, none if it has no file, or None when it is not in this notation.

        The line comes without its end, its colours and the prefixes of logs. Work is linear in its length.
        """


NOTATIONS: Final[tuple[Notation, ...]] = (
    python,
    python_debuggers,
    backward,
    ipython,
    django,
    pytest_short,
    rich,
    csharp,
    xunit,
    mono,
    jvm,
    go,
    rust,
    php_rows,
    lldb,
    swift,
    valgrind,
    gdb,
    addresses,
    dart,
    php,
    sanitizers,
    apple,
    windows,
    metro,
    vitest,
    v8,
    ruby,
    jruby,
    elixir,
    erlang,
    dart_terse,
    assertions,
    linux_kernel,
    php_places,
    spidermonkey,
    opera,
    perl,
)
"""In the order in which a line is offered: the notation that is hardest to mistake stands first."""
