"""The remote and the commit that links lead to."""

import pytest

from command import GitRepository
from scmhost.checkout.remotes import nearest_boundary
from scmhost.checkout.worktree import Checkout, read_checkout

UPSTREAM = "https://github.com/acme/shop"
FORK = "https://github.com/ada/shop"


@pytest.fixture
def forked(repository: GitRepository) -> GitRepository:
    """A checkout with two remotes, none of which is ``origin``."""
    repository.git("remote", "add", "acme", UPSTREAM)
    repository.git("remote", "add", "ada", FORK)
    return repository


def push(repository: GitRepository, remote: str, branch: str = "main", commit: str = "HEAD") -> None:
    """Write the ref that a push leaves."""
    repository.git("update-ref", f"refs/remotes/{remote}/{branch}", commit)


def chosen(checkout: Checkout) -> tuple[str | None, str, bool | None]:
    return checkout.remote, checkout.commit, checkout.pushed


def test_remote_that_has_the_commit_is_used(forked: GitRepository) -> None:
    """It does not need to be called ``origin``."""
    push(forked, "acme")
    second = forked.commit("Second")
    push(forked, "ada", "topic")
    assert chosen(read_checkout()) == (FORK, second, True)
    push(forked, "acme")
    assert read_checkout().remote == UPSTREAM


@pytest.mark.parametrize(
    ("setting", "value"),
    [("remote.pushDefault", "ada"), ("branch.main.pushRemote", "ada"), ("branch.main.remote", "ada")],
)
def test_settings_decide_between_remotes(forked: GitRepository, setting: str, value: str) -> None:
    """If several remotes have the commit, or nothing is known, the remote of the branch's settings is used."""
    forked.git("config", setting, value)
    assert chosen(read_checkout()) == (FORK, forked.shas()[0], None)
    push(forked, "acme")
    push(forked, "ada")
    assert read_checkout().remote == FORK
    forked.git("update-ref", "-d", "refs/remotes/ada/main")
    assert read_checkout().remote == UPSTREAM


def test_origin_and_upstream_of_a_fork(repository: GitRepository) -> None:
    """A commit that only the fork's upstream has links there, and an own one to the fork."""
    repository.git("remote", "add", "origin", FORK)
    repository.git("remote", "add", "upstream", UPSTREAM)
    push(repository, "origin")
    repository.commit("Of others")
    push(repository, "upstream")
    assert read_checkout().remote == UPSTREAM
    repository.commit("Own")
    push(repository, "origin", "topic")
    assert read_checkout().remote == FORK


def test_unpushed_commit_links_to_the_nearest_pushed_one(forked: GitRepository) -> None:
    """The remote is the one that has that commit."""
    push(forked, "acme", commit="HEAD")
    second = forked.commit("Second")
    push(forked, "ada")
    forked.commit("Third")
    third = forked.commit("Fourth")
    checkout = read_checkout()
    assert chosen(checkout) == (FORK, second, False)
    assert (checkout.head, checkout.is_behind) == (third, True)


def test_nearest_pushed_commit_has_the_fewest_steps(forked: GitRepository) -> None:
    """After a merge of a pushed branch, its commit is nearer than the start of the own branch."""
    push(forked, "acme")
    forked.git("checkout", "--quiet", "-b", "topic")
    for number in range(3):
        forked.commit(f"Own {number}")
    forked.git("checkout", "--quiet", "main")
    merged = forked.commit("Of others")
    push(forked, "acme")
    forked.git("checkout", "--quiet", "topic")
    forked.git("merge", "--quiet", "--no-ff", "--message", "Merge", "main")
    assert read_checkout().commit == merged


def test_nearest_boundary_prefers_the_first_parent() -> None:
    """At the same distance the own line of history counts."""
    assert nearest_boundary("m", ["m b a", "-a", "-b x"]) == "b"
    assert nearest_boundary("m", ["m b a", "b c", "-a", "-c"]) == "a"
    assert nearest_boundary("m", ["m n", "n m"]) is None


def test_history_without_pushed_commits_has_no_links(repository: GitRepository) -> None:
    """The remote has another history, for example only a commit with a license."""
    repository.git("remote", "add", "origin", UPSTREAM)
    tree = repository.git("rev-parse", "HEAD^{tree}")
    push(repository, "origin", commit=repository.git("commit-tree", tree, "-m", "Other"))
    checkout = read_checkout()
    assert (checkout.published, checkout.pushed) == (False, False)
    assert read_checkout("HEAD").published


def test_fetched_commit_counts_as_pushed(repository: GitRepository) -> None:
    """CI systems fetch a commit without a branch."""
    repository.git("remote", "add", "origin", UPSTREAM)
    push(repository, "origin")
    sha = repository.commit("Merge of a pull request")
    (repository.path / ".git/FETCH_HEAD").write_text(f"{sha}\t\tbranch 'x' of {UPSTREAM}\n", encoding="utf-8")
    assert chosen(read_checkout()) == (UPSTREAM, sha, None)


def test_selected_remote_decides_which_commits_are_pushed(forked: GitRepository) -> None:
    """A commit that only another remote has would be a dead link."""
    first = forked.shas()[0]
    push(forked, "acme")
    second = forked.commit("Second")
    push(forked, "ada")
    assert chosen(read_checkout()) == (FORK, second, True)
    for remote in ("acme", UPSTREAM):
        assert chosen(read_checkout(remote=remote)) == (UPSTREAM, first, False)
    assert chosen(read_checkout(remote="ada")) == (FORK, second, True)


def test_selected_remote_without_known_commits_is_trusted(forked: GitRepository) -> None:
    """Nothing shows which commits it has."""
    push(forked, "ada")
    second = forked.commit("Second")
    assert chosen(read_checkout(remote="acme")) == (UPSTREAM, second, None)
    assert read_checkout(remote="https://gitlab.com/acme/shop").remote == "https://gitlab.com/acme/shop"


def test_ref_is_linked_as_it_is(forked: GitRepository) -> None:
    """A ref that a user names is linked as it is."""
    push(forked, "acme")
    second = forked.commit("Second")
    assert chosen(read_checkout("HEAD")) == (UPSTREAM, second, False)


def test_name_of_a_remote_may_have_slashes(repository: GitRepository) -> None:
    """The refs of ``team`` and of ``team/ada`` are distinguished."""
    repository.git("remote", "add", "team", UPSTREAM)
    repository.git("remote", "add", "team/ada", FORK)
    push(repository, "team")
    repository.commit("Second")
    push(repository, "team/ada", "topic")
    assert read_checkout().remote == FORK
