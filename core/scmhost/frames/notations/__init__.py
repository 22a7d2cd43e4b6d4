"""The notations of stack traces, and the order in which they read a line.

A module holds the notations of one language or of one family of tools. A new notation is a ``Notation`` in such a
module, a row in the table below, and cases in ``tests/cases/frames``.
"""

from typing import Final

from scmhost.frames.notation import Notation

from . import (
    apple,
    beam,
    clojure,
    dart,
    debuggers,
    dotnet,
    go,
    javascript,
    jvm,
    logs,
    native,
    perl,
    php,
    python,
    python_wrapped,
    ruby,
    rust,
    sentry,
)

NOTATIONS: Final[tuple[Notation, ...]] = (
    python.TRACEBACK,
    python.DEBUGGERS,
    native.BACKWARD,
    sentry.SENTRY,
    python.IPYTHON,
    python.DJANGO,
    python.PYTEST,
    python_wrapped.BOX,
    python.RICH,
    dotnet.DOTNET,
    dotnet.XUNIT,
    dotnet.MONO,
    clojure.CLOJURE,
    jvm.JVM,
    go.GO,
    rust.RUST,
    php.TOOLS,
    ruby.DEBUGGERS,
    debuggers.LLDB,
    apple.SWIFT,
    debuggers.VALGRIND,
    debuggers.GDB,
    native.ADDRESSES,
    dart.VM,
    php.TRACE,
    native.SANITIZERS,
    apple.CRASH_REPORT,
    debuggers.WINDOWS,
    debuggers.MACHINE,
    javascript.METRO,
    javascript.VITEST,
    javascript.V8,
    javascript.V8_BARE,
    ruby.BACKTRACE,
    ruby.PAGES,
    ruby.JRUBY,
    beam.ELIXIR,
    beam.ERLANG,
    dart.STACK_TRACE,
    dart.FLUTTER,
    native.ASSERTIONS,
    logs.LOGS,
    logs.SUMMARY,
    native.LINUX_KERNEL,
    php.ERRORS,
    rust.LOGGED,
    javascript.SPIDERMONKEY,
    javascript.OPERA,
    perl.PERL,
    python_wrapped.WRAPPED,
)
"""The first notation that understands a line reads it, so those that are hardest to confuse with another come first."""
