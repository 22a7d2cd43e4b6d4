"""Settings of an organization and of a project: what goes with them, their deletion, and that it can be cancelled."""

from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from browsing import Browser, fields_of, signed_in, text_of
from scmhost.admin.removal import removal_of

PROJECT = "/organizations/acme/projects/web"


def test_project_is_deleted_by_its_name_and_kept(api: ApiClient, admin: Browser) -> None:
    """The page says in numbers what goes with it; another name is refused, and the deletion can be cancelled."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    admin.open(PROJECT)
    admin.click("Settings")
    assert "With it go: code mappings (1)." in admin.text
    admin.submit("Delete project", confirm="wbe")
    assert (admin.status, "type its name exactly" in text_of(admin.first("#wrong-confirm"))) == (400, True)
    admin.submit("Delete project", confirm="web")
    assert "It will be deleted at" in admin.text
    admin.open("/organizations/acme")
    assert "to be deleted" in text_of(admin.first("tbody tr"), " ")
    admin.open(f"{PROJECT}/settings")
    admin.submit("Keep it")
    assert "It stays." in admin.text
    assert removal_of(api.services, api.there.organization, api.there.project).due_at is None


def test_project_without_anything_is_gone(api: ApiClient, admin: Browser) -> None:
    """Its page leads back to the organization."""
    admin.open(f"{PROJECT}/settings")
    admin.submit("Delete project", confirm="web")
    assert (admin.path, "Project web is deleted." in admin.text) == ("/organizations/acme", True)
    assert api.get("projects/").json() == []


def test_organization_is_deleted_by_its_name_and_kept(api: ApiClient, admin: Browser) -> None:
    """Until the hour has passed, its first page says so."""
    admin.open("/organizations/acme")
    admin.click("Settings")
    admin.submit("Delete organization", confirm="acme")
    admin.open("/organizations/acme")
    assert "This organization will be deleted at" in admin.text
    admin.click("Keep it")
    admin.submit("Keep it")
    assert removal_of(api.services, api.there.organization).due_at is None


@pytest.mark.parametrize("path", ["/organizations/acme/settings", f"{PROJECT}/settings"])
def test_member_deletes_nothing(api: ApiClient, member: Browser, path: str) -> None:
    """The settings and their forms are for administrators."""
    member.open(path)
    assert member.status == 403
    member.open("/organizations/acme")
    fields = {**fields_of(member.form("Sign out")), "confirm": "web"}
    for act in ("delete", "keep"):
        member.post(f"{path}/{act}", fields)
        assert member.status == 403
    assert api.get("projects/").json()[0]["slug"] == "web"


def test_page_over_a_quota_names_the_limit(tmp_path: Path) -> None:
    """No other right would help: the page says which limit it is, and where it is shown."""
    with open_api(tmp_path, f"{PLUGINS_TOML}\n[limits.quotas]\nprojects = 1\n", background=False) as limited:
        browser = signed_in(limited)
        browser.submit("Create project", slug="api")
    assert (browser.status, "limits.quotas.projects" in browser.text, "page Limits" in browser.text) == (
        403,
        True,
        True,
    )
    assert "sign in as somebody else" not in browser.text
