import json
from pathlib import Path

import pytest

from clientele import SentryMcp, SentryNode
from command import GitRepository
from tenants import Tenant, remote


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """A checkout of Team/App, which the organization writes in lower case."""
    made = GitRepository(tmp_path / "checkout")
    made.grow(5)
    made.git("remote", "add", "origin", remote("Team/App"))
    return made


def test_a_release_is_made_with_the_newer_client(sentry: SentryNode, tenant: Tenant, checkout: GitRepository) -> None:
    """The client of npm makes a release, sets its commits in each way it has, deploys it and takes it away."""
    tenant.map(tenant.claimed("team/app"), "/srv/")
    version, shas = f"{tenant.slug}/app@1.0+b7", checkout.shas()
    sentry("release", "create", version, "--project", "web")
    sentry("release", "set-commits", version, "--auto", cwd=checkout.path)
    assert tenant.linked("/srv/a.py", "app@1.0+b7")["ref"] == shas[0]
    sentry("release", "set-commits", version, "--local", cwd=checkout.path)
    assert tenant.homes("app@1.0+b7") == {"team/app": set(shas)}
    assert tenant.commits("app@1.0+b7")[0]["message"] == "Change 4"
    sentry("release", "set-commits", version, "--clear")
    assert tenant.shas("app@1.0+b7") == []
    sentry("release", "set-commits", version, "--commit", f"team/app@{shas[2]}..{shas[1]}")
    assert tenant.linked("/srv/a.py", "app@1.0+b7")["ref"] == shas[1]
    sentry("release", "finalize", version)
    sentry("release", "deploy", version, "production", "blue")
    made = tenant.release("app@1.0+b7")
    assert (bool(made["dateReleased"]), made["lastDeploy"]["name"]) == (True, "blue")
    assert "production" in sentry("release", "deploys", version)
    sentry("release", "archive", version)
    assert tenant.versions() == []
    sentry("release", "restore", version)
    assert "app@1.0+b7" in sentry("release", "list", f"{tenant.slug}/web")
    sentry("release", "delete", version, "--yes")
    assert tenant.versions() == []


def test_the_newer_client_looks_around(
    sentry: SentryNode, tenant: Tenant, checkout: GitRepository, tmp_path: Path
) -> None:
    """The client of npm lists what there is, and uploads code mappings in batches."""
    tenant.claimed("team/app")
    assert f"@{tenant.slug}.invalid>" in sentry("auth", "whoami")
    assert tenant.slug in sentry("org", "list")
    assert "https://git.example.com/team/app" in sentry("repo", "list", f"{tenant.slug}/")
    assert "CustomSCM" in sentry("integration", "list", f"{tenant.slug}/")
    assert tenant.project_id in sentry("project", "view", f"{tenant.slug}/web")
    listed = [{"stackRoot": f"/srv/m{number}/", "sourceRoot": "src/"} for number in range(301)]
    (tmp_path / "mappings.json").write_text(json.dumps(listed), encoding="utf-8")
    told = sentry("code-mappings", "upload", "../mappings.json", cwd=checkout.path)
    assert "Created: 301, Updated: 0" in told
    assert tenant.linked("/srv/m300/a.py")["sourceUrl"] == "https://git.example.com/team/app/src/branch/main/src/a.py"
    assert f"@{tenant.slug}.invalid" in sentry("info", code=1)


def test_an_assistant_finds_its_way(mcp: SentryMcp, tenant: Tenant) -> None:
    """Sentry's server for assistants reads organization, projects and releases with their last commit."""
    tenant.repository("team/app")
    commit = {"id": "a" * 40, "repository": "team/app", "message": "Mend it", "timestamp": "2026-01-02T03:04:05+02:00"}
    author = {"author_name": "Ada", "author_email": "ada@example.com"}
    tenant.post("releases/", version="1.0", projects=["web"], commits=[commit | author])
    assert {"whoami", "find_organizations", "find_projects", "find_releases"} <= {
        tool["name"] for tool in mcp.ask("tools/list")["tools"]
    }
    assert f"@{tenant.slug}.invalid" in mcp.call("whoami")
    assert f"**{tenant.slug}**" in mcp.call("find_organizations")
    assert "**web**" in mcp.call("find_projects", organizationSlug=tenant.slug)
    for project in ({}, {"projectSlug": "web"}):
        told = mcp.call("find_releases", organizationSlug=tenant.slug, **project)
        assert ("## 1.0" in told, "Mend it" in told) == (True, True), told
