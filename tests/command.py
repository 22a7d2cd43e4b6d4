"""Runs the ``scmhost`` command in tests, and makes git repositories to run it on."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from scmhost.app import open_host
from scmhost.cli.main import run

SCMHOST = Path(sys.executable).with_name("scmhost")


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


def scmhost(*words: object) -> Done:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            run(open_host, [str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
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
    """A real git repository with commits of known author and time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._moment = 1_767_225_600
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, stdin: bytes = b"") -> str:
        """Run git here; its answer."""
        stamp = f"{self._moment} +0200"
        people = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Ada Lovelace"), ("EMAIL", "Ada@Example.com"), ("DATE", stamp))
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
        """Make many commits at once, each of one file; gives their shas, newest first."""
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

    def shas(self, wanted: str = "HEAD") -> list[str]:
        """The commits of a range, newest first."""
        return self.git("rev-list", wanted).split()

    def commit(self, message: str = "Change", files: Mapping[str, str | None] = MappingProxyType({})) -> str:
        """Write, change or (with None) delete files, and commit; gives the sha."""
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
