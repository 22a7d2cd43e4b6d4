"""The repository and the revision that a program was built from: from a file, or from the environment."""

import json
import os
import re
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
        kind: the kind of code host, for hosts that are not known by their name.
        template: the URL of a file's page, for a host of an unknown kind.
    """

    repository: str
    revision: str
    root: str = ""
    kind: str = ""
    template: str = ""


class _System(NamedTuple):
    """Variables of a CI system: their values make the repository's URL, one has the commit, and one the kind of host.

    ``kind``: the kind of host if its variable is not set.
    """

    repository: tuple[str, ...]
    revision: str
    kind: str = ""
    kind_variable: str = "SCMHOST_KIND"


# The first that has a repository and a commit counts. GitHub's variables are those of Gitea and Forgejo, too.
_SYSTEMS: Final = (
    _System(("SCMHOST_REPOSITORY",), "SCMHOST_REVISION"),
    _System(("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"), "GITHUB_SHA"),
    _System(("CI_PROJECT_URL",), "CI_COMMIT_SHA", "gitlab"),
    # Woodpecker
    _System(("CI_REPO_URL",), "CI_COMMIT_SHA", kind_variable="CI_FORGE_TYPE"),
    _System(("BITBUCKET_GIT_HTTP_ORIGIN",), "BITBUCKET_COMMIT"),
    # Azure
    _System(("BUILD_REPOSITORY_URI",), "BUILD_SOURCEVERSION"),
    _System(("BUILDKITE_REPO",), "BUILDKITE_COMMIT"),
    _System(("CIRCLE_REPOSITORY_URL",), "CIRCLE_SHA1"),
    _System(("DRONE_REMOTE_URL",), "DRONE_COMMIT_SHA"),
    # Jenkins
    _System(("GIT_URL",), "GIT_COMMIT"),
)
_REPOSITORY_ATTRIBUTE: Final = "vcs.repository.url.full"
_REVISION_ATTRIBUTE: Final = "vcs.ref.head.revision"


def build_info(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> BuildInfo | None:
    """Return where the code of this program is from, or None if that is not known.

    The file of ``scmhost build-info`` comes first, then the resource attributes of OpenTelemetry, then the variables of
    CI systems, which a build may pass on to the program.
    """
    file = environ.get(FILE_VARIABLE) or (folder or Path.cwd()) / FILE_NAME
    found = _from_file(Path(file)) or _from_attributes(environ) or _from_variables(environ)
    # It becomes an attribute of spans, and CI systems put passwords into URLs.
    return found and found._replace(repository=_without_password(found.repository))


def _from_file(file: Path) -> BuildInfo | None:
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    info = BuildInfo(*(content.get(name, "") for name in BuildInfo._fields))
    return info if all(isinstance(value, str) for value in info) and info.repository and info.revision else None


def _from_attributes(environ: Mapping[str, str]) -> BuildInfo | None:
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    attributes = {name.strip(): unquote(value.strip()) for name, _, value in pairs}
    repository, revision = attributes.get(_REPOSITORY_ATTRIBUTE), attributes.get(_REVISION_ATTRIBUTE)
    kind = environ.get("SCMHOST_KIND", "")
    return BuildInfo(repository, revision, kind=kind) if repository and revision else None


def _from_variables(environ: Mapping[str, str]) -> BuildInfo | None:
    for system in _SYSTEMS:
        parts = [environ.get(name, "").strip("/") for name in system.repository]
        if all(parts) and environ.get(system.revision):
            kind = environ.get("SCMHOST_KIND") or environ.get(system.kind_variable) or system.kind
            return BuildInfo("/".join(parts), environ[system.revision], kind=kind)
    return None


# Users of HTTP only read; those of SSH are a part of the address.
_HTTP_USER: Final = re.compile(r"^(https?://)[^/?#]*@", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"^([a-z+]+://[^/?#@:]*):[^/?#]*@", re.IGNORECASE)


def _without_password(url: str) -> str:
    return _PASSWORD.sub(r"\1@", _HTTP_USER.sub(r"\1", url))
