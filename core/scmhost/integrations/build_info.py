"""The repository and the revision that a program was built from: from a file, or from the environment."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

FILE_NAME: Final = "scmhost-build-info.json"
"""The file that ``scmhost build-info`` writes. It is looked for in the working directory."""

FILE_VARIABLE: Final = "SCMHOST_BUILD_INFO"
"""The environment variable with the path of the file, if it is elsewhere."""

_MOST_BYTES: Final = 65_536


class BuildInfo(NamedTuple):
    """Where the code of a program is from.

    Attributes:
        repository: the URL of the repository, as it is cloned or shown.
        revision: the full id of the commit.
        root: the folder of the running program that is the root of the repository; empty: the working directory.
    """

    repository: str
    revision: str
    root: str = ""


# By system: the variables whose values make the repository's URL, and the one with the commit. The first that has both
# counts. GitHub's are those of Gitea and Forgejo, too.
_VARIABLES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "scmhost": (("SCMHOST_REPOSITORY",), "SCMHOST_REVISION"),
    "GitHub": (("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"), "GITHUB_SHA"),
    "GitLab": (("CI_PROJECT_URL",), "CI_COMMIT_SHA"),
    "Woodpecker": (("CI_REPO_URL",), "CI_COMMIT_SHA"),
    "Bitbucket": (("BITBUCKET_GIT_HTTP_ORIGIN",), "BITBUCKET_COMMIT"),
    "Azure": (("BUILD_REPOSITORY_URI",), "BUILD_SOURCEVERSION"),
    "Buildkite": (("BUILDKITE_REPO",), "BUILDKITE_COMMIT"),
    "CircleCI": (("CIRCLE_REPOSITORY_URL",), "CIRCLE_SHA1"),
    "Drone": (("DRONE_REMOTE_URL",), "DRONE_COMMIT_SHA"),
    "Jenkins": (("GIT_URL",), "GIT_COMMIT"),
}
_REPOSITORY_ATTRIBUTE: Final = "vcs.repository.url.full"
_REVISION_ATTRIBUTE: Final = "vcs.ref.head.revision"


def build_info(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> BuildInfo | None:
    """Return where the code of this program is from, or None if that is not known.

    The file of ``scmhost build-info`` comes first, then the resource attributes of OpenTelemetry, then the variables of
    CI systems, which a build may pass on to the program.
    """
    file = environ.get(FILE_VARIABLE) or (folder or Path.cwd()) / FILE_NAME
    return _from_file(Path(file)) or _from_attributes(environ) or _from_variables(environ)


def _from_file(file: Path) -> BuildInfo | None:
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    repository, revision, root = (content.get(name, "") for name in BuildInfo._fields)
    if not all(isinstance(value, str) for value in (repository, revision, root)) or not (repository and revision):
        return None
    return BuildInfo(repository, revision, root)


def _from_attributes(environ: Mapping[str, str]) -> BuildInfo | None:
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    attributes = {name.strip(): unquote(value.strip()) for name, _, value in pairs}
    repository, revision = attributes.get(_REPOSITORY_ATTRIBUTE), attributes.get(_REVISION_ATTRIBUTE)
    return BuildInfo(repository, revision) if repository and revision else None


def _from_variables(environ: Mapping[str, str]) -> BuildInfo | None:
    for names, revision in _VARIABLES.values():
        parts = [environ.get(name, "").strip("/") for name in names]
        if all(parts) and environ.get(revision):
            return BuildInfo("/".join(parts), environ[revision])
    return None
