"""Git repositories of ``scmhost demo``: the user's checkout, and a sample program that crashes.

No code of the checkout runs: only ``git log`` and the like read it. The crash comes from the sample program.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from scmhost.checkout.git import GitError, git

_EXAMPLE_HOST: Final = "git.example.com"
_SAMPLE_HOST: Final = "sample.example.com"
_SAMPLE_NAME: Final = "scmhost-sample/shop"
_SAMPLE_MAIN: Final = "shop.py"
_SAMPLE_TIMEOUT_SECONDS: Final = 60
# Fixed, so that the commits are the same in every run.
_SAMPLE_AUTHOR: Final = {"NAME": "Ada", "EMAIL": "ada@example.com", "DATE": "2026-01-01T12:00:00Z"}
_NAMED_FILES: Final = 3
# A user and a password in a URL are not part of the host.
_HTTP_REMOTE: Final = re.compile(r"https?://(?:[^@/]*@)?(?P<host>[^/@:]+)(?::\d+)?/(?P<path>.+)")
_SSH_REMOTE: Final = re.compile(r"(?:ssh://)?(?:[^@/]*@)(?P<host>[^/:@]+)[:/](?!\d+/)(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class DemoRepository:
    """A git repository that the demo sends, claims and links to.

    Attributes:
        path: its folder.
        head: the SHA of HEAD.
        branch: the branch that is checked out, or None.
        name: owner and name on the code host.
        host: the code host.
        has_host: False if there is no remote on the web, so that ``host`` is an example.
        text: text with locations in this repository.
        source_root: the folder below which these locations are.
    """

    path: Path
    head: str
    branch: str | None
    name: str
    host: str
    has_host: bool
    text: str
    source_root: str = ""

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.name}"


def read_checkout_repository(path: Path) -> DemoRepository:
    """Read the git repository of a folder.

    Raises:
        GitError: there is none, or it has no commit.
    """
    bare = git(path, "rev-parse", "--is-bare-repository") == "true"
    top = path if bare else Path(git(path, "rev-parse", "--show-toplevel"))
    remote = git(top, "remote", "get-url", "origin") if "origin" in git(top, "remote").split() else ""
    match = _HTTP_REMOTE.fullmatch(remote) or _SSH_REMOTE.fullmatch(remote)
    # git prints HEAD if no branch is checked out.
    branch = git(top, "rev-parse", "--abbrev-ref", "HEAD")
    return DemoRepository(
        path=top,
        head=git(top, "rev-parse", "HEAD"),
        branch=None if branch == "HEAD" else branch,
        name=match["path"].strip("/").removesuffix(".git") if match else f"demo/{top.name}",
        host=match["host"].lower() if match else _EXAMPLE_HOST,
        has_host=match is not None,
        text=_changed_files(top),
    )


def _changed_files(top: Path) -> str:
    """Return locations in files of the newest commit, so that there is something to link to."""
    # The first parent, because a merge has no changes of its own.
    names = git(top, "log", "-1", "--first-parent", "-m", "--diff-filter=AM", "--name-only", "--format=", "HEAD")
    sources = [name for name in names.split("\n") if re.search(r"[^/]\.\w+$", name)]
    return "".join(f'  File "{top}/{name}", line 1\n' for name in sources[:_NAMED_FILES])


def make_sample_repository(folder: Path) -> DemoRepository:
    """Commit the sample program to a new git repository, run it, and return the repository with its stack trace."""
    (folder / "src").mkdir(parents=True)
    _sample_git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    for resource in sorted(files("scmhost.cli").joinpath("sample_program").iterdir(), key=str):
        # The suffix .in keeps tools from taking the program for a part of scmhost.
        name = resource.name.removesuffix(".in")
        (folder / "src" / name).write_text(resource.read_text(encoding="utf-8"), encoding="utf-8")
        _sample_git(folder, "add", "--all")
        _sample_git(folder, "commit", "--quiet", "--message", f"Add {name}")
    return DemoRepository(
        path=folder,
        head=git(folder, "rev-parse", "HEAD"),
        branch="main",
        name=_SAMPLE_NAME,
        host=_SAMPLE_HOST,
        has_host=False,
        text=_run_sample(folder / "src"),
        source_root="src/",
    )


def _sample_git(folder: Path, *arguments: str) -> None:
    """Run git without the user's configuration, whose hooks, signatures and templates would apply."""
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _SAMPLE_AUTHOR.items()}
    outer = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is found on PATH, as everywhere
            capture_output=True,
            check=False,
            env={**outer, **isolated, **people},
        )
    except FileNotFoundError:
        raise GitError("git is not installed; install it, or put it on PATH") from None
    if done.returncode:
        raise GitError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")


def _run_sample(folder: Path) -> str:
    """Run the sample program, and return its stack trace.

    The interpreter ignores its environment variables and site packages: nothing else can run with the program.
    """
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [sys.executable, "-E", "-S", "-B", str(folder / _SAMPLE_MAIN)],
        capture_output=True,
        check=False,
        cwd=folder,
        # The input of this command is not meant for the program.
        stdin=subprocess.DEVNULL,
        timeout=_SAMPLE_TIMEOUT_SECONDS,
    )
    return done.stderr.decode(errors="replace")
