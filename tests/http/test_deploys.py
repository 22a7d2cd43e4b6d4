"""Deploys over HTTP."""

from typing import Any

import pytest

from api import ApiClient

BODY: dict[str, Any] = {
    "environment": "production",
    "name": None,
    "url": None,
    "dateStarted": None,
    "dateFinished": "2026-01-02T03:04:05.123456789Z",
}


def test_release_shows_its_deploys(api: ApiClient) -> None:
    """The release has the number of its deploys and the last one."""
    api.release()
    made = api.post("releases/1.0/deploys/", BODY)
    assert made.status_code == 201
    assert made.json()["dateFinished"] == "2026-01-02T03:04:05.123456Z"
    release = api.get("releases/1.0/").json()
    assert (release["deployCount"], release["lastDeploy"]) == (1, {**made.json(), "name": ""})
    assert api.get("releases/1.0/deploys/").json() == [made.json()]


def test_repeated_deploy_is_one(api: ApiClient) -> None:
    """The same request again is answered with 208 and the same deploy."""
    api.release()
    first, again = (api.post("releases/1.0/deploys/", BODY) for _ in range(2))
    assert (again.status_code, again.json()) == (208, first.json())


def test_deploy_without_an_end_ends_now(api: ApiClient) -> None:
    """The end is set to now, because clients fail without one."""
    api.release()
    assert api.post("releases/1.0/deploys/", {"environment": "x"}).json()["dateFinished"].endswith("Z")


@pytest.mark.parametrize(
    ("fields", "invalid"),
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
def test_invalid_deploy_is_refused_by_field(api: ApiClient, fields: dict[str, Any], invalid: str) -> None:
    """The answer names the field, and the limit that was passed; nothing is saved."""
    api.release()
    answer = api.post("releases/1.0/deploys/", BODY | fields)
    assert (answer.status_code, list(answer.json())) == (400, [invalid])
    assert ("limits." in answer.text) == ("x" * 65 in str(fields))
    assert api.get("releases/1.0/deploys/").json() == []


def test_deploy_needs_a_release(api: ApiClient) -> None:
    """Deploys of a missing release are 404."""
    assert api.post("releases/9/deploys/", BODY).status_code == 404
    assert api.get("releases/9/deploys/").status_code == 404


def test_deploy_may_be_for_one_project(api: ApiClient) -> None:
    """Projects are named by slug or id."""
    api.release()
    assert api.post("releases/1.0/deploys/", BODY | {"projects": [api.there.project.id]}).status_code == 201
    api.post("projects/", {"slug": "api"})
    answer = api.post("releases/1.0/deploys/", BODY | {"projects": ["api"], "environment": "other"})
    assert (answer.status_code, list(answer.json())) == (400, ["projects"])


def test_last_deploy_has_a_name(api: ApiClient) -> None:
    """In a release it is a text, also for a deploy without a name; the list of deploys has null."""
    api.release()
    api.post("releases/1.0/deploys/", {"environment": "production"})
    assert api.get("releases/1.0/").json()["lastDeploy"]["name"] == ""
    assert api.get("releases/1.0/deploys/").json()[0]["name"] is None


def test_releases_are_listed_by_environment(api: ApiClient) -> None:
    """A release is in the environments that it was deployed to; an empty one means all of them."""
    for version, environments in (("1.0", ["staging", "production"]), ("2.0", ["staging"]), ("3.0", [])):
        api.release(version)
        for environment in environments:
            api.post(f"releases/{version}/deploys/", {"environment": environment})
    expected = {
        ("staging",): ["2.0", "1.0"],
        ("production",): ["1.0"],
        ("production", "staging"): ["2.0", "1.0"],
        ("Production",): [],
        ("",): ["3.0", "2.0", "1.0"],
    }
    for path in ("releases/", "/api/0/projects/acme/web/releases/"):
        for names, versions in expected.items():
            listed = api.get(path, params={"environment": list(names)}).json()
            assert [release["version"] for release in listed] == versions
    other = api.post("projects/", {"name": "Other"}).json()
    assert api.get(f"/api/0/projects/acme/{other['slug']}/releases/", params={"environment": "staging"}).json() == []
