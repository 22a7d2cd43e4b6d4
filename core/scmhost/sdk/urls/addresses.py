"""Parse clone URLs of git and other systems into scheme, user, host, port and path.

A password is dropped here: no value and no message contains it. A user name is kept for hosts that use it as the name
of an organization; only the rules for clone URLs get it.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote

from scmhost.sdk.errors import UrlError

from .presets import host_of_shortcut, known_kind

MAX_REMOTE: Final = 2_000
"""The most characters that a clone URL may have."""

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_ON_DISK: Final = re.compile(r"[A-Za-z]:[\\/]|[/\\.~]|file:")
# A drive letter, an absolute or relative path, or a name without a host.
_LOCAL: Final = re.compile(r"[A-Za-z]:[\\/]|[/\\.~]|[^:/@]+$")
_SCP: Final = re.compile(r"(?:(?P<user>[^/@]+)@)?(?P<host>\[[^\]/]+\]|[^/:@\[\]]+):(?P<path>.*)", re.DOTALL)
# Without a scheme, the text before an @ may be a user name and a password.
_WITH_PASSWORD: Final = re.compile(r"[^/:@.]+:[^/@]*@(?P<rest>[^/@]+[:/].+)", re.DOTALL)
# The form [host:port]:path of git, the only one with a port and without a scheme.
_BRACKETED: Final = re.compile(r"\[(?P<inside>[^\]/]*[^\]/:0-9a-fA-F.][^\]/]*:\d{1,5})\]:(?P<path>.*)", re.DOTALL)
_WITHOUT_COLON: Final = re.compile(r"[^/:@]+@(?P<host>[^/:@]+)/(?P<path>.+)", re.DOTALL)
# ``app.git/`` is a bare clone on the disk, and no host.
_BARE: Final = re.compile(
    r"(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?!git/)[A-Za-z]{2,})/(?P<path>.*[^/].*)", re.DOTALL
)
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_HELPER: Final = re.compile(r"codecommit::(?P<region>[a-z0-9-]+)://(?P<rest>.+)")
_SHORTCUT: Final = re.compile(r"(?P<name>[a-z]+):(?!//)(?:[^/@]*@)?(?P<path>.+)", re.DOTALL)
_NAMED_HOST: Final = re.compile(r"(?:[a-z+]+://)?(?:[^/@]*@)?(?P<host>[^/@:]+)(?:[:/].*)?", re.DOTALL | re.IGNORECASE)
# No host has an escaped separator in a name, and it would hide the real path.
_HIDDEN_SEPARATOR: Final = re.compile(r"%(?:2f|5c)", re.IGNORECASE)

# pip and npm put the system before the scheme; git itself accepts git+ssh and ssh+git.
_WRAPPED: Final = {
    "git+ssh": "ssh",
    "ssh+git": "ssh",
    "git+https": "https",
    "https+git": "https",
    "git+http": "http",
    "http+git": "http",
    "git+git": "git",
    "git+file": "file",
    "svn+ssh": "ssh",
    "hg+ssh": "ssh",
    "hg+https": "https",
}
_HIGHEST_PORT: Final = 65_535
_WEB: Final = frozenset({"http", "https"})
# Git before 2.8 cloned by rsync; such URLs are left in old configurations.
_KNOWN: Final = frozenset({*_WEB, "ssh", "git", "ftp", "ftps", "rsync", "svn", "file"})


class RemoteAddress(NamedTuple):
    """The parts of a clone URL. A local path has no host. The path has no slash at its ends."""

    scheme: str
    host: str | None
    path: str
    port: int | None = None
    user: str = ""

    @property
    def is_web(self) -> bool:
        """Whether web pages have the same scheme and port."""
        return self.scheme in _WEB


def read_address(remote: str) -> RemoteAddress:
    """Parse a clone URL.

    Raises:
        UrlError: it is no clone URL of a known form. The message contains no part of it.
    """
    text = remote.strip()
    if not text or len(text) > MAX_REMOTE:
        raise UrlError(f"the remote is empty, or longer than {MAX_REMOTE} characters")
    if _UNSAFE.search(text):
        raise UrlError("the remote has a control character or half a character (a lone surrogate)")
    bare = _without_ref(text)
    return next(address for address in (form(bare) for form in _FORMS) if address)


def _without_ref(text: str) -> str:
    """Return the clone URL without the ``#`` and the ref that package managers append.

    If the text after the ``#`` ends in ``.git``, the ``#`` is part of a name. If it contains an ``@``, it may be part
    of a password, unless the host is known.
    """
    remote, mark, ref = text.partition("#")
    if not mark or ref.endswith(".git") or not re.search("[/:]", remote) or _ON_DISK.match(remote):
        return text
    return text if "@" in ref and not _is_at_known_host(remote) else remote


def _is_at_known_host(remote: str) -> bool:
    if host_of_shortcut(remote.partition(":")[0]):
        return True
    host = _NAMED_HOST.fullmatch(remote)
    return host is not None and known_kind(host["host"].lower()) is not None


def _helper(text: str) -> RemoteAddress | None:
    """Parse ``codecommit::region://profile@name`` and ``codecommit://profile@name``."""
    found = _HELPER.fullmatch(text)
    if not found and not text.startswith("codecommit://"):
        return None
    rest = found["rest"] if found else text.removeprefix("codecommit://")
    name = rest.rpartition("@")[2].strip("/")
    if not name or "/" in name:
        raise UrlError("the remote names no repository")
    if not found:
        # The region comes from the configuration of the machine that clones.
        return RemoteAddress("codecommit", None, name)
    return RemoteAddress("codecommit", f"git-codecommit.{found['region']}.amazonaws.com", f"v1/repos/{name}")


