"""The remotes of a checkout: their order of preference, their URLs, and which of them has a commit.

The alias of a host in an SSH clone URL is replaced by the host's name in the user's SSH configuration. Pages are cached
by the clone URL without an alias, so that this runs at every start and imports nothing heavy.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from .git import git_output

NAMES: Final = (
    r"^(remote\..*\.url|remote\.pushdefault|branch\..*\.(remote|pushremote)|url\..*\.insteadof"
    r"|scmhost\.(remote|kind|template))$"
)
"""The names of the settings that are read here, as a regular expression of git."""

TRACKING: Final = "refs/remotes/"
"""The refs that show which commits a remote has."""

# The name of a setting of git, and one value of it.
Setting = tuple[str, str]
_URL: Final = ("remote.", ".url")


class Remotes:
    """The remotes of a checkout.

    Args:
        settings: the settings of git on remotes, in their order.
        branch: the branch that is checked out.
        named: the name of a remote or a URL, if one was selected.
        tips: the commits of the refs below ``refs/remotes/``, by their full names.
    """

    def __init__(self, settings: Sequence[Setting], branch: str, named: str | None, tips: Mapping[str, str]) -> None:
        self._settings = settings
        self._urls = _urls(settings)
        self._tips = tips
        self._url = named if named is not None and named not in self._urls else None
        self.selected = self._selected(named)
        self.names = [self.selected] if self.selected else _ordered(self._urls, dict(settings), branch)

    @property
    def tracked(self) -> list[str]:
        """The names, in order of preference, of the remotes with known commits."""
        holders = self.holders(self._tips)
        return [name for name in self.names if name in holders]

    @property
    def has_known_commits(self) -> bool:
        """True if refs show what the selected remote has, or any remote if none is selected."""
        return bool(self.tracked if self.selected else self._tips)

    def unpushed(self, folder: str, sha: str) -> list[str]:
        """Return the lines of ``rev-list --boundary --parents`` on the ancestors of a commit that no remote has.

        If a remote is selected, others do not count.
        """
        prefix = f"{TRACKING}{self.selected}/" if self.selected else TRACKING
        if sha in {tip for ref, tip in self._tips.items() if ref.startswith(prefix)}:
            return []
        scope = f"--remotes={self.selected}" if self.selected else "--remotes"
        return git_output(folder, "rev-list", "--boundary", "--parents", sha, "--not", scope, "--").splitlines()

    def holders(self, refs: Iterable[str]) -> set[str]:
        """Return the names of the remotes that refs belong to. A name may contain slashes."""
        names = sorted(self._urls, key=len, reverse=True)
        found = (next((name for name in names if ref.startswith(f"{TRACKING}{name}/")), None) for ref in refs)
        return {name for name in found if name}

    def url(self, name: str | None) -> str | None:
        """Return the URL of a remote, or the one that was selected, as git rewrites it."""
        url = self._url or self._urls.get(name or "")
        return _rewritten(url, self._settings) if url else None

    def _selected(self, named: str | None) -> str | None:
        if self._url is None:
            return named
        same = _rewritten(self._url, self._settings)
        return next((name for name, url in self._urls.items() if _rewritten(url, self._settings) == same), None)


class PushedCommit(NamedTuple):
    """The commit that links lead to.

    Attributes:
        sha: the commit itself or its nearest ancestor that a remote has; None if there is none.
        remote: the name of the remote that has it.
        pushed: whether a remote has the commit itself; None if that is not known.
    """

    sha: str | None
    remote: str | None
    pushed: bool | None


def find_pushed(folder: str, sha: str, remotes: Remotes, *, exact: bool) -> PushedCommit:
    """Return the nearest ancestor of a commit that a remote has.

    Args:
        folder: the checkout.
        sha: the commit.
        remotes: the checkout's remotes.
        exact: return the commit itself in any case.
    """
    tracked = remotes.tracked
    default = next(iter(tracked or remotes.names), None)
    if not remotes.has_known_commits:
        # A clone without such refs proves nothing: its commit may be on the code host.
        return PushedCommit(sha, default, None)
    unpushed = remotes.unpushed(folder, sha)
    pushed = nearest_boundary(sha, unpushed) if unpushed and not exact else sha
    return PushedCommit(pushed, _holder(folder, pushed or sha, remotes, tracked) or default, not unpushed)


def nearest_boundary(sha: str, history: Iterable[str]) -> str | None:
    """Return the boundary commit that is the fewest parents away, in the output of ``rev-list --boundary --parents``.

    Of two at the same distance the first parent's is returned.
    """
    parents: dict[str, list[str]] = {}
    boundary: set[str] = set()
    for line in history:
        commit, *above = line.split(" ")
        if commit.startswith("-"):
            boundary.add(commit[1:])
        else:
            parents[commit] = above
    level, seen = [sha], {sha}
    while level:
        found = next((commit for commit in level if commit in boundary), None)
        if found:
            return found
        above = [parent for commit in level for parent in parents.get(commit, ())]
        level = [parent for parent in dict.fromkeys(above) if parent not in seen]
        seen.update(level)
    return None


def _holder(folder: str, sha: str, remotes: Remotes, tracked: Sequence[str]) -> str | None:
    """Return the first remote that has a commit."""
    if len(tracked) == 1:
        return tracked[0]
    refs = git_output(folder, "for-each-ref", f"--contains={sha}", "--format=%(refname)", TRACKING)
    holders = remotes.holders(refs.splitlines())
    return next((name for name in tracked if name in holders), None)


def _urls(settings: Sequence[Setting]) -> dict[str, str]:
    # git fetches from a remote's first URL, and only pushes to the others: the first value applies.
    before, after = _URL
    urls: dict[str, str] = {}
    for name, value in settings:
        if name.startswith(before) and name.endswith(after) and value:
            urls.setdefault(name[len(before) : -len(after)], value)
    return urls


def _ordered(urls: Mapping[str, str], settings: Mapping[str, str], branch: str) -> list[str]:
    """Return the names of the remotes: first those that the settings name, then the usual ones, then the others."""
    return [name for name in dict.fromkeys(_preferred(settings, branch, urls)) if name in urls]


def _preferred(settings: Mapping[str, str], branch: str, urls: Mapping[str, str]) -> Iterator[str]:
    for setting in (f"branch.{branch}.remote", f"branch.{branch}.pushremote", "remote.pushdefault"):
        yield settings.get(setting, "")
    yield from ("origin", "upstream", *urls)


def _rewritten(url: str, settings: Sequence[Setting]) -> str:
    """Apply git's ``url.BASE.insteadOf``: the longest matching prefix is replaced by BASE."""
    rules = [(value, name[4:-10]) for name, value in settings if name.startswith("url.") and value]
    short, base = max((rule for rule in rules if url.startswith(rule[0])), key=_prefix_length, default=("", ""))
    return base + url[len(short) :] if short else url


