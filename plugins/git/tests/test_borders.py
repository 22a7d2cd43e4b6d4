"""Repositories that reach outside of the folder of their organization, made with real git."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from command import GitRepository
from scmhost.sdk import AddRequest, Claim, Create, Installation, ProviderUnavailable, Refusal, Repository
from scmhost_git import plugin
from scmhost_git.borders import problem_outside
from scmhost_git.forms import GitSettings

GLOBEX = 7
SECRET = b"the secret of acme\n"


class Disk:
    """A repository of ``acme`` with a secret file, and a harmless one of ``globex``, which ``globex`` may change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        work = GitRepository(root / "acme" / "work")
        self.sha = work.commit(files={"secret.txt": SECRET.decode()})
        work.git("clone", "--quiet", "--bare", ".", str(root / "acme" / "app.git"))
        own = GitRepository(root / "globex" / "own")
        self.own_sha = own.commit(files={"own.txt": "own\n"})
        own.git("clone", "--quiet", "--bare", ".", str(root / "globex" / "app.git"))
        self.victim = root / "acme" / "app.git"
        self.own = root / "globex" / "app.git"
        self.settings = GitSettings(root=root, organizations={1: "acme", GLOBEX: "globex"})
        self.installation = Installation(
            id=3,
            organization_id=GLOBEX,
            provider="git",
            name="disk",
            external_id="1",
            metadata={"domain_name": "https://git.example.com"},
            configuration={"preset": "gitea"},
        )

    def git(self, *words: str) -> None:
        GitRepository(self.root / "globex" / "own").git("-C", str(self.own), *words)

    def read(self, sha: str, path: str) -> bytes | None:
        """Return a file of the repository of ``globex``."""
        created = datetime(2026, 1, 2, tzinfo=UTC)
        repository = Repository(id=5, organization_id=GLOBEX, name="app", url=None, created_at=created)
        return plugin.scm_read_file(self.installation, repository, sha, path, self.settings)

    def add(self) -> Claim | Create | Refusal:
        request = AddRequest(identifier="app")
        return plugin.scm_dispatch_repository(self.installation, request, None, self.settings)

    def offers(self) -> list[str]:
        found = plugin.scm_offer_repositories(self.installation, "", self.settings)
        return [offer.name for offer in found]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def _alternates(disk: Disk) -> None:
    (disk.own / "objects/info/alternates").write_text(f"{disk.victim}/objects\n")


def _relative_alternates(disk: Disk) -> None:
    (disk.own / "objects/info/alternates").write_text("# others\n../../../acme/app.git/objects\n")


def _quoted_alternates(disk: Disk) -> None:
    (disk.own / "objects/info/alternates").write_text(f'"{disk.victim}/objects"\n')


def _alternates_of_alternates(disk: Disk) -> None:
    """By way of a repository inside of the folder."""
    between = disk.root / "globex" / "between" / "objects"
    (between / "info").mkdir(parents=True)
    (between / "info" / "alternates").write_text(f"{disk.victim}/objects\n")
    (disk.own / "objects/info/alternates").write_text(f"{between}\n")


def _replace(path: Path, target: Path) -> None:
    """Put a link in the place of a file or folder."""
    path.rename(path.with_name(f"{path.name}.former"))
    path.symlink_to(target)


def _linked_objects(disk: Disk) -> None:
    _replace(disk.own / "objects", disk.victim / "objects")


def _linked_alternates_folder(disk: Disk) -> None:
    outside = disk.root / "info"
    outside.mkdir()
    (outside / "alternates").write_text(f"{disk.victim}/objects\n")
    _replace(disk.own / "objects/info", outside)


def _linked_packs(disk: Disk) -> None:
    GitRepository(disk.root / "acme" / "work").git("-C", str(disk.victim), "gc", "--quiet")
    _replace(disk.own / "objects/pack", disk.victim / "objects/pack")


def _one_linked_object(disk: Disk) -> None:
    for folder in (disk.victim / "objects").glob("??"):
        for file in folder.iterdir():
            (disk.own / "objects" / folder.name).mkdir(exist_ok=True)
            (disk.own / "objects" / folder.name / file.name).symlink_to(file)


def _linked_by_way_of_the_folder(disk: Disk) -> None:
    """A link to a folder inside, which has links that lead out."""
    inside = disk.root / "globex" / "stage"
    inside.mkdir()
    for folder in (disk.victim / "objects").glob("??"):
        (inside / folder.name).symlink_to(folder)
    # Links in a circle hide nothing.
    (inside / "00").symlink_to(inside / "00")
    _replace(disk.own / "objects", inside)


def _common_folder(disk: Disk) -> None:
    (disk.own / "commondir").write_text(f"{disk.victim}\n")


