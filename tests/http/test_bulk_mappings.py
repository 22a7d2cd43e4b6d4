"""Many code mappings at once."""

from typing import Any

import pytest

from api import ApiClient


def roots(number: int) -> dict[str, str]:
    return {"stackRoot": f"/srv/{number}/", "sourceRoot": f"src/{number}/"}


def upload(api: ApiClient, *mappings: dict[str, Any], **fields: Any) -> Any:
    body = {"project": "web", "repository": "team/app", "defaultBranch": "main", "mappings": list(mappings)}
    return api.post("code-mappings/bulk/", body | fields)


def test_mappings_are_created_and_updated(api: ApiClient) -> None:
    """A second upload updates the mappings, and frames are linked by the new ones."""
    api.claimed()
    assert upload(api, roots(1), roots(2)).json() == {
        "created": 2,
        "updated": 0,
        "errors": 0,
        "mappings": [{**roots(number), "status": "created", "detail": None} for number in (1, 2)],
    }
    again = upload(api, {**roots(1), "sourceRoot": "lib/"}, repository="TEAM/APP").json()
    assert (again["created"], again["updated"]) == (0, 1)
    assert api.link(file="/srv/1/a.py")["sourcePath"] == "lib/a.py"


def roots_of_project(api: ApiClient) -> set[tuple[str, str]]:
    """Return the roots that the project has."""
    return {(item["stackRoot"], item["sourceRoot"]) for item in api.get("code-mappings/").json()}


def test_several_source_roots_of_one_stack_root_are_kept(api: ApiClient) -> None:
    """A stack root has the source roots of the last request; a new one replaces one that the request does not list."""
    api.claimed()
    both = [{"stackRoot": "/srv/", "sourceRoot": root} for root in ("a/", "b/")]
    assert upload(api, *both).json()["created"] == 2
    assert upload(api, *both).json()["updated"] == 2
    assert roots_of_project(api) == {("/srv/", "a/"), ("/srv/", "b/")}
    changed = upload(api, both[0], {"stackRoot": "/srv/", "sourceRoot": "c/"}, both[0]).json()
    assert (changed["created"], changed["updated"]) == (0, 3)
    assert roots_of_project(api) == {("/srv/", "a/"), ("/srv/", "c/")}


def test_mapping_moves_to_the_repository_of_the_request(api: ApiClient) -> None:
    """The only source root of a stack root is replaced together with its repository, as in Sentry's API."""
    _, installation = api.claimed()
    api.claim(api.repository("team/lib", "https://git.example.com/team/lib"), installation)
    upload(api, {"stackRoot": "/srv/", "sourceRoot": "a/"})
    assert upload(api, {"stackRoot": "/srv/", "sourceRoot": "b/"}, repository="team/lib").json()["updated"] == 1
    (left,) = api.get("code-mappings/").json()
    assert (left["repoName"], left["sourceRoot"]) == ("team/lib", "b/")


def test_wrong_mapping_does_not_stop_the_others(api: ApiClient) -> None:
    """The answer is 207 and names the wrong mapping and its problem."""
    api.claimed()
    answer = upload(api, roots(1), {"stackRoot": "a b/", "sourceRoot": ""})
    assert (answer.status_code, answer.json()["created"], answer.json()["errors"]) == (207, 1, 1)
    assert answer.json()["mappings"][1]["status"] == "error"
    assert "spaces" in answer.json()["mappings"][1]["detail"]
    assert len(api.get("code-mappings/").json()) == 1


def test_limit_of_a_request_is_named(api: ApiClient) -> None:
    """A request may have 300 mappings, as in Sentry's API."""
    api.claimed()
    assert upload(api, *map(roots, range(300))).json()["created"] == 300
    answer = upload(api, *map(roots, range(301)))
    assert (answer.status_code, list(answer.json())) == (400, ["mappings"])
    assert "limits.mappings_per_request" in answer.text
    assert upload(api).json() == {"mappings": ["At least one mapping is required."]}


def test_alternative_field_names_are_accepted(api: ApiClient) -> None:
    """Snake case, an id instead of a slug, no branch, and empty roots are accepted."""
    api.claimed()
    body = {
        "project": api.there.project.id,
        "repository": "team/app",
        "default_branch": None,
        "provider": "github",
        "mappings": [{"stack_root": "", "source_root": ""}],
    }
    assert api.post("code-mappings/bulk/", body).json()["created"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"project": "none"}, 404, "Project not found: none"),
        ({"repository": "none"}, 404, "Repository not found: none"),
        ({"repository": "team/free"}, 400, "Repository is not associated with an integration."),
        ({"repository": "team/hidden"}, 404, "Repository not found: team/hidden"),
    ],
)
def test_unknown_object_is_named(api: ApiClient, fields: dict[str, Any], status: int, detail: str) -> None:
    """The messages are those that Sentry's clients show."""
    api.claimed()
    api.repository("team/free", None)
    hidden = api.repository("team/hidden", None)
    api.put(f"repos/{hidden['id']}/", {"status": "hidden"})
    answer = upload(api, roots(1), **fields)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert api.get("code-mappings/").json() == []
