"""Releases by project: the paths of older clients."""

import pytest

from api import SHA, ApiClient, commit

HERE = "/api/0/projects/acme/web/releases/"


def test_project_release_is_created_changed_and_deleted(api: ApiClient) -> None:
    """Created, listed, changed, shown with its commits, and deleted, all below the project."""
    made = api.post(HERE, {"version": "1.0", "commits": [commit()], "projects": ["web"]})
    assert (made.status_code, [item["slug"] for item in made.json()["projects"]]) == (201, ["web"])
    assert api.post(HERE, {"version": "1.0"}).status_code == 208
    assert [item["version"] for item in api.get(HERE).json()] == ["1.0"]
    assert api.put(f"{HERE}1.0/", {"ref": "main", "projects": ["api"]}).json()["ref"] == "main"
    assert api.get(f"{HERE}1.0/").json()["ref"] == "main"
    assert [item["id"] for item in api.get(f"{HERE}1.0/commits/").json()] == [SHA]
    assert api.delete(f"{HERE}1.0/").status_code == 204
    assert api.get(f"{HERE}1.0/").status_code == 404


def test_body_may_name_other_projects(api: ApiClient) -> None:
    """The release is added to the project of the path and to those of the body."""
    api.post("projects/", {"slug": "api"})
    made = api.post(HERE, {"version": "1.0", "projects": ["api"]}).json()
    assert {project["slug"] for project in made["projects"]} == {"api", "web"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_release_of_another_project_is_404(api: ApiClient, method: str) -> None:
    """A project shows its own releases only."""
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "api")
    assert api.call(method, f"{HERE}1.0/", json={}).status_code == 404
    assert api.get(f"{HERE}1.0/commits/").status_code == 404
    assert api.get(HERE).json() == []
    assert api.get("releases/1.0/").status_code == 200


def test_unknown_project_is_404(api: ApiClient) -> None:
    """Its releases cannot be listed."""
    assert api.get("/api/0/projects/acme/none/releases/").status_code == 404


def test_release_of_several_projects_stays_with_the_others(api: ApiClient) -> None:
    """A project removes itself from the release; the last one deletes it."""
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "api", "web")
    assert api.delete(f"{HERE}1.0/").status_code == 204
    assert api.get(f"{HERE}1.0/").status_code == 404
    assert [project["slug"] for project in api.get("releases/1.0/").json()["projects"]] == ["api"]
    assert api.delete("/api/0/projects/acme/api/releases/1.0/").status_code == 204
    assert api.get("releases/1.0/").status_code == 404
