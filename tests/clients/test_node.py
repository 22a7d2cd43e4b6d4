import json
from pathlib import Path

import pytest

from command import GitRepository
from organization_client import OrganizationClient, remote
from real_clients import SentryMcp, SentryNode


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """A checkout of Team/App; the organization has the name in lower case."""
    made = GitRepository(tmp_path / "checkout")
    made.grow(5)
    made.git("remote", "add", "origin", remote("Team/App"))
    return made


def test_a_release_is_made_with_the_newer_client(
    sentry: SentryNode, organization: OrganizationClient, checkout: GitRepository
) -> None:
    """The npm client creates a release, sets its commits in each way, deploys it and deletes it."""
    organization.map(organization.claimed("team/app"), "/srv/")
    version, shas = f"{organization.slug}/app@1.0+b7", checkout.shas()
    sentry("release", "create", version, "--project", "web")
    sentry("release", "set-commits", version, "--auto", cwd=checkout.path)
    assert organization.link("/srv/a.py", "app@1.0+b7")["ref"] == shas[0]
    sentry("release", "set-commits", version, "--local", cwd=checkout.path)
    assert organization.commits_by_repository("app@1.0+b7") == {"team/app": set(shas)}
    assert organization.commits("app@1.0+b7")[0]["message"] == "Change 4"
    sentry("release", "set-commits", version, "--clear")
    assert organization.shas("app@1.0+b7") == []
    sentry("release", "set-commits", version, "--commit", f"team/app@{shas[2]}..{shas[1]}")
    assert organization.link("/srv/a.py", "app@1.0+b7")["ref"] == shas[1]
    sentry("release", "finalize", version)
    sentry("release", "deploy", version, "production", "blue")
    made = organization.release("app@1.0+b7")
    assert (bool(made["dateReleased"]), made["lastDeploy"]["name"]) == (True, "blue")
    assert "production" in sentry("release", "deploys", version)
    sentry("release", "archive", version)
    assert organization.versions() == []
    sentry("release", "restore", version)
    assert "app@1.0+b7" in sentry("release", "list", f"{organization.slug}/web")
    sentry("release", "delete", version, "--yes")
    assert organization.versions() == []


def test_newer_client_lists_organization_projects_and_releases(
    sentry: SentryNode, organization: OrganizationClient, checkout: GitRepository, tmp_path: Path
) -> None:
    """The npm client lists existing objects, and uploads code mappings in batches."""
    organization.claimed("team/app")
    assert f"@{organization.slug}.invalid>" in sentry("auth", "whoami")
    assert organization.slug in sentry("org", "list")
    assert "https://git.example.com/team/app" in sentry("repo", "list", f"{organization.slug}/")
    assert "CustomSCM" in sentry("integration", "list", f"{organization.slug}/")
    assert organization.project_id in sentry("project", "view", f"{organization.slug}/web")
    listed = [{"stackRoot": f"/srv/m{number}/", "sourceRoot": "src/"} for number in range(301)]
    (tmp_path / "mappings.json").write_text(json.dumps(listed), encoding="utf-8")
    output = sentry("code-mappings", "upload", "../mappings.json", cwd=checkout.path)
    assert "Created: 301, Updated: 0" in output
    assert (
        organization.link("/srv/m300/a.py")["sourceUrl"] == "https://git.example.com/team/app/src/branch/main/src/a.py"
    )
    assert f"@{organization.slug}.invalid" in sentry("info", code=1)


def test_mcp_assistant_lists_organization_and_releases(mcp: SentryMcp, organization: OrganizationClient) -> None:
    """Sentry's server for assistants reads organization, projects and releases with their last commit."""
    organization.repository("team/app")
    commit = {"id": "a" * 40, "repository": "team/app", "message": "Mend it", "timestamp": "2026-01-02T03:04:05+02:00"}
    author = {"author_name": "Ada", "author_email": "ada@example.com"}
    organization.post("releases/", version="1.0", projects=["web"], commits=[commit | author])
    assert {"whoami", "find_organizations", "find_projects", "find_releases"} <= {
        tool["name"] for tool in mcp.request("tools/list")["tools"]
    }
    assert f"@{organization.slug}.invalid" in mcp.call("whoami")
    assert f"**{organization.slug}**" in mcp.call("find_organizations")
    assert "**web**" in mcp.call("find_projects", organizationSlug=organization.slug)
    for project in ({}, {"projectSlug": "web"}):
        output = mcp.call("find_releases", organizationSlug=organization.slug, **project)
        assert ("## 1.0" in output, "Mend it" in output) == (True, True), output
