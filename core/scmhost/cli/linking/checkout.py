"""What a git checkout tells about itself: where it stands, what it is cloned from, which files it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from scmhost.cli.git_process import GitError, git_output, git_outputs
from scmhost.infra.errors import ScmhostError
from scmhost.links.lines import CommittedLine, Hunk, committed_line, read_hunks

_NAMES: Final = r"^(remote\..*\.url|branch\..*\.remote|url\..*\.insteadof|scmhost\.(remote|kind|template))$"
_SETTINGS: Final = ("config", "--null", "--get-regexp", _NAMES)
_BRANCH: Final = "refs/heads/"
_PLACE: Final = (
    *("rev-parse", "--show-toplevel", "--show-prefix", "--git-path", "scmhost-pages.json"),
    *("HEAD", "--symbolic-full-name", "HEAD"),
)
_DIFF: Final = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules")


class NoCheckout(ScmhostError):
    """There is no git checkout here, or not the commit that is wanted."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git checkout at one commit.

    Attributes:
        root: its topmost folder, absolute.
        prefix: the working directory below it, with a closing slash, or nothing.
        commit: the whole name of the commit.
        files: the paths of all files of that commit.
        memory: a file in its git folder in which something may be remembered.
        remote: the URL that it is cloned from, or None.
        kind: the kind of code host that git's settings name as ``scmhost.kind``.
        template: the template that git's settings name as ``scmhost.template``.
        pushed: whether a branch of a remote has the commit; None where no branch of a remote is known.
    """

    root: str
    prefix: str
    commit: str
    files: tuple[str, ...]
    memory: str
    remote: str | None = None
    kind: str | None = None
    template: str | None = None
    pushed: bool | None = None


class ChangedFiles:
    """The lines on disk that are not as they were committed. git is asked when the first of them is looked for."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._names: frozenset[str] | None = None
        self._hunks: dict[str, tuple[Hunk, ...]] = {}

    def committed(self, path: str, line: int) -> CommittedLine:
        """Where a line of a file on disk stands in the commit that is checked out."""
        if self._names is None:
            self._names = frozenset(self._diff("--name-only", "-z", "HEAD", "--").split("\0"))
        if path not in self._names:
            return CommittedLine(line)
        if path not in self._hunks:
            diff = self._diff("--unified=0", "HEAD", "--", f":(top,literal){path}")
            self._hunks[path] = read_hunks(diff.split("\n"))
        return committed_line(line, self._hunks[path])

    def _diff(self, *arguments: str) -> str:
        return git_output(self._root, *_DIFF, *arguments)


def read_checkout(ref: str | None = None, remote: str | None = None) -> Checkout:
    """The checkout that the working directory is in, at a ref; by default at the commit that is checked out.

    ``remote`` is one of its remotes by name, or a URL; by default the one of the branch, else ``origin``, else the
    only one.

    Raises:
        NoCheckout: there is none, it has no commit yet, or git does not know the ref.
    """
    commit = "HEAD" if ref is None else _commit(ref)
    tree = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    unpushed = ("rev-list", "--max-count=1", commit, "--not", "--remotes", "--")
    told = git_outputs(".", _PLACE, _SETTINGS, tree, unpushed)
    place = _place(told[0])
    settings = _settings(told[1])
    return Checkout(
        place.root,
        place.prefix,
        place.commit if ref is None else commit,
        tuple(_told(told[2]).split("\0")[:-1]),
        place.memory,
        _remote_url(settings, remote or settings.get("scmhost.remote"), place.branch),
        settings.get("scmhost.kind"),
        settings.get("scmhost.template"),
        _is_pushed(_told(told[3])),
    )


class _Place(NamedTuple):
    root: str
    prefix: str
    memory: str
    commit: str
    branch: str


def _place(told: str | GitError) -> _Place:
    if isinstance(told, GitError):
        if "not a git repository" in str(told):
            raise NoCheckout(
                "this folder is in no git checkout; change into one, or name a project: --org ORG --project PROJECT"
            ) from told
        if "'HEAD'" in str(told):
            raise NoCheckout("this checkout has no commit yet") from told
        raise told
    root, prefix, memory, commit, branch, *_ = told.split("\n")
    return _Place(root, prefix, memory, commit, branch.removeprefix(_BRANCH))


def _told(answer: str | GitError) -> str:
    if isinstance(answer, GitError):
        raise answer
    return answer


def _commit(ref: str) -> str:
    try:
        return git_output(".", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except GitError as error:
        raise NoCheckout(f"git knows no ref {ref!r} here; fetch it first") from error


def _settings(told: str | GitError) -> Mapping[str, str]:
    """What git's configuration says of remotes; of a setting that is there twice, the last."""
    # git fails when nothing matches.
    entries = told.split("\0") if isinstance(told, str) else ()
    pairs = (entry.partition("\n") for entry in entries if entry)
    return {name: value for name, _, value in pairs}


def _remote_url(settings: Mapping[str, str], named: str | None, branch: str) -> str | None:
    urls = {name[7:-4]: value for name, value in settings.items() if name.startswith("remote.")}
    if named is not None and named not in urls:
        return _rewritten(named, settings)
    only = next(iter(urls)) if len(urls) == 1 else None
    choices = (named, settings.get(f"branch.{branch}.remote"), "origin", only)
    chosen = next((choice for choice in choices if choice in urls), None)
    return _rewritten(urls[chosen], settings) if chosen else None


def _rewritten(url: str, settings: Mapping[str, str]) -> str:
    """The URL that git would use: ``url.BASE.insteadOf`` may stand for a shorter beginning."""
    rules = [(value, name[4:-10]) for name, value in settings.items() if name.startswith("url.") and value]
    short, base = max((rule for rule in rules if url.startswith(rule[0])), key=_length, default=("", ""))
    return base + url[len(short) :] if short else url


def _length(rule: tuple[str, str]) -> int:
    return len(rule[0])


def _is_pushed(unpushed: str) -> bool | None:
    if not unpushed:
        return True
    return False if git_output(".", "for-each-ref", "--count=1", "refs/remotes") else None
