from pathlib import Path
from typing import Any

import pytest

from command import GitRepository
from loading import case_id, load_cases
from organization_client import OrganizationClient, remote
from real_clients import SentryCli


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """A checkout of team/app with 25 commits."""
    made = GitRepository(tmp_path / "checkout")
    made.grow(25)
    made.git("remote", "add", "origin", remote("team/app"))
    return made


@pytest.fixture
def app(organization: OrganizationClient) -> None:
    """The repository team/app, claimed and mapped."""
    organization.map(organization.claimed("team/app"), "/srv/app/")


def head(organization: OrganizationClient, version: str, repository: str = "team/app") -> str:
    """The commit that frames of a release link to."""
    link = organization.link(f"/srv/{repository.rpartition('/')[2]}/a.py", version)
    assert link["sourceUrl"] == f"https://git.example.com/{repository}/src/commit/{link['ref']}/a.py", link
    value: str = link["ref"]
    return value


@pytest.mark.usefixtures("app")
def test_auto_sends_the_local_history_of_a_custom_scm(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The last commits have author, message and files, and frames link to HEAD."""
    output = cli("releases", "set-commits", "1.0", "--auto", cwd=checkout.path)
    assert "Success! Set commits for release 1.0" in output
    assert organization.commits_by_repository("1.0") == {"team/app": set(checkout.shas()[:20])}
    assert organization.shas("1.0") == checkout.shas()[:20]
    assert head(organization, "1.0") == checkout.shas()[0]
    newest = organization.commits("1.0")[0]
    assert (newest["message"].strip(), newest["author"]["name"]) == ("Change 24\n\nIts reason.", "Ada Lovelace")
    assert newest["dateCreated"].startswith(checkout.git("log", "-1", "--date=format-local:%FT%T", "--format=%ad"))
    assert {("A", f"file{number}.py") for number in range(6, 25)} <= organization.files("1.0")
    release = organization.release("1.0")
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (20, checkout.shas()[0], [])
    assert [author["email"] for author in release["authors"]] == ["ada@example.com"]
    assert checkout.shas()[0] in cli("releases", "info", "-C", "1.0")


@pytest.mark.usefixtures("app")
def test_a_release_lists_what_is_new_in_it(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The next release starts after the previous one; without new commits it is unchanged."""
    cli("releases", "set-commits", "1.0", "--auto", cwd=checkout.path)
    new = [checkout.commit("One more"), checkout.commit("Another")]
    for _ in range(2):
        cli("releases", "set-commits", "1.1", "--auto", cwd=checkout.path)
        assert organization.shas("1.1") == new[::-1]
    output = cli("releases", "set-commits", "1.2", "--auto", cwd=checkout.path)
    assert "No commits found. Leaving release alone." in output
    assert organization.release("1.2")["commitCount"] == 0
    cli("releases", "set-commits", "1.2", "--commit", f"team/app@{new[1]}")
    assert head(organization, "1.2") == new[1]


@pytest.mark.parametrize("depth", [0, 3, 24])
def test_depth_of_the_first_release_is_an_option(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository, depth: int
) -> None:
    """The build decides how many commits a first release has."""
    cli("releases", "set-commits", "1.0", "--local", "--initial-depth", str(depth), cwd=checkout.path)
    assert organization.shas("1.0") == checkout.shas()[:depth]


@pytest.mark.usefixtures("app")
def test_rewritten_history_needs_ignore_missing(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """If the previous commit is gone, the client fails, or continues with ``--ignore-missing``."""
    cli("releases", "set-commits", "1.0", "--local", cwd=checkout.path)
    checkout.git("commit", "--quiet", "--amend", "--message", "Rewritten")
    done = cli.run("releases", "set-commits", "1.1", "--local", cwd=checkout.path)
    assert (done.code, "Could not find the SHA of the previous release" in done.err) == (1, True)
    cli("releases", "set-commits", "1.1", "--local", "--ignore-missing", cwd=checkout.path)
    assert organization.shas("1.1") == checkout.shas()[:20]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("case", load_cases("clients/specs"), ids=case_id)
def test_commits_are_named_by_hand(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository, case: dict[str, Any]
) -> None:
    """A build without a checkout gives repository and commit, and frames link to that commit."""
    organization.map(organization.claimed("team/lib"), "/srv/lib/")
    words = [part for word in case["words"] for part in ("--commit", word.format(*checkout.shas()))]
    cli("releases", "set-commits", "1.0", *words)
    refs = {name: tuple(sha and sha.format(*checkout.shas()) for sha in shas) for name, shas in case["refs"].items()}
    assert organization.refs("1.0") == refs
    assert [head(organization, "1.0", name) for name in refs] == [sha for sha, _ in refs.values()]
    assert set(organization.repositories()) == {"team/app", "team/lib"}


@pytest.mark.usefixtures("app")
def test_an_unknown_repository_is_refused(cli: SentryCli, organization: OrganizationClient) -> None:
    """A mistyped name creates no repository."""
    done = cli.run("releases", "set-commits", "1.0", "--commit", "team/ap@abc")
    assert (done.code, "Unknown repo 'team/ap'" in done.err) == (1, True)
    assert set(organization.repositories()) == {"team/app"}


@pytest.mark.usefixtures("app")
def test_a_releases_commits_are_cleared(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The release has no commits, its frames link to the branch, and the repository keeps the commits."""
    cli("releases", "set-commits", "1.0", "--local", cwd=checkout.path)
    cli("releases", "set-commits", "1.0", "--clear")
    assert (organization.shas("1.0"), organization.refs("1.0"), organization.release("1.0")["lastCommit"]) == (
        [],
        {},
        None,
    )
    assert organization.link("/srv/app/a.py", "1.0")["ref"] == "main"
    kept = organization.get(f"repos/{organization.repositories()['team/app']['id']}/commits/")
    assert [commit["id"] for commit in kept] == checkout.shas()[:20]
    cli("releases", "set-commits", "1.0", "--local", cwd=checkout.path)
    assert head(organization, "1.0") == checkout.shas()[0]


@pytest.mark.parametrize("case", load_cases("clients/remotes"), ids=case_id)
def test_auto_sends_a_ref_where_the_provider_is_git(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository, case: dict[str, str]
) -> None:
    """For a provider that clients treat as git only the commit is sent, for every spelling of the remote."""
    repository = organization.claimed("team/app", provider="git_forge")
    organization.map(repository, "/srv/app/")
    organization.claimed("team/other", provider="git_forge")
    checkout.git("remote", "set-url", "origin", case["remote"])
    output = cli("releases", "set-commits", "1.0", "--auto", cwd=checkout.path)
    assert f"| team/app   | {checkout.shas()[0][:12]} |" in output
    assert organization.refs("1.0") == {"team/app": (checkout.shas()[0], None)}
    link = organization.link("/srv/app/a.py", "1.0")
    assert link["sourceUrl"] == f"https://git.example.com/team/app/{checkout.shas()[0]}/a.py"


@pytest.mark.usefixtures("app")
def test_ids_are_accepted_as_names(cli: SentryCli, organization: OrganizationClient, checkout: GitRepository) -> None:
    """Organization and project may be given by id in every step of a release."""
    numbers: dict[str, Any] = {"SENTRY_ORG": organization.id, "SENTRY_PROJECT": organization.project_id}
    for words in ("new 1.0", "set-commits 1.0 --auto", "finalize 1.0", "info -C 1.0", "list", "archive 1.0"):
        cli("releases", *words.split(), cwd=checkout.path, **numbers)
    cli("deploys", "new", "-r", "1.0", "-e", "production", "-p", organization.project_id, **numbers)
    release = organization.release("1.0")
    assert ([project["slug"] for project in release["projects"]], release["status"]) == (["web"], "archived")
    assert (release["commitCount"], release["deployCount"], bool(release["dateReleased"])) == (20, 1, True)
    cli("releases", "delete", "1.0", **numbers)
    assert organization.get("releases/", status="archived") == []


def test_without_a_project_the_release_must_be_there(
    cli: SentryCli, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """Without a project a build adds commits to an existing release, but creates none."""
    words = ["releases", "set-commits", "1.0", "--local"]
    done = cli.run(*words, cwd=checkout.path, SENTRY_PROJECT="")
    assert (done.code, "Release not found" in done.err) == (1, True)
    cli("releases", "new", "1.0")
    cli(*words, cwd=checkout.path, SENTRY_PROJECT="")
    assert organization.shas("1.0") == checkout.shas()[:20]
