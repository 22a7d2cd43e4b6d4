"""Replace the alias of a host in an SSH clone URL by the host's name in the user's SSH configuration.

Pages are cached by the clone URL without an alias, so that this runs at every start and imports nothing heavy.
"""

import os
import re
import subprocess
from functools import cache
from typing import Final

_SECONDS: Final = 5
_CONFIGURATION: Final = "~/.ssh/config"
# Nobody gives an alias the name of these hosts, except to reach the same host by another port.
_NO_ALIAS: Final = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "ssh.dev.azure.com"})
# No host begins with a dash, which ssh would read as an option, and none has a character of the shell, to which the
# user's configuration may pass the name.
_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{1,252}"
_USER: Final = r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?"
_URL: Final = re.compile(
    rf"(?:git\+)?ssh(?:\+git)?://(?P<user>{_USER})(?P<host>{_NAME})(?::\d+)?/(?P<path>.+)", re.DOTALL
)
# A single letter before the colon is a drive of Windows.
_SCP: Final = re.compile(rf"(?P<user>{_USER})(?P<host>{_NAME}):(?!//)(?P<path>.+)", re.DOTALL)
_NAMED_AFTER: Final = re.compile(r"([A-Za-z0-9.-]+\.[A-Za-z]+)[-_][A-Za-z0-9_-]+")
_HOST_NAME: Final = re.compile(rf"^hostname ({_NAME})$", re.MULTILINE)


def without_alias(url: str) -> str:
    """Return a clone URL with the name of its host. A URL without an alias is returned unchanged."""
    text = url.strip()
    found = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if not found or found["host"].lower() in _NO_ALIAS:
        return url
    user, host, path = found["user"], found["host"], found["path"]
    name = _host_name(host, user)
    if name is None or name.lower() == host.lower():
        name = _named_after(host)
    if name is None:
        return url
    # An SSH port is none of the web pages.
    return f"{user}{name}:{path}" if found.re is _SCP else f"ssh://{user}{name}/{path}"


def _named_after(host: str) -> str | None:
    """Return the known host in an alias such as ``github.com-work``, which is no name of a real host."""
    found = _NAMED_AFTER.fullmatch(host)
    if not found:
        return None
    # Imported here: reading the names of all hosts takes long.
    from scmhost.sdk.urls.presets import known_kind

    return found[1] if found[1].lower() in _NO_ALIAS or known_kind(found[1].lower()) else None


@cache
def _host_name(host: str, user: str) -> str | None:
    """Return the name of a host in the user's SSH configuration; None without a configuration, or without ssh."""
    file = os.path.expanduser(_CONFIGURATION)  # noqa: PTH111 - as in links
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