def _launchpad(text: str) -> RemoteAddress | None:
    """Parse ``lp:name``."""
    if not text.startswith("lp:"):
        return None
    return RemoteAddress("lp", "git.launchpad.net", _path(text.removeprefix("lp:")))


def _radicle(text: str) -> RemoteAddress | None:
    """Parse ``rad:name`` and ``rad://name``, which have no host."""
    if not text.startswith("rad:"):
        return None
    return RemoteAddress("rad", None, "rad:" + _normalized(text.removeprefix("rad:").rpartition("@")[2]))


def _shortcut(text: str) -> RemoteAddress | None:
    """Parse ``github:owner/name``: the host is a short name of package managers."""
    found = _SHORTCUT.fullmatch(text)
    host = host_of_shortcut(found["name"]) if found else None
    return RemoteAddress("ssh", host, _path(found["path"])) if found and host else None


def _with_scheme(text: str) -> RemoteAddress | None:
    found = _SCHEME.fullmatch(text)
    if not found:
        return None
    scheme = _WRAPPED.get(found["scheme"].lower(), found["scheme"].lower())
    if scheme not in _KNOWN:
        raise UrlError("the remote's scheme is none that repositories are cloned by")
    if scheme == "file":
        return _file(found["rest"])
    host, _, after = found["rest"].partition("/")
    _refuse_at_sign(after.removeprefix("@") if known_kind(host.lower()) else after)
    rest = re.split(r"[?#]", found["rest"], maxsplit=1)[0] if scheme in _WEB else found["rest"]
    authority, _, path = rest.partition("/")
    return _from_authority(scheme, authority, path)


def _file(rest: str) -> RemoteAddress:
    host, slash, path = rest.partition("/")
    return RemoteAddress("file", None, f"{slash}{_path(path)}" if not host else _normalized(unquote(rest)))


def _from_authority(scheme: str, authority: str, path: str) -> RemoteAddress:
    user, _, host_and_port = authority.rpartition("@")
    if "@" in user:
        raise UrlError("the remote has more than one @ before its path; escape those of a name or password as %40")
    host, colon, port = host_and_port.rpartition(":")
    if not colon or host_and_port.endswith("]"):
        host, port = host_and_port, ""
    # Other digits than those of ASCII are digits for Python, but int() refuses some of them.
    if port and not (port.isascii() and port.isdigit()):
        # ssh://git@host:owner/name occurs in practice, and means git@host:owner/name.
        if scheme in _WEB:
            raise UrlError("the remote's port is no number; escape the / of a password as %2F")
        path, port = f"{port}/{path}", ""
    return RemoteAddress(scheme, _host(host), _normalized(_unescaped(path)), _port(port), _user(user))


