"""The paths of older clients: a release by its project."""

import pytest

from house import SHA, House, commit

HERE = "/api/0/projects/acme/web/releases/"


def test_project_release_is_created_changed_and_deleted(house: House) -> None:
    """Created, listed, changed, shown with its commits, and deleted, all below the project."""
    made = house.post(HERE, {"version": "1.0", "commits": [commit()], "projects": ["web"]})
    assert (made.status_code, [item["slug"] for item in made.json()["projects"]]) == (201, ["web"])
    assert house.post(HERE, {"version": "1.0"}).status_code == 208
    assert [item["version"] for item in house.get(HERE).json()] == ["1.0"]
    assert house.put(f"{HERE}1.0/", {"ref": "main", "projects": ["api"]}).json()["ref"] == "main"
    assert house.get(f"{HERE}1.0/").json()["ref"] == "main"
    assert [item["id"] for item in house.get(f"{HERE}1.0/commits/").json()] == [SHA]
    assert house.delete(f"{HERE}1.0/").status_code == 204
    assert house.get(f"{HERE}1.0/").status_code == 404


def test_other_projects_may_be_named_too(house: House) -> None:
    """The project of the path is one of those that get the release."""
    house.post("projects/", {"slug": "api"})
    made = house.post(HERE, {"version": "1.0", "projects": ["api"]}).json()
    assert {project["slug"] for project in made["projects"]} == {"api", "web"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_release_of_another_project_is_404(house: House, method: str) -> None:
    """A project shows its own releases only."""
    house.post("projects/", {"slug": "api"})
    house.release("1.0", "api")
    assert house.call(method, f"{HERE}1.0/", json={}).status_code == 404
    assert house.get(f"{HERE}1.0/commits/").status_code == 404
    assert house.get(HERE).json() == []
    assert house.get("releases/1.0/").status_code == 200


def test_an_unknown_project_is_404(house: House) -> None:
    """Whatever is asked of it."""
    assert house.get("/api/0/projects/acme/none/releases/").status_code == 404


def test_a_release_of_several_projects_stays_with_the_others(house: House) -> None:
    """Deleting by one project takes it from that one; deleting by the last one deletes it."""
    house.post("projects/", {"slug": "api"})
    house.release("1.0", "api", "web")
    assert house.delete(f"{HERE}1.0/").status_code == 204
    assert house.get(f"{HERE}1.0/").status_code == 404
    assert [project["slug"] for project in house.get("releases/1.0/").json()["projects"]] == ["api"]
    assert house.delete("/api/0/projects/acme/api/releases/1.0/").status_code == 204
    assert house.get("releases/1.0/").status_code == 404
