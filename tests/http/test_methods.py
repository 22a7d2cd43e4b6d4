"""HEAD and OPTIONS, and what pages of other origins may do."""

from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from scmhost.plugins import ConfigError, read_settings

PAGE = "https://tools.example.com"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


@pytest.mark.parametrize(
    "path", ["repos/", "/api/0/", "/api/0/projects/acme/web/stacktrace-link/?file=/srv/a.py", "/healthz", "/readyz"]
)
def test_head_is_get_without_a_body(api: ApiClient, path: str) -> None:
    """Status and headers are those of GET."""
    head, get = api.call("HEAD", path), api.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in ("content-type", "content-length")} == {
        name: get.headers[name] for name in ("content-type", "content-length")
    }
    assert head.headers.get("link") == get.headers.get("link")


def test_head_needs_what_get_needs(api: ApiClient) -> None:
    """Errors have their status too, and a path without GET has no HEAD."""
    assert api.client.head("/api/0/organizations/acme/repos/").status_code == 401
    assert api.call("HEAD", "repos/", token=api.token("project:read")).status_code == 403
    assert api.call("HEAD", "releases/none/").status_code == 404
    refused = api.call("HEAD", "commits/")
    assert (refused.status_code, refused.content, refused.headers["allow"]) == (405, b"", "POST, OPTIONS")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/0/organizations/acme/repos/", "GET, POST, HEAD, OPTIONS"),
        ("/api/0/organizations/acme/repos/1/", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("/api/0/organizations/acme/integrations/1/", "GET, POST, DELETE, HEAD, OPTIONS"),
        ("/api/0/organizations/acme/commits/", "POST, OPTIONS"),
        ("/api/0/auth/", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_lists_the_methods_of_a_path(api: ApiClient, path: str, allowed: str) -> None:
    """All of them, whichever routes they are; a token is not needed, and no other origin is let in."""
    answer = api.client.options(path, headers=PREFLIGHT)
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (204, b"", allowed)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_options_of_an_unknown_path_is_404(api: ApiClient) -> None:
    """There is nothing to list."""
    assert api.client.options("/api/0/nothing/").status_code == 404


def test_no_origin_is_allowed_by_default(api: ApiClient) -> None:
    """An answer has no header that lets a page of another origin read it."""
    answer = api.get("repos/", headers={"Origin": PAGE})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_configured_origin_may_read(tmp_path: Path) -> None:
    """Preflights of it are answered, and its pages see paging and request ids; other origins get nothing."""
    config = PLUGINS_TOML.replace("[host]\n", f'[host]\ncors_origins = ["{PAGE}/"]\n')
    with open_api(tmp_path, config) as api:
        path = "/api/0/organizations/acme/repos/"
        before = api.client.options(path, headers=PREFLIGHT)
        assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, PAGE)
        assert "DELETE" in before.headers["access-control-allow-methods"]
        answer = api.get("repos/", headers={"Origin": PAGE})
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "Link" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        refused = api.client.get(path, headers={"Origin": PAGE})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
        other = {**PREFLIGHT, "Origin": "https://evil.example"}
        assert api.client.options(path, headers=other).status_code == 400
        assert "access-control-allow-origin" not in api.get("repos/", headers={"Origin": other["Origin"]}).headers
        assert api.client.options(path).status_code == 204


@pytest.mark.parametrize(
    "origin", ["tools.example.com", "https://a.example/path", "https://u:p@a.example", "null", "https://*.example", ""]
)
def test_an_origin_is_scheme_and_host(tmp_path: Path, origin: str) -> None:
    """Anything else would never match, and is refused."""
    config = tmp_path / "plugins.toml"
    config.write_text(f'schema = 1\n[host]\ncors_origins = ["{origin}"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="cors_origins"):
        read_settings(config, {})
