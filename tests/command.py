"""The ``scmhost`` command, and git repositories for it."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

from scmhost.app import open_host
from scmhost.cli.main import run

SCMHOST = Path(sys.executable).with_name("scmhost")


@dataclass(frozen=True)
class Done:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


def scmhost(*words: object) -> Done:
    """Run a command in this process, whose environment and blocked signals stay as they are."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with patch.dict(os.environ), redirect_stdout(out), redirect_stderr(err):
        try:
            run(open_host, [str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            # "serve" blocks SIGHUP until it has started; programs of later tests would inherit that.
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return Done(code, out.getvalue(), err.getvalue())


def scmhost_process(*words: object, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Done:
    """Run the installed command in a process of its own."""
    done = subprocess.run(
        [SCMHOST, *map(str, words)],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    return Done(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())


class GitRepository:
    """A git repository whose commits have a fixed author and fixed times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._moment = 1_767_225_600
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, stdin: bytes = b"") -> str:
        """Run git in the repository, and return its output."""
        stamp = f"{self._moment} +0200"
        people = {
            f"GIT_{role}_{name}": value
            for role in ("AUTHOR", "COMMITTER")
            for name, value in (("NAME", "Ada Lovelace"), ("EMAIL", "Ada@Example.com"), ("DATE", stamp))
        }
        isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(self.path)}
        done = subprocess.run(
            ["git", "-C", str(self.path), *words],
            input=stdin,
            capture_output=True,
            check=True,
            env={**os.environ, **isolated, **people},
        )
        return done.stdout.decode(errors="surrogateescape").strip()

    def grow(self, count: int) -> list[str]:
        """Create commits that change one file each. Return their SHAs, newest first."""
        stream = b"reset refs/heads/main\n"
        for number in range(count):
            self._moment += 60
            who = f"Ada Lovelace <Ada@Example.com> {self._moment} +0200"
            message = f"Change {number}\n\nIts reason.\n"
            head = f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}"
            text = f"{number}\n"
            stream += f"{head}M 100644 inline file{number % 50}.py\ndata {len(text)}\n{text}".encode()
        self.git("fast-import", "--quiet", stdin=stream)
        self.git("reset", "--quiet", "--hard")
        return self.shas()

    def shas(self, revisions: str = "HEAD") -> list[str]:
        """Return the SHAs of a range, newest first."""
        return self.git("rev-list", revisions).split()

    def commit(self, message: str = "Change", files: Mapping[str, str | None] = MappingProxyType({})) -> str:
        """Write or (with None) delete files, and commit. Return the SHA."""
        for name, text in files.items():
            file = self.path / name
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        self._moment += 60
        self.git("add", "--all")
        (self.path / ".git" / "MESSAGE").write_text(message, encoding="utf-8")
        self.git("commit", "--quiet", "--allow-empty", "--file", ".git/MESSAGE")
        return self.git("rev-parse", "HEAD")
