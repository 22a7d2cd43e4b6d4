"""The repositories that links lead to: the checkout itself, its submodules, and checkouts in its folders."""

import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from scmhost.infra.errors import ScmhostError
from scmhost.sdk.reasons import Confidence, Reason

from .changed_files import ChangedFiles, CommittedLine
from .git import GitError, git_output, git_outputs
from .pages import PageUrls, checkout_pages
from .summary import CHECKOUT_NEXT_STEP
from .worktree import Checkout, RepositoryReading, Submodule, read_tree, tree_command

# An untrusted repository may have any number of submodules.
_MAX_SUBMODULES: Final = 64
_MAX_NESTED: Final = 64
SHORT_SHA: Final = 12
# Comparing each new file with each old one takes long in a large history.
_MAX_RENAMES: Final = "-l400"


class CheckoutLink(NamedTuple):
    """The link of a frame, or the reason why it has none.

    Attributes:
        url: the page, at its line.
        path: the file in the checkout.
        line: the line in the commit.
        confidence: the probability that this is the frame's file.
        changed: True if the line is not in the commit; the link leads to the line that it replaced.
        commit: the commit of the page.
        reason: why there is no URL.
        message: details of the reason.
        ignored: True for a diagnostic that is no place in this checkout: it is neither shown nor counted as missing.
    """

    url: str | None = None
    path: str | None = None
    line: int | None = None
    confidence: Confidence | None = None
    changed: bool = False
    commit: str | None = None
    reason: Reason | None = None
    message: str = ""
    ignored: bool = False

    @property
    def next_step(self) -> str:
        """What to do about the reason."""
        return CHECKOUT_NEXT_STEP[self.reason] if self.reason else ""

    def refused(self, reason: Reason, message: str) -> "CheckoutLink":
        """Return the same file without a link."""
        return self._replace(reason=reason, message=message)


class PageOverrides(NamedTuple):
    """Options of the command line for the pages of the checkout's own repository."""

    kind: str | None = None
    template: str | None = None
    exact: bool = False


class LinkedRepository:
    """One repository, and the commit of it that links lead to.

    Args:
        checkout: the repository's checkout.
        pages: the page URLs at the commit.
        exact: whether the commit was selected, so that files on disk do not belong to it.
    """

    def __init__(self, checkout: Checkout, pages: PageUrls, *, exact: bool = False) -> None:
        self._checkout = checkout
        self._pages = pages
        self._exact = exact
        self.lines = ChangedFiles(checkout.root, checkout.commit, checkout.head or checkout.commit)
        self._published: frozenset[str] | None = None
        self._renamed: dict[str, str] | None = None

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """Add the page of a file of this repository, at the line of a frame."""
        commit = self._checkout.commit
        if not self._checkout.published:
            return found.refused(Reason.NOT_PUSHED, "no commit of this branch is pushed")
        try:
            old_path = self._path_in_commit(path)
        except GitError as error:
            return found.refused(Reason.NOT_PUSHED, f"the pushed commit cannot be read: {error}")
        if old_path is None:
            last = f"commit {commit[:SHORT_SHA]}, the last that is pushed"
            return found.refused(Reason.NOT_PUSHED, f"{path} is new since {last}")
        where = self._committed(path, old_path, line, is_certain=found.confidence == "high")
        if where.last is not None:
            return found.refused(Reason.LINE_NOT_FOUND, f"{path} has {where.last} lines")
        url = self._pages.url(old_path, where.line or None)
        if isinstance(url, str):
            return found._replace(url=url, line=where.line or None, changed=where.changed, commit=commit)
        return found.refused(url.reason, url.message)

    def _committed(self, path: str, old_path: str, line: int | None, *, is_certain: bool) -> CommittedLine:
        if not line:
            return CommittedLine(0)
        # A guessed file may be a different version of the one that ran, so that edits on disk are not its own.
        on_disk = is_certain and not self._exact
        return self.lines.committed(path, line, old_path=old_path, on_disk=on_disk)

    def _path_in_commit(self, path: str) -> str | None:
        """Return the path that a file of the checkout has in the commit, or None if the commit lacks it."""
        if not self._checkout.is_behind:
            return path
        if self._published is None:
            listing = git_output(self._checkout.root, *tree_command(self._checkout.commit))
            self._published = frozenset(read_tree(listing).files)
        return path if path in self._published else self._renames().get(path)

    def _renames(self) -> dict[str, str]:
        """Return the old paths of the files that were renamed since the commit."""
        if self._renamed is None:
            commits = (self._checkout.commit, self._checkout.head)
            options = ("-r", "-z", "--name-status", "--find-renames", _MAX_RENAMES, "--diff-filter=R")
            (output,) = git_outputs(self._checkout.root, ("diff-tree", *options, *commits, "--"))
            # A partial clone may lack files that would have to be compared.
            fields = output.split("\0") if isinstance(output, str) else []
            # Each entry is a status, the old path and the new one.
            self._renamed = dict(zip(fields[2::3], fields[1::3], strict=False))
        return self._renamed