def _prefix_length(rule: tuple[str, str]) -> int:
    return len(rule[0])


_SECONDS: Final = 5
_CONFIGURATION: Final = "~/.ssh/config"
# An alias with the name of these hosts leads to the same host, such as by another port.
_NO_ALIAS: Final = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "ssh.dev.azure.com"})
# No host begins with a dash, which ssh would read as an option, and none has a character of the shell, to which the
# user's configuration may pass the name.
_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{1,252}"
_USER: Final = r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?"
_SSH_URL: Final = re.compile(
    rf"(?:git\+)?ssh(?:\+git)?://(?P<user>{_USER})(?P<host>{_NAME})(?::\d+)?/(?P<path>.+)", re.DOTALL
)
# A single letter before the colon is a drive of Windows.
_SCP: Final = re.compile(rf"(?P<user>{_USER})(?P<host>{_NAME}):(?!//)(?P<path>.+)", re.DOTALL)
_NAMED_AFTER: Final = re.compile(r"([A-Za-z0-9.-]+\.[A-Za-z]+)[-_][A-Za-z0-9_-]+")
_HOST_NAME: Final = re.compile(rf"^hostname ({_NAME})$", re.MULTILINE)


def without_alias(url: str) -> str:
    """Return a clone URL with the name of its host. A URL without an alias is returned unchanged."""
    text = url.strip()
    found = _SSH_URL.fullmatch(text) or _SCP.fullmatch(text)
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
