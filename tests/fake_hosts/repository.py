"""A bare git repository in a folder, with what a code host's API answers about it."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

START: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The time of the first commit of each repository; each next one is a minute later."""

EMPTY: Final = "0" * 40
"""The id that stands for no commit, before a branch is made and after it is deleted."""

GIT_ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n\treceivepack = true\n"
_LOG_FORMAT: Final = "%x1e%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1f"
_BLAME_HEAD: Final = re.compile(r"([0-9a-f]{40}) (\d+) (\d+)")


@dataclass(frozen=True)
class Change:
    """A file that a commit changed: ``A`` added, ``M`` modified, ``D`` deleted."""

    path: str
    type: str


@dataclass(frozen=True)
class LoggedCommit:
    """A commit as the API of a code host shows it."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored: str
    committer_name: str
    committer_email: str
    committed: str
    message: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Blamed:
    """The commit that last changed a line, and where the line was in it."""

    line: int
    sha: str
    original_line: int
    original_path: str


_WRITTEN: Final[dict[tuple[object, ...], tuple[str, Mapping[Path, bytes]]]] = {}
"""The commits that were written in this process: the id and the objects by what determines them."""


@dataclass
class BareRepository:
    """A repository in ``folder``. ``owner`` and ``name`` may change; the id stays."""

    id: int
    owner: str
    name: str
    folder: Path
    private: bool = False
    archived: bool = False
    default_branch: str = "main"
    former: list[str] = field(default_factory=list)
    commits: int = 0

    def __post_init__(self) -> None:
        # What ``git init --bare`` writes: a process for each repository of each test takes most of the time.
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "HEAD").write_text(f"ref: refs/heads/{self.default_branch}\n")
        (self.folder / "config").write_text(_CONFIG)

    @property
    def full_name(self) -> str:
        """Owner and name, with a slash."""
        return f"{self.owner}/{self.name}"

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git in the repository and return its output."""
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=GIT_ENVIRONMENT, input=stdin, capture_output=True, check=False
        )
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr.decode()}")
        return done.stdout

    def commit(
        self,
        files: Mapping[str, bytes | str | None],
        message: str = "Change files",
        branch: str | None = None,
        author: tuple[str, str] = ("Ada", "ada@example.com"),
    ) -> str:
        """Write a commit on a branch and return its id. A file without content is deleted.

        The branch begins at the default branch if it is new.
        """
        ref = f"refs/heads/{branch or self.default_branch}"
        parent = self.resolve(ref) or self.resolve(f"refs/heads/{self.default_branch}")
        when = int((START + timedelta(minutes=self.commits)).timestamp())
        self.commits += 1
        key = (ref, parent, message, author, when, tuple(files.items()))
        if key in _WRITTEN and not (self.folder / "packed-refs").exists():
            return self._copy(ref, *_WRITTEN[key])
        before = set(self._objects())
        lines: list[bytes | str] = [
            f"commit {ref}\n",
            f"committer {author[0]} <{author[1]}> {when} +0000\n",
            _data(message),
        ]
        lines += [f"from {parent}\n"] if parent else []
        for path, content in files.items():
            lines += [f"D {path}\n"] if content is None else [f"M 100644 inline {path}\n", _data(content)]
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(map(_bytes, lines)))
        sha = self.resolve(ref) or ""
        _WRITTEN[key] = sha, {path: (self.folder / path).read_bytes() for path in set(self._objects()) - before}
        return sha

    def _objects(self) -> Iterator[Path]:
        """Yield the paths of the objects and packs."""
        return (path.relative_to(self.folder) for path in self.folder.glob("objects/*/*"))

    def _copy(self, ref: str, sha: str, objects: Mapping[Path, bytes]) -> str:
        """Write a commit that another repository has had before: parent, files and time give the same objects."""
        for path, content in {**objects, Path(ref): f"{sha}\n".encode()}.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)
        return sha

    def tag(self, name: str, at: str | None = None, message: str | None = None) -> None:
        """Make a tag; with a message, an annotated one."""
        more = ("-a", "-m", message) if message else ()
        self.git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "tag", *more, name, at or self.head())

    def head(self) -> str:
        """Return the newest commit of the default branch."""
        return self.resolve(f"refs/heads/{self.default_branch}") or EMPTY

    def resolve(self, ref: str) -> str | None:
        """Return the commit of a ref, or None."""
        loose = self.folder / ref
        if ref.startswith("refs/heads/") and ".." not in ref and loose.is_file():
            return loose.read_text().strip()
        if ref.startswith("refs/heads/") and not (self.folder / "packed-refs").exists():
            return None
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"],
            cwd=self.folder,
            env=GIT_ENVIRONMENT,
            capture_output=True,
            check=False,
        )
        return done.stdout.decode().strip() or None

    def refs(self, kind: str) -> dict[str, str]:
        """Return the commits of all branches (``heads``) or ``tags`` by their short names."""
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", f"refs/{kind}")
        rows = [line.split(" ") for line in listed.decode().splitlines()]
        return {row[0].removeprefix(f"refs/{kind}/"): row[2] or row[1] for row in rows}

    def log(self, *revisions: str, limit: int = 1_000_000, skip: int = 0) -> list[LoggedCommit]:
        """Return commits with their changes, newest first; renames are a deletion and an addition."""
        options = [f"--max-count={limit}", f"--skip={skip}", "--no-renames", "--name-status", "-z", "--topo-order"]
        out = self.git("log", f"--format={_LOG_FORMAT}", *options, *revisions, "--").decode("utf-8", "replace")
        return [_logged(record) for record in out.split("\x1e")[1:]]

    def count(self, *revisions: str) -> int:
        """Return the number of commits."""
        return int(self.git("rev-list", "--count", *revisions, "--"))

    def read(self, ref: str, path: str) -> bytes | None:
        """Return the content of a file at a ref; None for no such file."""
        sha = self.resolve(ref)
        listed = self.git("ls-tree", "-z", sha, "--", path).decode() if sha else ""
        found = re.match(r"\d+ blob ([0-9a-f]+)\t(.*)\0\Z", listed, re.DOTALL)
        return self.git("cat-file", "blob", found[1]) if found and found[2] == path else None

    def blob_of(self, ref: str, path: str) -> str:
        """Return the id of a file's content."""
        return self.git("rev-parse", f"{ref}:{path}").decode().strip()

    def is_folder(self, ref: str, path: str) -> bool:
        """Return whether a path is a folder at a ref."""
        sha = self.resolve(ref)
        return bool(sha) and b" tree " in self.git("ls-tree", str(sha), "--", path.rstrip("/"))

    def blame(self, ref: str, path: str) -> list[Blamed]:
        """Return who last changed each line of a file."""
        found, shas = [], {}
        for line in self.git("blame", "--porcelain", ref, "--", path).decode("utf-8", "replace").splitlines():
            if head := _BLAME_HEAD.match(line):
                sha, original, now = head[1], int(head[2]), int(head[3])
                found.append((now, sha, original))
            elif line.startswith("filename "):
                shas[sha] = line.removeprefix("filename ")
        return [Blamed(now, sha, original, shas[sha]) for now, sha, original in found]

    def rename(self, owner: str, name: str) -> None:
        """Rename or transfer the repository; its old name leads to it."""
        self.former.append(self.full_name)
        self.owner, self.name = owner, name


def history(repository: BareRepository, number: int, branch: str | None = None) -> Sequence[str]:
    """Write a number of commits, each with a file of its own, and return their ids, oldest first."""
    return [
        repository.commit({f"src/file{index}.py": f"line = {index}\n"}, f"Commit {index}", branch)
        for index in range(number)
    ]


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _data(content: bytes | str) -> bytes:
    data = _bytes(content)
    return f"data {len(data)}\n".encode() + data + b"\n"


def _logged(record: str) -> LoggedCommit:
    sha, parents, name, email, authored, committer, committer_email, committed, message, names = record.split("\x1f")
    fields = names.strip("\n\0").split("\0")
    changes = tuple(Change(path, kind[0]) for kind, path in zip(fields[::2], fields[1::2], strict=False) if kind)
    return LoggedCommit(
        sha,
        tuple(parents.split()),
        name,
        email,
        authored,
        committer,
        committer_email,
        committed,
        message.rstrip("\n") + "\n",
        changes,
    )