class _Nested(NamedTuple):
    """A repository in a folder of the checkout, or the reason why it has no pages."""

    folder: str
    target: LinkedRepository | None
    files: frozenset[str] = frozenset()
    problem: str = ""


class CheckoutTargets:
    """The repositories of a checkout's files. Those in its folders are read when they are needed."""

    def __init__(self, checkout: Checkout, overrides: PageOverrides) -> None:
        self._checkout = checkout
        self._overrides = overrides
        self._main = LinkedRepository(
            checkout, checkout_pages(checkout, overrides.kind, overrides.template), exact=overrides.exact
        )
        # Most texts have a link, and git starts while the text is read.
        self._main.lines.start()
        self._submodules: dict[str, str] = {}
        self._nested: dict[str, _Nested] = {}
        self.files: list[str] = [*checkout.files, *self._files_of_submodules()]

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """Add the page of a file of the checkout, at the line of a frame."""
        nested = self._nested_at(path)
        if nested is None:
            return self._main.link(found, path, line)
        if nested.target is None:
            return found.refused(Reason.REPOSITORY_WITHOUT_URL, nested.problem)
        return nested.target.link(found, path[len(nested.folder) + 1 :], line)

    def on_disk(self, path: str) -> CheckoutLink | None:
        """Return what a path is that only the disk has, or None if there is no such file.

        It is a file of a checkout in a folder, or a file that is not committed.
        """
        if self._overrides.exact or not os.path.isfile(f"{self._checkout.root}/{path}"):  # noqa: PTH113 - as in links
            return None
        nested = self._nested_at(path) or self._discovered(path)
        if nested and path[len(nested.folder) + 1 :] in nested.files:
            return CheckoutLink(path=path, confidence="high")
        return CheckoutLink(reason=Reason.NOT_COMMITTED, message=f"{path} is not committed")

    def _files_of_submodules(self) -> Iterator[str]:
        """Yield the files of the submodules that are checked out, at the commits that are recorded."""
        waiting = list(self._checkout.submodules)
        while waiting and len(self._submodules) < _MAX_SUBMODULES:
            present = [module for module in waiting if self._is_present(module)][:_MAX_SUBMODULES]
            commands = [("-C", module.path, *tree_command(module.sha)) for module in present]
            waiting = []
            for module, output in zip(present, git_outputs(self._checkout.root, *commands), strict=True):
                # The recorded commit may not be fetched.
                if isinstance(output, GitError):
                    continue
                self._submodules[module.path] = module.sha
                tree = read_tree(output)
                yield from (f"{module.path}/{file}" for file in tree.files)
                waiting += [Submodule(f"{module.path}/{inner.path}", inner.sha) for inner in tree.submodules]

    def _is_present(self, module: Submodule) -> bool:
        return os.path.lexists(f"{self._checkout.root}/{module.path}/.git")

    def _nested_at(self, path: str) -> _Nested | None:
        """Return the innermost known repository in whose folder a path is."""
        folders = _folders(path) if self._submodules or self._nested else ()
        folder = next((folder for folder in folders if folder in self._submodules or folder in self._nested), None)
        return self._read_nested(folder) if folder else None

    def _discovered(self, path: str) -> _Nested | None:
        """Return the repository that a folder above a file on disk has, such as another worktree."""
        folder = next(
            (name for name in _folders(path) if os.path.lexists(f"{self._checkout.root}/{name}/.git")),
            None,
        )
        return self._read_nested(folder) if folder and len(self._nested) < _MAX_NESTED else None

    def _read_nested(self, folder: str) -> _Nested:
        if folder not in self._nested:
            self._nested[folder] = self._opened(folder)
        return self._nested[folder]

    def _opened(self, folder: str) -> _Nested:
        exact, path = self._overrides.exact, f"{self._checkout.root}/{folder}"
        try:
            checkout = RepositoryReading(path, self._submodules.get(folder, "HEAD"), exact=exact).finish()
            # A damaged repository is passed over by git, which then finds the one around it.
            if os.path.realpath(checkout.root) != os.path.realpath(path):
                return _Nested(folder, None, problem=f"{folder} is not a checkout")
            # What is configured for the checkout applies to unknown hosts of its submodules, too.
            kind = checkout.kind or self._checkout.kind or self._overrides.kind
            pages = checkout_pages(checkout._replace(kind=kind), None, None)
        except ScmhostError as error:
            return _Nested(folder, None, problem=f"{folder}: {error}")
        return _Nested(folder, LinkedRepository(checkout, pages, exact=exact), frozenset(checkout.files))


def _folders(path: str) -> Sequence[str]:
    """Return the folders of a path, the innermost first."""
    names = path.split("/")[:-1]
    return ["/".join(names[:count]) for count in range(len(names), 0, -1)]
