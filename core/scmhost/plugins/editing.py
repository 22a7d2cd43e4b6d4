"""Edits the text of plugins.toml: what people wrote around a value stays as it is."""

import re
import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from .errors import ConfigError, Problem
from .schema import SCHEMA

Tree = MutableMapping[str, Any]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ORGANIZATIONS: Final = "organizations"


@dataclass(frozen=True, slots=True)
class PluginEdit:
    """What is to be changed in a plugin's table. None leaves a key as it is.

    ``allow`` and ``deny`` are organizations to be named there, and in the other one no more.
    """

    enabled: bool | None = None
    kill: bool | None = None
    default: bool | None = None
    percent: Decimal | None = None
    allow: tuple[str | int, ...] = ()
    deny: tuple[str | int, ...] = ()


def edited(text: str, file: str, plugin: str, edit: PluginEdit) -> str:
    """The text with a plugin's table changed.

    Raises:
        ConfigError: the text is written in a way that cannot be edited without touching anything else.
    """
    if not tomllib.loads(text):
        text = f"{text.rstrip()}\n\nschema = {SCHEMA}\n".lstrip()
    wanted = tomllib.loads(text)
    _change(wanted, plugin, edit)
    try:
        document = tomlkit.parse(_with_table(text, plugin))
        _change(document, plugin, edit)
        new = _with_line_ends(tomlkit.dumps(document), text)
        if tomllib.loads(new) == wanted:
            return new
    except (TOMLKitError, ValueError, TypeError, KeyError):
        # What follows says what to do; what the library cannot do is of no use to its reader.
        pass
    problem = "its layout cannot be edited by a command"
    raise ConfigError(Problem(file, None, f"plugins.{plugin}", problem, "edit the file by hand"))


def _with_table(text: str, plugin: str) -> str:
    """The text with a plugin's table at its end if it has none: a comment above another table stays above that."""
    if plugin in tomllib.loads(text).get("plugins", {}):
        return text
    more = f"{text.rstrip()}\n\n[plugins.{plugin if _BARE_KEY.fullmatch(plugin) else _text(plugin)}]\n"
    try:
        tomllib.loads(more)
    except tomllib.TOMLDecodeError:
        # Plugins are written on one line.
        return text
    return more


def _change(tree: Tree, plugin: str, edit: PluginEdit) -> None:
    table: Tree = tree.setdefault("plugins", {}).setdefault(plugin, {})
    for name in ("enabled", "kill", "default"):
        value = getattr(edit, name)
        # What is not written is false.
        if value or (value is not None and name in table):
            table[name] = value
    if edit.percent is not None:
        _set_percent(table, edit.percent)
    for here, there, names in (("allow", "deny", edit.allow), ("deny", "allow", edit.deny)):
        if names:
            _name(table, here, names)
            _forget(table, there, names)


def _set_percent(table: Tree, percent: Decimal) -> None:
    value = int(percent) if percent == percent.to_integral_value() else float(percent)
    if "rollout" in table:
        table["rollout"]["percent"] = value
    else:
        table["rollout"] = _inline(table, {"percent": value})


def _name(table: Tree, key: str, names: Iterable[str | int]) -> None:
    known = table.get(key)
    if known is None:
        table[key] = _inline(table, {_ORGANIZATIONS: list(names)})
        return
    if _ORGANIZATIONS not in known:
        known[_ORGANIZATIONS] = []
    for name in names:
        if name not in known[_ORGANIZATIONS]:
            known[_ORGANIZATIONS].append(name)


def _forget(table: Tree, key: str, names: Iterable[str | int]) -> None:
    listed = table.get(key, {}).get(_ORGANIZATIONS, [])
    for name in names:
        while name in listed:
            listed.remove(name)


def _inline(table: Tree, content: Mapping[str, Any]) -> Any:
    """A table in braces where the text is edited, as people write these."""
    if isinstance(table, dict) and not isinstance(table, tomlkit.items.AbstractTable):
        return dict(content)
    return tomlkit.value(f"{{ {', '.join(f'{key} = {_text(value)}' for key, value in content.items())} }}")


def _text(value: Any) -> str:
    return str(tomlkit.item(value).as_string())


def _with_line_ends(new: str, old: str) -> str:
    return new.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in old else new
