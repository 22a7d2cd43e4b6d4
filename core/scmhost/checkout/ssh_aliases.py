"""Replace the alias of a host in an SSH clone URL by the host's name in the user's SSH configuration."""

import os
import re
import subprocess
from functools import cache
from typing import Final

from scmhost.sdk.errors import UrlError
from scmhost.sdk.urls.addresses import read_address
from scmhost.sdk.urls.presets import known_kind

from .pages import SSH_CONFIGURATION

_SECONDS: Final = 5
# No host begins with a dash, which ssh would read as an option, and none has a character of the shell, to which the
# user's configuration may pass the name.
_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}"
_USER: Final = r"(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?"
_URL: Final = re.compile(
    rf"(?:(?:git\+)?ssh(?:\+git)?://{_USER}(?P<host>{_NAME})(?::\d+)?/(?P<path>.+)"
    rf"|(?P<scp_user>[A-Za-z0-9_][A-Za-z0-9._-]{{0,63}}@)?(?P<scp_host>{_NAME}):(?!//)(?P<scp_path>.+))",
    re.DOTALL,
)
_NAMED_AFTER: Final = re.compile(r"([A-Za-z0-9.-]+\.[A-Za-z]+)[-_][A-Za-z0-9_-]+")
_HOST_NAME: Final = re.compile(rf"^hostname ({_NAME})$", re.MULTILINE)


def without_alias(url: str) -> str:
    """Return a clone URL with the name of its host. A URL without an alias is returned unchanged."""
    found = _URL.fullmatch(url.strip())
    if not found:
        return url
    user, host, path = found["user"] or found["scp_user"], found["host"] or found["scp_host"], found["path"]
    try:
        if known_kind(read_address(url).host or ""):
            return url
    except UrlError:
        return url
    name = _host_name(host, user or "")
    if name is None or name == host:
        name = _named_after(host)
    # A single letter is a drive of Windows.
    if name is None or name.lower() == host.lower() or len(host) == 1:
        return url
    # An SSH port is none of the web pages.
    return f"ssh://{user or ''}{name}/{path}" if path else f"{user or ''}{name}:{found['scp_path']}"


def _named_after(host: str) -> str | None:
    """Return the known host in an alias such as ``github.com-work``, which is no name of a real host."""
    found = _NAMED_AFTER.fullmatch(host)
    return found[1] if found and known_kind(found[1].lower()) else None


@cache
def _host_name(host: str, user: str) -> str | None:
    """Return the name of a host in the user's SSH configuration; None without a configuration, or without ssh."""
    file = os.path.expanduser(SSH_CONFIGURATION)  # noqa: PTH111 - as in links
    if not os.path.isfile(file):  # noqa: PTH113 - as in links
        return None
    # Only the user's own file is read, and no name is looked up in the network.
    options = ("-G", "-F", file, "-o", "CanonicalizeHostname=no", "--", f"{user}{host}")
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            ["ssh", *options],  # noqa: S607 - found on PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name = _HOST_NAME.search(done.stdout.decode(errors="replace"))
    return name[1] if done.returncode == 0 and name else None
