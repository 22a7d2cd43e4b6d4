"""The file ``.scmhost.toml`` in a repository's root: kind of code host, remote, template and maps for all who clone it.

Anybody may have written the repository, so the file can choose links but no command and no scheme besides http(s).
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scmhost.infra.errors import ScmhostError

FILE_NAME: Final = ".scmhost.toml"
_LARGEST: Final = 1 << 16
_MOST_MAPS: Final = 100
_LONGEST_VALUE: Final = 1000
_TEXTS: Final = ("kind", "remote", "template")
_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEMPLATE: Final = re.compile(r"(?:https?://|\{(?:repo_url|base_url)\})\S*")
# The name of a remote, the URL of a clone or its short form for SSH; never "ext::" or an option of a command.
_REMOTE: Final = re.compile(r"(?:(?:https?|ssh|git)://)?(?:[\w.-]+@)?\w[\w.-]*(?:[:/](?!:)[^\s\x00-\x1f]*)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "kind": (_KIND, 'a kind of code host, such as "gitea"'),
    "remote": (_REMOTE, "the name of a remote, or the URL of a repository on a code host"),
    "template": (_TEMPLATE, "a URL that begins with https://, http://, {repo_url} or {base_url}"),
}


class ProjectFileError(ScmhostError):
    """``.scmhost.toml`` is wrong. The message names the file and the line."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The settings that a repository brings along. Options of the command line and settings of git replace them.

    Attributes:
        kind: the kind of code host, for hosts whose kind is not known by name.
        remote: the name of a remote, or its URL.
        template: the URL template of a file's page.
        maps: pairs of a stack root and a source root.
    """

    kind: str | None = None
    remote: str | None = None
    template: str | None = None
    maps: tuple[tuple[str, str], ...] = ()


NO_PROJECT_FILE: Final = ProjectFile()


def read_project_file(root: str) -> ProjectFile:
    """Read the file in a repository's root. Without a file nothing is set.

    Raises:
        ProjectFileError: it is not a regular file, is too large, or contains anything else than these settings.
    """
    path = f"{root.rstrip('/')}/{FILE_NAME}"
    content = _content(path)
    return NO_PROJECT_FILE if content is None else _parsed(path, content)


def _content(path: str) -> bytes | None:
    try:
        # A symbolic link could lead to a secret that an error message quotes, a named pipe would block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectFileError(f"{path}: {error.strerror}; it must be a regular file") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ProjectFileError(f"{path}: it must be a regular file")
        content = os.read(descriptor, _LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(content) > _LARGEST:
        raise ProjectFileError(f"{path}: it is larger than {_LARGEST // 1024} KiB")
    return content


def _parsed(path: str, content: bytes) -> ProjectFile:
    # Most repositories have no such file, and need no parser.
    import tomllib

    try:
        text = content.decode()
        settings = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ProjectFileError(f"{path}:{content[: error.start].count(10) + 1}: it must be UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where = _AT_LINE.search(str(error))
        message = _AT_LINE.sub("", str(error))
        raise ProjectFileError(f"{path}:{where[1] if where else 1}: {message}") from error
    problem = next(_problems(settings), None)
    if problem:
        key, message = problem
        raise ProjectFileError(f"{path}:{_line_of(key, text)}: {message}")
    maps = tuple((stack, source) for stack, source in settings.get("maps", {}).items())
    return ProjectFile(settings.get("kind"), settings.get("remote"), settings.get("template"), maps)


def _problems(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each wrong setting as its key and a message."""
    for key, value in settings.items():
        if key == "maps":
            yield from _map_problems(value)
        elif key == "editor":
            yield key, "'editor' is not a setting of a repository; use the option --editor"
        elif key not in _TEXTS:
            yield key, f"unknown setting {key!r}; the settings are {', '.join(_TEXTS)} and maps"
        elif not _is_text(value) or not _FORMS[key][0].fullmatch(value):
            yield key, f"{key!r} must be {_FORMS[key][1]}"


def _map_problems(maps: object) -> Iterator[tuple[str, str]]:
    if not isinstance(maps, dict) or len(maps) > _MOST_MAPS:
        yield "maps", f'\'maps\' must be a table of at most {_MOST_MAPS} lines such as "/app" = "src"'
        return
    for stack, source in maps.items():
        if not (stack and _is_text(stack) and _is_text(source)):
            yield stack, 'a map is a line such as "/app" = "src", with the printed path first'


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_VALUE and _CONTROL.search(value) is None


def _line_of(key: str, text: str) -> int:
    """Return the number of the first line that sets a key, or 1."""
    setting = re.compile(rf"\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    return next((number for number, line in enumerate(text.split("\n"), 1) if setting.match(line)), 1)
