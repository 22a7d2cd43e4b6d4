"""Edit plugins.toml and write it: comments and layout stay, and readers see the old file or the new one.

One writer at a time holds a lock on the folder of the file.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from scmhost.plugins.errors import ConfigError, Problem

from .schema import SCHEMA

if sys.platform != "win32":
    import fcntl

Tree = MutableMapping[str, Any]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ORGANIZATIONS: Final = "organizations"
_NEW_FILE: Final = 0o644


@dataclass(frozen=True, slots=True)
class PluginEdit:
    """Changes of a plugin's table. None leaves a key as it is.

    ``allow`` and ``deny`` are organizations to add there and to remove from the other one.
    """

    enabled: bool | None = None
    kill: bool | None = None
    default: bool | None = None
    percent: Decimal | None = None
    allow: tuple[str | int, ...] = ()
    deny: tuple[str | int, ...] = ()


def edited(text: str, file: str, plugin: str, edit: PluginEdit) -> str:
    """Return the text with a plugin's table changed.

    Raises:
        ConfigError: the text cannot be edited without changing anything else.
    """
    # A file with comments only gets the schema first: top-level keys must come before tables.
    if not tomllib.loads(text):
        text = f"{text.rstrip()}\n\nschema = {SCHEMA}\n".lstrip()
    # The same change on plain data is the proof that the edited text has no other change.
    expected = tomllib.loads(text)
    _change(expected, plugin, edit)
    try:
        document = tomlkit.parse(_with_table(text, plugin))
        _change(document, plugin, edit)
        new = _with_line_ends(tomlkit.dumps(document), text)
        if tomllib.loads(new) == expected:
            return new
    except (TOMLKitError, ValueError, TypeError, KeyError):
        # The error below has the next step; the library's message would not help an operator.
        pass
    problem = "its layout cannot be edited by a command"
    raise ConfigError(Problem(file, None, f"plugins.{plugin}", problem, "edit the file by hand"))


def _with_table(text: str, plugin: str) -> str:
    """Return the text with a plugin's table, at its end if it is new: no comment moves to another table."""
    if plugin in tomllib.loads(text).get("plugins", {}):
        return text
    more = f"{text.rstrip()}\n\n[plugins.{plugin if _BARE_KEY.fullmatch(plugin) else _text(plugin)}]\n"
    try:
        tomllib.loads(more)
    except tomllib.TOMLDecodeError:
        # All plugins are in one inline table, to which no header can add.
        return text
    return more


def _change(tree: Tree, plugin: str, edit: PluginEdit) -> None:
    table: Tree = tree.setdefault("plugins", {}).setdefault(plugin, {})
    for name in ("enabled", "kill", "default"):
        value = getattr(edit, name)
        # A key that is not written is false.
        if value or (value is not None and name in table):
            table[name] = value
    if edit.percent is not None:
        _set_percent(table, edit.percent)
    for here, there, names in (("allow", "deny", edit.allow), ("deny", "allow", edit.deny)):
        if names:
            _add_names(table, here, names)
            _remove_names(table, there, names)


def _set_percent(table: Tree, percent: Decimal) -> None:
    value = int(percent) if percent == percent.to_integral_value() else float(percent)
    if "rollout" in table:
        table["rollout"]["percent"] = value
    else:
        table["rollout"] = _inline(table, {"percent": value})


def _add_names(table: Tree, key: str, names: Iterable[str | int]) -> None:
    known = table.get(key)
    if known is None:
        table[key] = _inline(table, {_ORGANIZATIONS: list(names)})
        return
    if _ORGANIZATIONS not in known:
        known[_ORGANIZATIONS] = []
    for name in names:
        if name not in known[_ORGANIZATIONS]:
            known[_ORGANIZATIONS].append(name)


def _remove_names(table: Tree, key: str, names: Iterable[str | int]) -> None:
    listed = table.get(key, {}).get(_ORGANIZATIONS, [])
    for name in names:
        while name in listed:
            listed.remove(name)


def _inline(table: Tree, content: Mapping[str, Any]) -> Any:
    """Return an inline table where the text is edited, as people write it by hand."""
    if isinstance(table, dict) and not isinstance(table, tomlkit.items.AbstractTable):
        return dict(content)
    return tomlkit.value(f"{{ {', '.join(f'{key} = {_text(value)}' for key, value in content.items())} }}")


def _text(value: Any) -> str:
    return str(tomlkit.item(value).as_string())


def _with_line_ends(new: str, old: str) -> str:
    return new.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in old else new


@contextmanager
def exclusive_writer(path: Path) -> Iterator[Path]:
    """Lock a file against other writers and yield its path behind symbolic links.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    target = Path(os.path.realpath(path))
    try:
        # The folder is locked, not the file: replacing the file would leave the lock on the old one.
        folder = os.open(target.parent, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        _lock(folder)
        yield target
        # The rename is durable only when the folder is written, too.
        os.fsync(folder)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        os.close(folder)


@contextmanager
def replacement_file(target: Path, content: bytes) -> Iterator[Path]:
    """Yield a file in the target's folder with the new content, synchronized to the disk, with the target's mode.

    The caller moves it into its place with ``os.replace``; otherwise it is deleted after the block.
    """
    # In the same folder: a rename is atomic only within one file system.
    handle, name = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            # mkstemp makes files for their owner alone; the service may run as another user.
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