def _linked_worktree(disk: Disk) -> None:
    """The folder that ``git worktree add`` makes, moved to where a repository is."""
    work = disk.root / "acme" / "work"
    GitRepository(work).git("worktree", "add", "--quiet", "--detach", str(disk.root / "elsewhere"))
    made = work / ".git" / "worktrees" / "elsewhere"
    for name in ("objects", "refs"):
        (made / name).mkdir(exist_ok=True)
    (made / "commondir").write_text(f"{work}/.git\n")
    disk.own.rename(disk.own.with_name("former"))
    made.rename(disk.own)


def _included_settings(disk: Disk) -> None:
    disk.git("config", "include.path", f"{disk.victim}/config")


def _included_on_a_condition(disk: Disk) -> None:
    disk.git("config", "includeIf.gitdir:/.path", f"{disk.victim}/config")


def _files_of_a_worktree(disk: Disk) -> None:
    disk.git("config", "core.worktree", str(disk.root / "acme" / "work"))


def _names_of_authors(disk: Disk) -> None:
    disk.git("config", "mailmap.file", str(disk.root / "acme" / "work" / "secret.txt"))


def _broken_settings(disk: Disk) -> None:
    (disk.own / "config").write_text("[core\n")


def _linked_head(disk: Disk) -> None:
    _replace(disk.own / "HEAD", disk.victim / "HEAD")


def _linked_refs(disk: Disk) -> None:
    _replace(disk.own / "refs" / "heads", disk.victim / "refs" / "heads")


TRICKS = [
    _alternates,
    _relative_alternates,
    _quoted_alternates,
    _alternates_of_alternates,
    _linked_objects,
    _linked_alternates_folder,
    _linked_packs,
    _one_linked_object,
    _linked_by_way_of_the_folder,
    _common_folder,
    _linked_worktree,
    _included_settings,
    _included_on_a_condition,
    _files_of_a_worktree,
    _names_of_authors,
    _broken_settings,
    _linked_head,
    _linked_refs,
]


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__.strip("_"))
def test_a_repository_that_reaches_outside_is_refused(disk: Disk, trick: Callable[[Disk], None]) -> None:
    """Also one that was added before: nothing of the other organization is shown, and the reason is stated."""
    assert (disk.read(disk.own_sha, "own.txt"), disk.offers()) == (b"own\n", ["app", "own"])
    assert isinstance(disk.add(), Create)
    trick(disk)
    with pytest.raises(ProviderUnavailable, match=r"'app' is refused: .+") as refused:
        disk.read(disk.sha, "secret.txt")
    assert str(disk.victim) not in str(refused.value)
    added = disk.add()
    assert isinstance(added, Refusal)
    assert (added.reason, "is refused: " in added.message) == ("invalid", True)
    assert "app" not in disk.offers()


def test_what_stays_in_the_folder_is_allowed(disk: Disk) -> None:
    """Clones of one organization may share objects, and hooks may be links to anything: they never run."""
    shared = GitRepository(disk.root / "globex" / "own")
    shared.git("clone", "--quiet", "--bare", "--shared", ".", str(disk.root / "globex" / "shared.git"))
    (disk.root / "globex" / "linked.git").symlink_to(disk.own)
    _replace(disk.own / "hooks", Path("/usr/share"))
    (disk.own / "objects" / "info" / "alternates").write_text("../../own/.git/objects\n")
    (disk.own / "objects" / "ff").mkdir(exist_ok=True)
    (disk.own / "objects" / "ff" / ("f" * 38)).symlink_to(disk.own / "HEAD")
    assert disk.offers() == ["app", "linked", "own", "shared"]
    assert disk.read(disk.own_sha, "own.txt") == b"own\n"


def test_a_repository_that_is_repaired_is_read_again(disk: Disk) -> None:
    """The answer is about the files as they are now, also after an earlier one was kept."""
    top = disk.root / "globex"
    # Long ago, so that the result is kept.
    settled = problem_outside(disk.own, top), problem_outside(disk.own, top)
    _alternates(disk)
    refused = problem_outside(disk.own, top)
    (disk.own / "objects/info/alternates").unlink()
    assert settled == (None, None)
    assert refused is not None
    assert problem_outside(disk.own, top) is None
    assert disk.read(disk.own_sha, "own.txt") == b"own\n"


def test_grafts_change_no_history(disk: Disk) -> None:
    """A file of git's from former times gives commits other parents; a code host does not know it."""
    work = GitRepository(disk.root / "globex" / "own")
    first, second = disk.own_sha, work.commit(files={"own.txt": "two\n"})
    (disk.root / "globex" / "own" / ".git" / "info" / "grafts").write_text(f"{second}\n")
    created = datetime(2026, 1, 2, tzinfo=UTC)
    repository = Repository(id=5, organization_id=GLOBEX, name="own", url=None, created_at=created)
    page = plugin.scm_compare_commits(disk.installation, repository, None, second, disk.settings)
    assert [commit.sha for commit in page.commits] == [second, first]
