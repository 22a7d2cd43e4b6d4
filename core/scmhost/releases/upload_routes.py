"""Routes of uploads that Sentry has and this host has not. Each answers 501 with the place where the files belong."""

from typing import Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from scmhost.infra.http import problem
from scmhost.organizations.access import require_scope

NOT_STORED: Final = (
    "scmhost links errors to source code, and stores no source maps and no debug files. Upload them to the server that "
    "processes the events of your application: run this one step with the SENTRY_URL and SENTRY_AUTH_TOKEN of that "
    "server. Releases, commits, deploys and code mappings belong here."
)
"""The answer to an upload. sentry-cli prints it as it is."""

_ORGANIZATION: Final = "/organizations/{organization}"
_PROJECT: Final = "/projects/{organization}/{project}"
# Clients ask for the options of an upload first. If there are none, older ones send the files to the release.
_UPLOADS: Final = (
    f"{_ORGANIZATION}/chunk-upload/",
    f"{_ORGANIZATION}/artifactbundle/assemble/",
    f"{_ORGANIZATION}/releases/{{version}}/assemble/",
    f"{_ORGANIZATION}/releases/{{version}}/files/",
    f"{_PROJECT}/releases/{{version}}/files/",
    f"{_PROJECT}/files/dsyms/",
    f"{_PROJECT}/files/difs/assemble/",
)


async def refuse_upload() -> JSONResponse:
    """Answer that files are not stored here, and where they belong."""
    return problem(501, NOT_STORED)


# Not in the OpenAPI document: it lists what the host does.
upload_router: Final = APIRouter(
    prefix="/api/0", include_in_schema=False, dependencies=[Depends(require_scope("releases"))]
)
for _path in _UPLOADS:
    upload_router.add_api_route(_path, refuse_upload, methods=["GET", "POST"])
