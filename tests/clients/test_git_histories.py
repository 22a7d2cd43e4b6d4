from pathlib import Path

import pytest

from command import GitRepository
from organization_client import OrganizationClient, remote
from real_clients import SentryCli


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """An empty checkout of team/app."""
    made = GitRepository(tmp_path / "checkout")
    made.git("remote", "add", "origin", remote("team/app"))
    return made


def linked_commit(organization: OrganizationClient, version: str) -> str:
    """Return the commit that frames of a release link to."""
    value: str = organization.link("/srv/a.py", version)["ref"]
    return value


def send(cli: SentryCli, checkout: Path, version: str, *words: str, **environ: str) -> None:
    cli("releases", "set-commits", version, "--local", *words, cwd=checkout, **environ)


def test_every_kind_of_change_arrives(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """Renamed and deleted files, symbolic links and unusual names are listed as git lists them."""
    checkout.commit(
        "First", {"old name.txt": "same\n" * 9, "naïve/é ✓.txt": "1", "gone": "1", "link": "1", "a.py": "1"}
    )
    checkout.git("mv", "old name.txt", "new name.txt")
    checkout.commit("Rename", {"gone": None, "naïve/é ✓.txt": "2"})
    (checkout.path / "link").unlink()
    (checkout.path / "link").symlink_to("a.py")
    checkout.commit("A link")
    checkout.commit("Empty")
    send(cli, checkout.path, "1.0")
    lines = checkout.git("-c", "core.quotepath=off", "log", "--no-renames", "--name-status", "--format=").splitlines()
    listed = {(line[0], line[2:]) for line in lines} - {("T", "link")}
    assert organization.files("1.0") == listed | {("A", "link"), ("D", "link")}
    assert (organization.shas("1.0"), organization.release("1.0")["notes"]) == (checkout.shas(), [])


def test_executable_files_have_their_names(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The suffix that the client adds to the names of executable files is removed."""
    checkout.commit("First", {"run.sh": "1", "plain": "1"})
    for mode in (0o755, 0o644):
        (checkout.path / "run.sh").chmod(mode)
        checkout.commit(f"Mode {mode:o}", {"plain": f"{mode}"})
    send(cli, checkout.path, "1.0")
    assert organization.shas("1.0") == checkout.shas()
    assert organization.files("1.0") == {(kind, path) for kind in "AM" for path in ("run.sh", "plain")}


def test_merges_bring_both_sides(cli: SentryCli, organization: OrganizationClient, checkout: GitRepository) -> None:
    """A release has the commits of both sides of a merge, and the merge is its head."""
    organization.map(organization.claimed("team/app"), "/srv/")
    checkout.commit("First", {"a.py": "1"})
    send(cli, checkout.path, "1.0")
    checkout.git("checkout", "--quiet", "-b", "side")
    side = checkout.commit("Side", {"side.py": "1"})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit("Main", {"a.py": "2"})
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge", "side")
    send(cli, checkout.path, "1.1")
    assert set(organization.shas("1.1")) == set(checkout.shas("HEAD~2..HEAD")) >= {side}
    assert linked_commit(organization, "1.1") == checkout.shas()[0]


def test_messages_of_any_kind_arrive(cli: SentryCli, organization: OrganizationClient, checkout: GitRepository) -> None:
    """Messages may be empty, in any script or with an invalid encoding, and authors without an address."""
    checkout.git("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", "")
    checkout.commit("naïve ✓ 日本\n\n" + "word " * 2_000)
    latin = ["-c", "i18n.commitEncoding=latin1"]
    checkout.git(*latin, "commit", "--quiet", "--allow-empty", "--file", "-", stdin=b"caf\xe9")
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "Nobody", "--author", "Nobody <>")
    send(cli, checkout.path, "1.0")
    messages = [commit["message"] for commit in organization.commits("1.0")]
    assert [message and message[:10].rstrip() for message in messages] == ["Nobody", None, "naïve ✓ 日本", ""]
    assert organization.commits("1.0")[0]["author"] == {}


def test_a_long_history_arrives_at_once(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The first release of an old repository may have thousands of commits."""
    grown = checkout.grow(3_000)
    send(cli, checkout.path, "1.0", "--initial-depth", "3000")
    assert (organization.release("1.0")["commitCount"], organization.shas("1.0")) == (3_000, grown)


def test_a_detached_head_is_the_head_of_the_release(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """Builds check out a commit instead of a branch, and often run in a subfolder."""
    organization.map(organization.claimed("team/app"), "/srv/")
    shas = checkout.grow(5)
    checkout.git("checkout", "--quiet", "--detach", shas[2])
    (checkout.path / "sub").mkdir()
    send(cli, checkout.path / "sub", "1.0")
    assert (organization.shas("1.0"), linked_commit(organization, "1.0")) == (shas[2:], shas[2])


def test_shallow_clone_sends_available_commits(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """A release from a shallow clone has the commits of the clone, and a later release has its own."""
    organization.map(organization.claimed("team/app"), "/srv/")
    shas = checkout.grow(9)
    for version, depth in (("1.0", 3), ("1.1", 1)):
        clone = checkout.path.parent / version
        checkout.git("clone", "--quiet", "--depth", str(depth), checkout.path.as_uri(), str(clone))
        send(cli, clone, version, "--ignore-missing")
        assert (organization.shas(version), linked_commit(organization, version)) == (shas[:depth], shas[0])
        shas = [checkout.commit("More"), *shas]


def test_remote_can_be_named(cli: SentryCli, organization: OrganizationClient, checkout: GitRepository) -> None:
    """One of several remotes can be chosen, in any case, and no second repository is created."""
    organization.repository("Team/App", "https://git.example.com/Team/App")
    organization.repository("me/fork", "https://git.example.com/me/fork")
    shas = checkout.grow(3)
    checkout.git("remote", "set-url", "origin", remote("me/fork"))
    for version, there in (
        ("1.0", remote("Team/App")),
        ("1.1", "https://git.example.com/TEAM/app.git"),
        ("1.2", "team/app"),
    ):
        send(cli, checkout.path, version, SENTRY_VCS_REMOTE=there)
        assert organization.commits_by_repository(version) == {"Team/App": set(shas)}
    assert set(organization.repositories()) == {"Team/App", "me/fork"}


def test_a_repository_is_found_by_its_address(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """A repository with another name is found by the path of its URL."""
    organization.repository("The shop", "https://git.example.com/Team/App.git")
    organization.repository("The till", "https://git.example.com/team/till")
    shas = checkout.grow(3)
    send(cli, checkout.path, "1.0", SENTRY_VCS_REMOTE=remote("team/app"))
    assert organization.commits_by_repository("1.0") == {"The shop": set(shas)}


def test_a_commit_that_is_older_than_those_below_it(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """After a rebase the newest commit may have the oldest author's time; it is still the head."""
    organization.map(organization.claimed("team/app"), "/srv/")
    for number in range(3):
        checkout.commit(f"Change {number}", {"a.py": f"{number}"})
    (checkout.path / "a.py").write_text("rebased", encoding="utf-8")
    checkout.git("commit", "--quiet", "--all", "--message", "Rebased", "--date", "2020-01-01T00:00:00Z")
    send(cli, checkout.path, "1.0")
    assert linked_commit(organization, "1.0") == checkout.git("rev-parse", "HEAD")
