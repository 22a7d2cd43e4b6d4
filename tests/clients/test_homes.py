"""Which repository the commits of a build belong to, when the client says only ``origin``."""

from pathlib import Path

import pytest

from clientele import SentryCli
from command import GitRepository
from tenants import Tenant, remote


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


def test_nothing_needs_to_be_set_up(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """The first build of a new organization is kept under the remote's name, and the next one goes on from there."""
    send(cli, app, "1.0")
    assert tenant.homes("1.0") == {"origin": set(app.shas())}
    new = app.commit("New")
    send(cli, app, "1.1")
    assert tenant.homes("1.1") == {"origin": {new}}


def test_what_is_set_up_later_is_found(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """Builds that ran before there was a repository stand in nobody's way."""
    send(cli, app, "1.0")
    tenant.map(tenant.claimed("team/app"), "/srv/")
    app.commit("New")
    send(cli, app, "1.1")
    assert tenant.homes("1.1") == {"team/app": set(app.shas())}
    newest = app.commit("Newest")
    send(cli, app, "1.2")
    assert tenant.homes("1.2") == {"team/app": {newest}}


def test_the_only_repository_is_the_one(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """An organization with one repository need not say anything."""
    tenant.repository("team/app")
    send(cli, app, "1.0")
    assert tenant.homes("1.0") == {"team/app": set(app.shas())}
    assert set(tenant.repositories()) == {"team/app"}


def test_the_code_mapping_of_the_project_tells(
    cli: SentryCli, tenant: Tenant, app: GitRepository, lib: GitRepository
) -> None:
    """Where each project is mapped to one repository, each build's commits arrive there."""
    api = tenant.post("projects/", slug="api")["id"]
    tenant.map(tenant.claimed("team/app"), "/srv/")
    tenant.map(tenant.claimed("team/lib"), "/srv/", project_id=api)
    send(cli, app, "app@1.0")
    send(cli, lib, "lib@1.0", SENTRY_PROJECT="api")
    assert tenant.homes("app@1.0") == {"team/app": set(app.shas())}
    assert tenant.homes("lib@1.0") == {"team/lib": set(lib.shas())}
    new = app.commit("New")
    send(cli, app, "app@1.1")
    assert tenant.homes("app@1.1") == {"team/app": {new}}


def test_a_known_commit_tells(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """Where a repository has one of the commits already, the others are its own too."""
    tenant.repository("team/app", "https://git.example.com/team/app")
    tenant.repository("team/lib", "https://git.example.com/team/lib")
    send(cli, app, "1.0", SENTRY_VCS_REMOTE=remote("team/app"))
    app.commit("New")
    send(cli, app, "1.1")
    assert tenant.homes("1.1") == {"team/app": set(app.shas())}


def test_what_nobody_can_tell_is_kept_apart(
    cli: SentryCli, tenant: Tenant, app: GitRepository, lib: GitRepository
) -> None:
    """Commits of two unknown checkouts hurt neither each other nor the repositories, and no build fails of them."""
    for name in ("team/app", "team/lib"):
        tenant.repository(name, f"https://git.example.com/{name}")
    for version in ("1.0", "1.1"):
        for checkout in (app, lib):
            send(cli, checkout, version)
        assert tenant.homes(version) == {"origin": {*app.shas(), *lib.shas()}}
        app.commit("More")
    for name in ("team/app", "team/lib"):
        assert tenant.get(f"repos/{tenant.repositories()[name]['id']}/commits/") == []


def test_what_was_kept_apart_gets_its_name(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """The repository that stood in is renamed once it is known which one it is, and builds go on with it."""
    send(cli, app, "1.0")
    stand_in = tenant.repositories()["origin"]
    change = {"name": "team/app", "url": "https://git.example.com/team/app"}
    tenant.ask("PUT", f"repos/{stand_in['id']}/", json=change)
    new = app.commit("New")
    send(cli, app, "1.1")
    assert tenant.homes("1.1") == {"team/app": {new}}


def test_two_repositories_share_a_release(
    cli: SentryCli, tenant: Tenant, app: GitRepository, lib: GitRepository
) -> None:
    """The builds of two repositories that are one release leave each other's commits alone, however often they run."""
    for name in ("team/app", "team/lib"):
        tenant.map(tenant.claimed(name), f"/srv/{name}/")
    for _ in range(2):
        for checkout, name in ((app, "team/app"), (lib, "team/lib")):
            send(cli, checkout, "1.0", SENTRY_VCS_REMOTE=remote(name))
    assert tenant.homes("1.0") == {"team/app": set(app.shas()), "team/lib": set(lib.shas())}
    for checkout, name in ((app, "team/app"), (lib, "team/lib")):
        assert tenant.linked(f"/srv/{name}/a.py", "1.0")["ref"] == checkout.shas()[0]


def test_two_projects_share_a_release(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """Two parts of one repository are released as one version, from different commits: none is lost."""
    api = tenant.post("projects/", slug="api")["id"]
    repository = tenant.claimed("team/app")
    tenant.map(repository, "/srv/")
    tenant.map(repository, "/srv/", project_id=api)
    cli("releases", "new", "1.0", "-p", "web", "-p", "api")
    early = app.shas()
    app.commit("Later")
    send(cli, app, "1.0", "--initial-depth", "2")
    app.git("checkout", "--quiet", "--detach", early[1])
    send(cli, app, "1.0", SENTRY_PROJECT="api")
    assert tenant.homes("1.0") == {"team/app": set(app.shas("main"))}
    assert tenant.linked("/srv/a.py", "1.0")["ref"] == app.shas("main")[0]


def test_a_release_of_one_project_is_listed_anew(cli: SentryCli, tenant: Tenant, app: GitRepository) -> None:
    """A build that is run again at another commit says what the release holds now."""
    tenant.map(tenant.claimed("team/app"), "/srv/")
    send(cli, app, "1.0")
    app.git("reset", "--quiet", "--hard", "HEAD~2")
    send(cli, app, "1.0")
    assert tenant.shas("1.0") == app.shas()
    assert tenant.linked("/srv/a.py", "1.0")["ref"] == app.shas()[0]


def test_a_foreign_commit_stops_no_build(
    cli: SentryCli, tenant: Tenant, app: GitRepository, lib: GitRepository
) -> None:
    """The release before may be of another repository; its commit is never asked of a checkout that lacks it."""
    for name in ("team/app", "team/lib"):
        tenant.map(tenant.claimed(name), f"/srv/{name}/")
    send(cli, app, "1.0", SENTRY_VCS_REMOTE=remote("team/app"))
    send(cli, lib, "1.1", SENTRY_VCS_REMOTE=remote("team/lib"))
    send(cli, app, "1.2", SENTRY_VCS_REMOTE=remote("team/app"))
    assert tenant.homes("1.1") == {"team/lib": set(lib.shas())}
    assert set(tenant.homes("1.2")) == {"team/app"}
