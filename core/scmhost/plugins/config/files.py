"""The file plugins.toml on the disk: whose it is, whether it changed, and the line of each of its keys."""

import os
import re
import signal
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_IWGRP, S_IWOTH
from threading import Thread
from time import time_ns
from typing import Any, Final, Self

from scmhost.plugins.errors import ConfigError, Problem

from .schema import KeyPath

# File systems count time in ticks: a file may be written twice within the same one.
_TICK: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class FileState:
    """The metadata of a file. Two equal states of a settled file have the same content."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the state of a file, or None when it does not exist."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)

    @property
    def settled(self) -> bool:
        """Whether a later change would show in the metadata."""
        return abs(time_ns() - self.changed_ns) > _TICK


def block_hangups() -> bool:
    """Block SIGHUP in this process and its children; call this before any thread is started.

    Return whether this system has the signal.
    """
    if not hasattr(signal, "SIGHUP"):
        return False
    # Blocked, so that ``sigwait`` receives the signal: its default action would end the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    return True


def on_hangup(call: Callable[[], None]) -> None:
    """Call a function for each SIGHUP, also for one that came since ``block_hangups``."""
    if block_hangups():
        Thread(target=_wait_for_hangups, args=(call,), name="scmhost hangups", daemon=True).start()


def forward_hangups(processes: Callable[[], list[int]]) -> None:
    """Send each SIGHUP on to other processes, by their ids."""
    on_hangup(lambda: _send(processes()))


def _wait_for_hangups(call: Callable[[], None]) -> None:
    while True:
        signal.sigwait({signal.SIGHUP})
        call()


def _send(processes: list[int]) -> None:
    for process in processes:
        # One that has just ended needs no signal.
        try:
            os.kill(process, signal.SIGHUP)
        except ProcessLookupError:
            continue


_CHECKOUT_FOLDERS: Final = (".git", ".hg", ".jj", ".svn")


def check_ownership(path: Path) -> None:
    """Check a file that nobody named. A file that does not exist is fine.

    Raises:
        ConfigError: it may be from others. It is in a checkout, which contains what others wrote; it has another owner
            than this user or root; or others may write to it.
    """
    if not path.exists():
        return
    problem = _problem(path)
    if problem:
        hint = f"if it is yours, name it: --config {path}, or SCMHOST_CONFIG in the environment"
        raise ConfigError(Problem(str(path), None, "", f"the file is not read: {problem}", hint))


def _problem(path: Path) -> str | None:
    folder = _checkout_of(path.absolute().parent) or _checkout_of(path.resolve().parent)
    if folder:
        return f"it is in the checkout {folder}, whose files may be from others"
    # Windows has neither user ids nor these bits.
    if not hasattr(os, "geteuid"):
        return None
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user, with the id {status.st_uid}"
    # With a group of each user's own, editors often make files that the group may write to.
    shared = status.st_mode & S_IWGRP and status.st_gid not in (0, os.getegid())
    return "others may write to it" if shared or status.st_mode & S_IWOTH else None


def _checkout_of(folder: Path) -> Path | None:
    folders = (folder, *folder.parents)
    return next((top for top in folders if any((top / name).exists() for name in _CHECKOUT_FOLDERS)), None)


# Strings and comments are matched as a whole, because brackets and line ends inside of them mean nothing. The text is
# valid TOML: every string ends, and no match is tried twice.
_TOML_TOKEN: Final = re.compile(
    r'''
      """ (?: [^"\\]++ | \\. | "{1,2}+(?!") )* "{3,5}+
    | \'\'\' (?: [^']++ | '{1,2}+(?!') )* '{3,5}+
    | " (?: [^"\\\n]++ | \\. )* "
    | ' [^'\n]*+ '
    | \# [^\n]*+
    | [\[\]{}\n]
    ''',
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key of a valid TOML text, by its path from the top.

    Keys inside an inline table or an array have the line of the key that holds it. The time grows linearly with the
    text.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement in _statements(text):
        # Each statement alone is TOML.
        content = tomllib.loads(statement)
        if statement.startswith("["):
            table = _header_path(content)
            _record(lines, table, line)
        else:
            for path in _paths(content):
                _record(lines, table + path, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield headers and assignments with their first line; one over several lines stays in one piece."""
    text = text.replace("\r\n", "\n")
    begin, first_line, line, depth = 0, 1, 1, 0
    for token in _TOML_TOKEN.finditer(f"{text}\n"):
        symbol = token[0]
        if symbol in ("[", "{"):
            depth += 1
        elif symbol in ("]", "}"):
            depth -= 1
        line += symbol.count("\n")
        if symbol == "\n" and depth == 0:
            statement = text[begin : token.start()].strip()
            if statement and not statement.startswith("#"):
                yield first_line, statement
            begin, first_line = token.end(), line


def _header_path(content: Mapping[str, Any]) -> KeyPath:
    path: list[str] = []
    inner: Any = content
    while inner:
        name, inner = next(iter(inner.items()))
        path.append(name)
        inner = inner[0] if isinstance(inner, list) else inner
    return tuple(path)


def _paths(content: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the paths of the innermost keys."""
    for name, value in content.items():
        if isinstance(value, dict) and value:
            yield from ((name, *rest) for rest in _paths(value))
        else:
            yield (name,)


def _record(lines: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    """Record a key. The line where a key is written replaces one where it was only part of a longer key."""
    for end in range(1, len(path)):
        lines.setdefault(path[:end], line)
    lines[path] = line
