"""What of a printed path can stand in a repository: without schemes, hosts, drives, queries and foreign folders."""

import re
from typing import Final, NamedTuple

from .roots import unify

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://([^/]*)/?", re.IGNORECASE)
# Their place before the path is a name that a build tool gave, or a host: neither is a folder of the repository.
_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)
_PACKAGE: Final = re.compile(r"package:[^/]*/")
_DRIVE: Final = re.compile(r"[A-Za-z]:(?=/)")
_VERSION: Final = r"@[^/]+/"

# Where programs keep what is not theirs: what runs there is of this repository only if it was installed from it.
_FOREIGN: Final = re.compile(
    r".*(?:"
    r"/(?:site|dist)-packages/|/lib/python[\d.]+/|/node_modules/|/go/pkg/mod/|/pkg/mod/|/go/src/|/libexec/src/"
    r"|/\.cargo/(?:registry|git)/|/rustc/[0-9a-f]+/|/rustlib/src/|/gems/|/lib/ruby/|/\.pub-cache/|/\.gradle/|/\.m2/"
    r"|^/usr/(?:lib|lib32|lib64|include|share|src)/|/usr/local/lib/|/opt/homebrew/|/nix/store/|/Library/Developer/"
    r"|/Applications/[^/]+\.app/|/Windows/|/Program Files[^/]*/|/bazel-out/|^/build/glibc"
    r")",
    re.DOTALL,
)
_INTERNAL: Final = re.compile(
    r"(?:node|native|deno|bun|ext|evalmachine|about|blob|data|resource|chrome|(?:chrome|moz|safari(?:-web)?)-extension):"
)


class PrintedPath(NamedTuple):
    """A path as it may stand in a repository.

    Attributes:
        whole: the path without what cannot be of a repository; of an absolute one without its first slash.
        absolute: whether it began at the top of a file system.
        installed: of a path that lies where only installed code lies, the part below that place.
        climbs: how many folders it climbs before it goes down.
    """

    whole: str
    absolute: bool = False
    installed: str | None = None
    climbs: int = 0


def read_printed_path(raw: str) -> PrintedPath | None:
    """The path that a frame prints, or None when it names no file: ``<string>``, ``[native code]``, ``node:fs``."""
    path = unify(raw).strip()
    if not path or path[0] in "<[" or _INTERNAL.match(path):
        return None
    scheme = _SCHEME.match(path)
    local = scheme is not None and scheme[1].lower() == "file"
    if scheme:
        path = _QUERY.sub("", path[scheme.end() :])
        path = f"/{path}" if local and not _DRIVE.match(path) else path
    path = _PACKAGE.sub("lib/", path, count=1)
    path, drives = _DRIVE.subn("", path, count=1)
    absolute = path.startswith("/") and (local or not scheme)
    whole, climbs = _folded(path)
    return PrintedPath(whole, absolute or bool(drives), _installed(whole), climbs) if whole else None


def _installed(whole: str) -> str | None:
    place = _FOREIGN.match(f"/{whole}")
    return f"/{whole}"[place.end() :] if place else None


def _folded(path: str) -> tuple[str, int]:
    """The path without ``.``, ``..`` and empty segments, and how many folders it climbs above its beginning."""
    kept: list[str] = []
    climbs = 0
    for segment in path.split("/"):
        if segment == "..":
            climbs += not kept
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/".join(kept), climbs
