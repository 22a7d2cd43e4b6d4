"""Deploys over HTTP."""

from typing import Any

import pytest

from api import ApiClient

TOLD: dict[str, Any] = {
    "environment": "production",
    "name": None,
    "url": None,
    "dateStarted": None,
    "dateFinished": "2026-01-02T03:04:05.123456789Z",
}


def test_release_shows_its_deploys(api: ApiClient) -> None:
    """The release counts its deploys and shows the last."""
    api.release()
    made = api.post("releases/1.0/deploys/", TOLD)
    assert made.status_code == 201
    assert made.json()["dateFinished"] == "2026-01-02T03:04:05.123456Z"
    release = api.get("releases/1.0/").json()
    assert (release["deployCount"], release["lastDeploy"]) == (1, made.json())
    assert api.get("releases/1.0/deploys/").json() == [made.json()]


def test_a_retried_deploy_is_one(api: ApiClient) -> None:
    """The same request again answers 208 with the same deploy."""
    api.release()
    first, again = (api.post("releases/1.0/deploys/", TOLD) for _ in range(2))
    assert (again.status_code, again.json()) == (208, first.json())


def test_a_deploy_without_an_end_ended_now(api: ApiClient) -> None:
    """Clients end with an error where a deploy has no end."""
    api.release()
    assert api.post("releases/1.0/deploys/", {"environment": "x"}).json()["dateFinished"].endswith("Z")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"environment": " "}, "environment"),
        ({"environment": "a/b"}, "environment"),
        ({"environment": "x" * 65}, "environment"),
        ({"environment": None}, "environment"),
        ({"name": "x" * 65}, "name"),
        ({"projects": ["nope"]}, "projects"),
        ({"dateFinished": "yesterday"}, "dateFinished"),
    ],
)
def test_a_wrong_deploy_is_refused_by_field(api: ApiClient, fields: dict[str, Any], wrong: str) -> None:
    """The answer names the field, and the limit where one is passed; nothing is saved."""
    api.release()
    answer = api.post("releases/1.0/deploys/", TOLD | fields)
    assert (answer.status_code, list(answer.json())) == (400, [wrong])
    assert ("limits." in answer.text) == ("x" * 65 in str(fields))
    assert api.get("releases/1.0/deploys/").json() == []


def test_a_deploy_needs_a_release(api: ApiClient) -> None:
    """Deploys of what is not there are 404."""
    assert api.post("releases/9/deploys/", TOLD).status_code == 404
    assert api.get("releases/9/deploys/").status_code == 404


def test_a_deploy_may_be_of_one_project(api: ApiClient) -> None:
    """Projects are named by slug or id."""
    api.release()
    assert api.post("releases/1.0/deploys/", TOLD | {"projects": [api.there.project.id]}).status_code == 201
    api.post("projects/", {"slug": "api"})
    answer = api.post("releases/1.0/deploys/", TOLD | {"projects": ["api"], "environment": "other"})
    assert (answer.status_code, list(answer.json())) == (400, ["projects"])
