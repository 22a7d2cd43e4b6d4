"""Replaces a file as a whole, one writer at a time: whoever reads it sees the old text or the new one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from .errors import ConfigError, Problem

if sys.platform != "win32":
    import fcntl

_NEW_FILE: Final = 0o644


@contextmanager
def only_writer(path: Path) -> Iterator[Path]:
    """Keep other writers of a file out; gives the file behind a symbolic link. The lock is on its folder.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    target = Path(os.path.realpath(path))
    try:
        folder = os.open(target.parent, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        _lock(folder)
        yield target
        os.fsync(folder)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        os.close(folder)


@contextmanager
def written_beside(target: Path, content: bytes) -> Iterator[Path]:
    """A file beside the target with its new content, safe on the disk, with the target's mode.

    To be put in its place with ``os.replace``; it is gone after the block if it was not.
    """
    handle, name = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), target.stat().st_mode & 0o7777 if target.exists() else _NEW_FILE)
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _lock(folder: int) -> None:
    if sys.platform != "win32":
        fcntl.flock(folder, fcntl.LOCK_EX)


def _unwritable(path: Path, error: OSError) -> ConfigError:
    problem = f"the file cannot be written ({error.strerror})"
    return ConfigError(Problem(str(path), None, "", problem, "check the rights of its folder"))
