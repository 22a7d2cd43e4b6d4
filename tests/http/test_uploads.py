"""Uploads are refused with the place where the files belong."""

import pytest

from api import ApiClient
from scmhost.releases.routes import NOT_STORED

ORGANIZATION, PROJECT = "/api/0/organizations/acme", "/api/0/projects/acme/web"
UPLOADS = [
    f"{ORGANIZATION}/chunk-upload/",
    f"{ORGANIZATION}/artifactbundle/assemble/",
    f"{ORGANIZATION}/releases/1.0/assemble/",
    f"{ORGANIZATION}/releases/1.0/files/",
    f"{PROJECT}/releases/1.0/files/",
    f"{PROJECT}/files/dsyms/",
    f"{PROJECT}/files/difs/assemble/",
]


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_upload_is_501_and_changes_nothing(api: ApiClient, method: str, path: str) -> None:
    """The one key is the text that clients print; the token of a build gets it too."""
    for token in (api.there.token, api.token("org:ci")):
        files = {"file": b"x" * 1000} if method == "POST" else None
        answer = api.call(method, path, token=token, files=files)
        assert (answer.status_code, answer.json()) == (501, {"detail": NOT_STORED})
    assert api.get("releases/").json() == []


@pytest.mark.parametrize("path", UPLOADS)
def test_an_upload_needs_a_token_of_the_organization(api: ApiClient, path: str) -> None:
    """Nothing is reported without one."""
    assert api.client.post(path).status_code == 401
    assert api.call("POST", path, token=api.token("org:read")).status_code == 403
    assert api.call("POST", path.replace("acme", "rival")).status_code == 404


def test_releases_are_reached_as_before(api: ApiClient) -> None:
    """A version may look like the end of an upload's path."""
    api.release("files")
    assert api.get("releases/files/").json()["version"] == "files"
