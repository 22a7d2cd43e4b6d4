"""Where the code of a program is from."""

import json
from pathlib import Path

import pytest

from command import GitRepository, scmhost
from scmhost.integrations.build_info import FILE_NAME, FILE_VARIABLE, BuildInfo, build_info
from scmhost.integrations.source_links import SourceLinks

SHA = "a" * 40
URL = "https://git.example.com/team/app"


@pytest.mark.parametrize(
    ("environ", "repository"),
    [
        ({"SCMHOST_REPOSITORY": URL, "SCMHOST_REVISION": SHA}, URL),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/app", "GITHUB_SHA": SHA},
            "https://github.com/acme/app",
        ),
        ({"SCMHOST_REPOSITORY": "ssh://git:pass@a.example/app", "SCMHOST_REVISION": SHA}, "ssh://git@a.example/app"),
        ({"CI_REPO_URL": URL, "CI_COMMIT_SHA": SHA}, URL),
        (
            {"BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/a/b", "BITBUCKET_COMMIT": SHA},
            "http://bitbucket.org/a/b",
        ),
        ({"BUILD_REPOSITORY_URI": URL, "BUILD_SOURCEVERSION": SHA}, URL),
        (
            {"BUILDKITE_REPO": "git@a.example:app.git", "BUILDKITE_COMMIT": SHA},
            "git@a.example:app.git",
        ),
        ({"CIRCLE_REPOSITORY_URL": URL, "CIRCLE_SHA1": SHA}, URL),
        ({"DRONE_REMOTE_URL": URL, "DRONE_COMMIT_SHA": SHA}, URL),
        ({"GIT_URL": URL, "GIT_COMMIT": SHA}, URL),
        ({"GIT_URL": "https://ci:pass@word@git.example.com/team/app?a@b", "GIT_COMMIT": SHA}, f"{URL}?a@b"),
        ({"GIT_URL": "HTTPS://token@git.example.com/team/app", "GIT_COMMIT": SHA}, "HTTPS://git.example.com/team/app"),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"a=b,vcs.repository.url.full={URL},vcs.ref.head.revision={SHA}"}, URL),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": f"vcs.repository.url.full=https%3A//a.example, vcs.ref.head.revision={SHA}"},
            "https://a.example",
        ),
    ],
)
def test_environment(tmp_path: Path, environ: dict[str, str], repository: str) -> None:
    """CI systems and OpenTelemetry name both in variables. Passwords are left out: spans have the URL."""
    assert build_info(environ, tmp_path) == BuildInfo(repository, SHA)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"CI_PROJECT_URL": URL, "CI_COMMIT_SHA": SHA}, "gitlab"),
        ({"CI_REPO_URL": URL, "CI_COMMIT_SHA": SHA, "CI_FORGE_TYPE": "forgejo"}, "forgejo"),
        ({"GIT_URL": URL, "GIT_COMMIT": SHA, "SCMHOST_KIND": "cgit"}, "cgit"),
        ({"CI_PROJECT_URL": URL, "CI_COMMIT_SHA": SHA, "SCMHOST_KIND": "gitlab_legacy"}, "gitlab_legacy"),
    ],
)
def test_kind_of_host(tmp_path: Path, environ: dict[str, str], kind: str) -> None:
    """Some CI systems show it; a variable of our own comes first."""
    assert build_info(environ, tmp_path) == BuildInfo(URL, SHA, kind=kind)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SCMHOST_REPOSITORY": URL},
        {"SCMHOST_REVISION": SHA},
        {"GITHUB_REPOSITORY": "acme/app", "GITHUB_SHA": SHA},
        {"SCMHOST_REPOSITORY": URL, "SCMHOST_REVISION": ""},
        {"OTEL_RESOURCE_ATTRIBUTES": "=,,x"},
    ],
)
def test_half_of_it_is_nothing(tmp_path: Path, environ: dict[str, str]) -> None:
    """A repository without a revision makes no link."""
    assert build_info(environ, tmp_path) is None


def test_file_comes_first(tmp_path: Path) -> None:
    """The file is in the working directory, or where a variable says; it has the root, too."""
    info = BuildInfo(URL, SHA, "/srv/app")
    (tmp_path / FILE_NAME).write_text(json.dumps(info._asdict()))
    assert build_info({"GIT_URL": "https://other.example/a", "GIT_COMMIT": "b" * 40}, tmp_path) == info
    moved = (tmp_path / FILE_NAME).rename(tmp_path / "other.json")
    assert build_info({}, tmp_path) is None
    assert build_info({FILE_VARIABLE: str(moved)}, tmp_path) == info


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"repository": 1, "revision": "a"}',
        '{"revision": "a"}',
        '{"repository": "", "revision": ""}',
        "\xff",
    ],
)
def test_damaged_file_is_passed_over(tmp_path: Path, text: str) -> None:
    """A program does not fail because of a damaged file."""
    (tmp_path / FILE_NAME).write_text(text, encoding="latin-1")
    assert build_info({"GIT_URL": URL, "GIT_COMMIT": SHA}, tmp_path) == BuildInfo(URL, SHA)


CORP = "git@code.corp.example:team/app.git"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout whose remote is on a host of an unknown kind, as the working directory."""
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", {"shop/cart.py": "one\n"})
    made.git("remote", "add", "origin", CORP)
    monkeypatch.chdir(made.path)
    return made


def test_command_writes_what_a_program_reads(checkout: GitRepository) -> None:
    """The repository as a web page, the commit, and the kind of host if it has to be named."""
    done = scmhost("build-info", "--kind", "gitea", "--root", "/srv/app")
    info = BuildInfo("https://code.corp.example/team/app", checkout.shas()[0], "/srv/app", "gitea")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"Wrote {FILE_NAME}: {info.repository} at {info.revision}.\n"
    assert build_info({}, checkout.path) == info
    page = f"https://code.corp.example/team/app/src/commit/{info.revision}/shop/cart.py#L1"
    assert SourceLinks(info).url("/srv/app/shop/cart.py", 1) == page


def test_command_warns_of_a_host_without_links(checkout: GitRepository) -> None:
    """The file is written, because spans have its attributes. The settings of the checkout count, too."""
    done = scmhost("build-info", "--output", "-")
    assert (done.code, "kind of code host at code.corp.example is not known; add --kind" in done.err) == (0, True)
    assert json.loads(done.out)["repository"] == "https://code.corp.example/team/app"
    (checkout.path / ".scmhost.toml").write_text('kind = "gitea"\n')
    done = scmhost("build-info", "--output", "-")
    assert (done.err, json.loads(done.out)["kind"]) == ("", "gitea")


def test_command_needs_a_remote(checkout: GitRepository) -> None:
    """Without one, or with a folder as the remote, nothing is written."""
    for words in (("set-url", "origin", "/srv/git/app.git"), ("remove", "origin")):
        checkout.git("remote", *words)
        done = scmhost("build-info")
        assert (done.code, done.out) == (1, "")
        assert done.err
    assert not (checkout.path / FILE_NAME).exists()
