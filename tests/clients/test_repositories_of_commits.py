"""Which repository the commits of a build belong to, when the client sends only ``origin``."""

from pathlib import Path

import pytest

from command import GitRepository
from organization_client import OrganizationClient, remote
from real_clients import SentryCli


@pytest.fixture
def app(tmp_path: Path) -> GitRepository:
    """A checkout of team/app."""
    return made(tmp_path / "app", "team/app", 4)


@pytest.fixture
def lib(tmp_path: Path) -> GitRepository:
    """A checkout of team/lib, with other commits."""
    return made(tmp_path / "lib", "team/lib", 5)


def made(path: Path, name: str, commits: int) -> GitRepository:
    repository = GitRepository(path)
    repository.commit(name)
    for number in range(commits):
        repository.commit(f"{name} {number}", {"a.py": f"{number}"})
    repository.git("remote", "add", "origin", remote(name))
    return repository


def send(cli: SentryCli, checkout: GitRepository, version: str, *words: str, **environ: str) -> str:
    return cli("releases", "set-commits", version, "--auto", *words, cwd=checkout.path, **environ)


def test_first_release_needs_no_setup(cli: SentryCli, organization: OrganizationClient, app: GitRepository) -> None:
    """The commits are stored under the remote's name, and the next build continues from them."""
    send(cli, app, "1.0")
    assert organization.commits_by_repository("1.0") == {"origin": set(app.shas())}
    new = app.commit("New")
    send(cli, app, "1.1")
    assert organization.commits_by_repository("1.1") == {"origin": {new}}


def test_repository_created_later_is_found(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository
) -> None:
    """Builds that ran before the repository was created do not affect later ones."""
    send(cli, app, "1.0")
    organization.map(organization.claimed("team/app"), "/srv/")
    app.commit("New")
    send(cli, app, "1.1")
    assert organization.commits_by_repository("1.1") == {"team/app": set(app.shas())}
    newest = app.commit("Newest")
    send(cli, app, "1.2")
    assert organization.commits_by_repository("1.2") == {"team/app": {newest}}


def test_only_repository_is_used(cli: SentryCli, organization: OrganizationClient, app: GitRepository) -> None:
    """An organization with one repository needs no settings."""
    organization.repository("team/app")
    send(cli, app, "1.0")
    assert organization.commits_by_repository("1.0") == {"team/app": set(app.shas())}
    assert set(organization.repositories()) == {"team/app"}


def test_project_mapping_identifies_repository(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository, lib: GitRepository
) -> None:
    """If each project is mapped to one repository, the commits of its builds are added there."""
    api = organization.post("projects/", slug="api")["id"]
    organization.map(organization.claimed("team/app"), "/srv/")
    organization.map(organization.claimed("team/lib"), "/srv/", project_id=api)
    send(cli, app, "app@1.0")
    send(cli, lib, "lib@1.0", SENTRY_PROJECT="api")
    assert organization.commits_by_repository("app@1.0") == {"team/app": set(app.shas())}
    assert organization.commits_by_repository("lib@1.0") == {"team/lib": set(lib.shas())}
    new = app.commit("New")
    send(cli, app, "app@1.1")
    assert organization.commits_by_repository("app@1.1") == {"team/app": {new}}


def test_known_commit_identifies_repository(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository
) -> None:
    """If a repository has one of the commits already, the others are added to it."""
    organization.repository("team/app", "https://git.example.com/team/app")
    organization.repository("team/lib", "https://git.example.com/team/lib")
    send(cli, app, "1.0", SENTRY_VCS_REMOTE=remote("team/app"))
    app.commit("New")
    send(cli, app, "1.1")
    assert organization.commits_by_repository("1.1") == {"team/app": set(app.shas())}


