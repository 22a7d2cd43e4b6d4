"""Uploads of source maps and debug files, which belong to the server that processes the events."""

from pathlib import Path

import pytest

from organization_client import OrganizationClient, new_token
from real_clients import SentryCli, SentryNode

WHERE = "stores no source maps and no debug files"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build with a source map and a debug file."""
    made = tmp_path / "built"
    made.mkdir()
    (made / "app.js").write_text("a()\n//# sourceMappingURL=app.js.map\n", encoding="utf-8")
    source_map = '{"version": 3, "sources": ["app.ts"], "names": [], "mappings": "AAAA", "file": "app.js"}'
    (made / "app.js.map").write_text(source_map, encoding="utf-8")
    (made / "app.sym").write_text("MODULE Linux x86_64 C7D3D1CB5A7B1AF9A9A9F2B5CA5DA1000 app\n", encoding="utf-8")
    return made


@pytest.mark.parametrize("words", [("sourcemaps", "upload", "--release", "1.0", "."), ("debug-files", "upload", ".")])
def test_an_upload_fails_with_the_place_to_send_it(
    cli: SentryCli, organization: OrganizationClient, folder: Path, built: Path, words: tuple[str, ...]
) -> None:
    """The client prints where the files belong, and no release is made, also with a build's token."""
    for token in (organization.token, new_token(folder, organization, "org:ci")):
        done = cli.run(*words, cwd=built, SENTRY_AUTH_TOKEN=token)
        assert (done.code, WHERE in done.err) == (1, True), done
    assert organization.versions() == []


def test_the_newer_client_says_the_same(sentry: SentryNode, organization: OrganizationClient, built: Path) -> None:
    """The npm client prints the text too."""
    output = sentry("sourcemap", "upload", ".", "--release", "1.0", cwd=built, code=30)
    assert WHERE in output
    assert organization.versions() == []
