"""Where the code of a program is from."""

import json
from pathlib import Path

import pytest

from scmhost.integrations.build_info import FILE_NAME, FILE_VARIABLE, BuildInfo, build_info

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
        ({"CI_PROJECT_URL": URL, "CI_COMMIT_SHA": SHA}, URL),
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
        ({"OTEL_RESOURCE_ATTRIBUTES": f"a=b,vcs.repository.url.full={URL},vcs.ref.head.revision={SHA}"}, URL),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": f"vcs.repository.url.full=https%3A//a.example, vcs.ref.head.revision={SHA}"},
            "https://a.example",
        ),
    ],
)
def test_environment(tmp_path: Path, environ: dict[str, str], repository: str) -> None:
    """CI systems and OpenTelemetry name both in variables."""
    assert build_info(environ, tmp_path) == BuildInfo(repository, SHA)


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