def test_commits_of_ambiguous_repository_are_kept_separately(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository, lib: GitRepository
) -> None:
    """Commits of two unknown checkouts do not replace each other, change no repository, and fail no build."""
    for name in ("team/app", "team/lib"):
        organization.repository(name, f"https://git.example.com/{name}")
    for version in ("1.0", "1.1"):
        for checkout in (app, lib):
            send(cli, checkout, version)
        assert organization.commits_by_repository(version) == {"origin": {*app.shas(), *lib.shas()}}
        app.commit("More")
    for name in ("team/app", "team/lib"):
        assert organization.get(f"repos/{organization.repositories()[name]['id']}/commits/") == []


def test_separately_kept_commits_move_to_named_repository(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository
) -> None:
    """The placeholder is renamed to the name of its repository, and later builds use it."""
    send(cli, app, "1.0")
    placeholder = organization.repositories()["origin"]
    change = {"name": "team/app", "url": "https://git.example.com/team/app"}
    organization.request("PUT", f"repos/{placeholder['id']}/", json=change)
    new = app.commit("New")
    send(cli, app, "1.1")
    assert organization.commits_by_repository("1.1") == {"team/app": {new}}


def test_two_repositories_share_a_release(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository, lib: GitRepository
) -> None:
    """The builds of two repositories that are one release keep each other's commits, also if they run again."""
    for name in ("team/app", "team/lib"):
        organization.map(organization.claimed(name), f"/srv/{name}/")
    for _ in range(2):
        for checkout, name in ((app, "team/app"), (lib, "team/lib")):
            send(cli, checkout, "1.0", SENTRY_VCS_REMOTE=remote(name))
    assert organization.commits_by_repository("1.0") == {"team/app": set(app.shas()), "team/lib": set(lib.shas())}
    for checkout, name in ((app, "team/app"), (lib, "team/lib")):
        assert organization.link(f"/srv/{name}/a.py", "1.0")["ref"] == checkout.shas()[0]


def test_two_projects_share_a_release(cli: SentryCli, organization: OrganizationClient, app: GitRepository) -> None:
    """Two parts of one repository with the same version and different commits keep both."""
    api = organization.post("projects/", slug="api")["id"]
    repository = organization.claimed("team/app")
    organization.map(repository, "/srv/")
    organization.map(repository, "/srv/", project_id=api)
    cli("releases", "new", "1.0", "-p", "web", "-p", "api")
    early = app.shas()
    app.commit("Later")
    send(cli, app, "1.0", "--initial-depth", "2")
    app.git("checkout", "--quiet", "--detach", early[1])
    send(cli, app, "1.0", SENTRY_PROJECT="api")
    assert organization.commits_by_repository("1.0") == {"team/app": set(app.shas("main"))}
    assert organization.link("/srv/a.py", "1.0")["ref"] == app.shas("main")[0]


def test_release_of_one_project_replaces_its_commits(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository
) -> None:
    """A build that runs again at another commit replaces the commits of the release."""
    organization.map(organization.claimed("team/app"), "/srv/")
    send(cli, app, "1.0")
    app.git("reset", "--quiet", "--hard", "HEAD~2")
    send(cli, app, "1.0")
    assert organization.shas("1.0") == app.shas()
    assert organization.link("/srv/a.py", "1.0")["ref"] == app.shas()[0]


def test_commit_of_another_repository_does_not_fail_build(
    cli: SentryCli, organization: OrganizationClient, app: GitRepository, lib: GitRepository
) -> None:
    """The release before may be of another repository; a checkout without its commit gets none."""
    for name in ("team/app", "team/lib"):
        organization.map(organization.claimed(name), f"/srv/{name}/")
    send(cli, app, "1.0", SENTRY_VCS_REMOTE=remote("team/app"))
    send(cli, lib, "1.1", SENTRY_VCS_REMOTE=remote("team/lib"))
    send(cli, app, "1.2", SENTRY_VCS_REMOTE=remote("team/app"))
    assert organization.commits_by_repository("1.1") == {"team/lib": set(lib.shas())}
    assert set(organization.commits_by_repository("1.2")) == {"team/app"}
