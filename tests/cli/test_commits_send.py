import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from command import GitRepository, scmhost
from scmhost.checkout.git import GitError, git, list_shas, read_history
from scmhost.cli.releases import send_history


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """A history with a merge, a deletion, odd names and an empty commit."""
    made = GitRepository(tmp_path / "repo")
    made.commit("First", {"src/app.py": "one\n", "docs/read_me": "x\n"})
    made.commit("Second\n\nWith a body.", {"src/app.py": "two\n"})
    made.git("checkout", "--quiet", "-b", "side")
    made.commit("On the side", {"src/side.py": "s\n"})
    made.git("checkout", "--quiet", "main")
    made.commit("Drop it", {"docs/read_me": None})
    made.git("merge", "--quiet", "--no-ff", "--message", "Merge side", "side")
    made.commit("Empty")
    (made.path / "naïve file.txt").write_text("é", encoding="utf-8")
    made.commit("Odd name")
    return made


def send(repository: GitRepository, *words: str) -> dict[str, object]:
    database = f"sqlite:///{repository.path.parent}/cli.db"
    scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", database)
    options = ["--org", "acme", "--repository", "Team/App", "--git", repository.path, "--database-url", database]
    done = scmhost("commits", "send", *options, *words, "--json")
    assert done.code == 0, done.err
    answer: dict[str, object] = json.loads(done.out)
    return answer


def test_history_has_every_commit_with_its_changes(repository: GitRepository) -> None:
    """Every commit is read once, parents first, with author, time, message and changed files."""
    commits = list(read_history(repository.path, "HEAD"))
    assert [commit.sha for commit in commits] == list_shas(repository.path, "HEAD")
    by_message = {commit.message.split("\n")[0]: commit for commit in commits}
    assert by_message["First"].changes == (("A", "docs/read_me"), ("A", "src/app.py"))
    assert by_message["Second"].message == "Second\n\nWith a body."
    assert by_message["Drop it"].changes == (("D", "docs/read_me"),)
    assert by_message["Empty"].changes == ()
    assert by_message["Odd name"].changes == (("A", "naïve file.txt"),)
    assert by_message["First"].author_email == "Ada@Example.com"
    assert by_message["First"].timestamp == "2026-01-01T02:01:00+02:00"


def test_second_run_sends_nothing(repository: GitRepository) -> None:
    """A second run finds no new commits."""
    assert send(repository) == {"repository": "Team/App", "commits": 7, "new": 7}
    assert send(repository) == {"repository": "Team/App", "commits": 7, "new": 0}


def test_only_missing_commits_are_sent(repository: GitRepository) -> None:
    """A run sends the commits that are missing, also between known ones."""
    assert send(repository, "--range", "HEAD~2..HEAD~1")["new"] == 1
    assert send(repository, "--range", "HEAD~1")["new"] == 5
    assert send(repository)["new"] == 1


def test_large_commits_are_sent_in_smaller_batches(repository: GitRepository) -> None:
    """A history with large commits is sent completely, within the size limit of a request."""
    sent: list[int] = []

    class Target:
        def missing(self, name: str, shas: Sequence[str]) -> set[str]:
            return set(shas)

        def send(self, commits: Sequence[Mapping[str, object]]) -> int:
            sent.append(len(commits))
            return len(commits)

    for _ in range(3):
        repository.commit("x" * 1_200_000)
    assert send_history(Target(), "team/app", repository.path, "HEAD") == (10, 10)
    assert sent == [8, 1, 1]


def test_bare_repository_can_be_read(repository: GitRepository, tmp_path: Path) -> None:
    """A bare repository is enough."""
    repository.git("clone", "--quiet", "--bare", str(repository.path), str(tmp_path / "bare.git"))
    assert len(list(read_history(tmp_path / "bare.git", "main"))) == 7


@pytest.mark.parametrize("revision_range", ["no-such-ref", "a..b", "HEAD^^^^^^^^^^^^"])
def test_invalid_range_gives_the_message_of_git(repository: GitRepository, revision_range: str) -> None:
    """An invalid range is an error with git's own message."""
    with pytest.raises(GitError, match="git rev-list"):
        list_shas(repository.path, revision_range)
    with pytest.raises(GitError, match="git log"):
        list(read_history(repository.path, revision_range))


def test_range_cannot_be_an_option_of_git(repository: GitRepository) -> None:
    """A range that starts with a dash never reaches git."""
    done = scmhost("commits", "send", "--org", "a", "--repository", "b", "--range=--output=x", "--git", repository.path)
    assert (done.code, "not a range" in done.err) == (2, True)


def test_folder_without_git_is_an_error(tmp_path: Path) -> None:
    """Outside a repository the error has the cause."""
    with pytest.raises(GitError, match="not a git repository"):
        git(tmp_path, "rev-parse", "HEAD")