def _scp(text: str) -> RemoteAddress | None:
    """Parse ``user@host:path``. The path may begin with a slash, or with digits, which are not a port."""
    # A drive letter or a path on the disk would be read as a host.
    if _LOCAL.match(text):
        return None
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        _refuse_at_sign(bracketed["path"])
        return _from_authority("ssh", bracketed["inside"], bracketed["path"])
    found = _SCP.fullmatch(_without_password(text))
    if not found:
        return None
    # In the form without a scheme, digits after the colon are a folder, so that a port would be taken for one.
    if re.match(r"\d*:", found["path"]):
        raise UrlError("the remote has two colons; a port needs a scheme, as in ssh://host:port/path")
    return RemoteAddress("ssh", _host(found["host"]), _path(found["path"]), None, _user(found["user"] or ""))


def _without_password(text: str) -> str:
    found = _WITH_PASSWORD.fullmatch(text)
    return found["rest"] if found else text


def _user_and_path(text: str) -> RemoteAddress | None:
    """Parse ``user@host/path``, which git refuses but people write."""
    found = _WITHOUT_COLON.fullmatch(_without_password(text))
    if found:
        return RemoteAddress("ssh", _host(found["host"]), _path(found["path"]))
    bare = _without_password(text)
    if bare != text:
        host, _, path = bare.partition("/")
        return RemoteAddress("ssh", _host(host), _path(path))
    return None


def _bare(text: str) -> RemoteAddress | None:
    """Parse ``host.example/path``: few folders are named like a host."""
    found = _BARE.fullmatch(text)
    return RemoteAddress("https", _host(found["host"]), _path(found["path"])) if found else None


def _without_slashes(text: str) -> RemoteAddress | None:
    """Parse ``git:host.example/path``, a scheme without its slashes."""
    bare = _bare(text.removeprefix("git:")) if text.startswith("git:") else None
    return bare and bare._replace(scheme="git")


def _local(text: str) -> RemoteAddress:
    if "@" in text.partition("/")[0]:
        raise UrlError("the remote names a user and no repository")
    _refuse_at_sign(text)
    # Paths on Windows have backslashes; names of repositories have slashes.
    return RemoteAddress("file", None, _normalized(text.replace("\\", "/"), local=True))


# The order matters: a later form would accept the text of an earlier one with another meaning.
_FORMS: Final[tuple[Callable[[str], RemoteAddress | None], ...]] = (
    _helper,
    _launchpad,
    _radicle,
    _shortcut,
    _with_scheme,
    _without_slashes,
    _scp,
    _user_and_path,
    _bare,
    _local,
)


def _user(text: str) -> str:
    """Return a user's name without the password that may follow it."""
    return unquote(text.partition(":")[0])


def _host(text: str) -> str:
    # A dot at the end makes a name absolute in DNS, and means the same host.
    name = text.rstrip(".").lower()
    if not name.isascii():
        name = _in_ascii(name)
    if not _HOST.fullmatch(name):
        raise UrlError("the remote names no host")
    return name


def _in_ascii(name: str) -> str:
    try:
        # Python's codec is IDNA 2003; the version of browsers differs for a few letters only.
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        # Without the cause: its text contains the host.
        raise UrlError("the remote's host has letters that no host has") from None


def _port(text: str) -> int | None:
    if not text:
        return None
    # A longer text is out of range in any case, and int() is slow for very long ones.
    number = int(text) if len(text) <= len(str(_HIGHEST_PORT)) else 0
    if not 1 <= number <= _HIGHEST_PORT:
        raise UrlError("the remote's port is out of range")
    return number


def _path(text: str) -> str:
    _refuse_at_sign(text)
    return _normalized(_unescaped(text))


def _unescaped(path: str) -> str:
    if _HIDDEN_SEPARATOR.search(path):
        raise UrlError("the remote has an escaped slash or backslash in its path; write it as it is")
    return unquote(path)


def _refuse_at_sign(text: str) -> None:
    """Refuse an ``@`` in the path: the text before it may be the rest of a password with unescaped characters."""
    if "@" in text:
        raise UrlError("the remote has an @ in its path; escape it as %40, and the / of a password as %2F")


def _normalized(path: str, *, local: bool = False) -> str:
    """Return a path without slashes at its ends and without empty segments; refuse an empty one."""
    folded = re.sub("/{2,}", "/", path)
    name = folded.rstrip("/") if local else folded.strip("/")
    if not name.strip("/") or _UNSAFE.search(name):
        raise UrlError("the remote names no repository")
    return name
