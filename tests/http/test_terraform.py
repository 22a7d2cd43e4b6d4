"""The requests of the Terraform provider for Sentry, in its order: it cannot be installed without its registry."""

from typing import Any

from api import ApiClient


def test_terraform_plans_applies_and_destroys(api: ApiClient) -> None:
    """A repository is claimed and mapped, read again without a difference, changed and removed."""
    installation, unclaimed = api.install(), api.repository()
    assert api.get("/api/0/internal/health/").status_code == 200
    organization = api.get("/api/0/organizations/acme/").json()
    assert {"id", "slug", "name"} <= organization.keys()
    (project,) = api.get("projects/", params={"cursor": ""}).json()
    for spelling in ("provider_key", "providerKey"):
        (found,) = api.get("integrations/", params={spelling: "custom_scm"}).json()
        assert (found["id"], found["provider"]["key"]) == (installation["id"], "custom_scm")

    claim = {
        "provider": "integrations:custom_scm",
        "installation": installation["id"],
        "identifier": unclaimed["id"],
    }
    repository = api.post("repos/", claim).json()
    listed = api.get("repos/", params={"integration_id": installation["id"], "status": "", "cursor": ""}).json()
    assert [(item["id"], item["integrationId"]) for item in listed] == [(repository["id"], installation["id"])]

    wanted = {
        "defaultBranch": "main",
        "stackRoot": "/srv/app/",
        "sourceRoot": "src/",
        "repositoryId": repository["id"],
        "integrationId": installation["id"],
        "projectId": project["id"],
    }
    mapping = api.post("code-mappings/", wanted).json()
    (read,) = api.get("code-mappings/", params={"integrationId": installation["id"], "cursor": ""}).json()
    named = {"repositoryId": "repoId"}
    assert {name: read[named.get(name, name)] for name in ("id", *wanted)} == {"id": mapping["id"], **wanted}
    changed = api.put(f"code-mappings/{mapping['id']}/", {**wanted, "sourceRoot": "lib/"})
    assert (changed.status_code, changed.json()["sourceRoot"]) == (200, "lib/")

    assert api.delete(f"code-mappings/{mapping['id']}/").status_code == 204
    assert api.get("code-mappings/", params={"integrationId": installation["id"]}).json() == []
    assert api.delete(f"repos/{repository['id']}/").status_code == 202
    assert api.get("repos/", params={"integration_id": installation["id"]}).json() == []


def test_terraform_reads_projects(api: ApiClient) -> None:
    """Its data sources read each key; a list that is null would fail it."""
    for project in (api.get("/api/0/projects/acme/web/").json(), *api.get("projects/").json()):
        assert project["organization"]["slug"] == "acme"
        read = {name: project[name] for name in ("slug", "name", "platform", "teams", "features", "status")}
        expected: dict[str, Any] = {
            "slug": "web",
            "name": "web",
            "platform": None,
            "teams": [],
            "features": [],
            "status": "active",
        }
        assert read == expected
        assert {"color", "isPublic", "subjectTemplate", "dateCreated"} <= project.keys()


def test_terraform_stops_at_a_wrong_token(api: ApiClient) -> None:
    """The first request tells a wrong token from a wrong address."""
    for headers in ({}, {"Authorization": "Bearer sntrys_wrong"}):
        assert api.client.get("/api/0/internal/health/", headers=headers).status_code == 401
    assert api.get("/api/0/internal/health/", token=api.token("org:ci")).json() == {"problems": [], "healthy": {}}
    assert api.get("/api/0/users/me/regions/", token=api.token("org:ci")).json() == {"regions": []}
