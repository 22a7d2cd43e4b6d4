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
    """The same file again updates; a frame is linked by what it says."""
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


def told(api: ApiClient) -> set[tuple[str, str]]:
    """The roots that the project has."""
    return {(item["stackRoot"], item["sourceRoot"]) for item in api.get("code-mappings/").json()}


def test_several_source_roots_of_one_stack_root_are_kept(api: ApiClient) -> None:
    """What one request lists for a stack root is what it has; a new source root takes the place of one that is gone."""
    api.claimed()
    both = [{"stackRoot": "/srv/", "sourceRoot": root} for root in ("a/", "b/")]
    assert upload(api, *both).json()["created"] == 2
    assert upload(api, *both).json()["updated"] == 2
    assert told(api) == {("/srv/", "a/"), ("/srv/", "b/")}
    changed = upload(api, both[0], {"stackRoot": "/srv/", "sourceRoot": "c/"}, both[0]).json()
    assert (changed["created"], changed["updated"]) == (0, 3)
    assert told(api) == {("/srv/", "a/"), ("/srv/", "c/")}


def test_a_mapping_moves_to_the_repository_that_is_sent(api: ApiClient) -> None:
    """The only source root of a stack root is replaced, its repository too, as on Sentry's wire."""
    _, installation = api.claimed()
    api.claim(api.repository("team/lib", "https://git.example.com/team/lib"), installation)
    upload(api, {"stackRoot": "/srv/", "sourceRoot": "a/"})
    assert upload(api, {"stackRoot": "/srv/", "sourceRoot": "b/"}, repository="team/lib").json()["updated"] == 1
    (left,) = api.get("code-mappings/").json()
    assert (left["repoName"], left["sourceRoot"]) == ("team/lib", "b/")


def test_one_wrong_mapping_costs_no_other(api: ApiClient) -> None:
    """The answer is 207 and says which one is wrong, and why."""
    api.claimed()
    answer = upload(api, roots(1), {"stackRoot": "a b/", "sourceRoot": ""})
    assert (answer.status_code, answer.json()["created"], answer.json()["errors"]) == (207, 1, 1)
    assert answer.json()["mappings"][1]["status"] == "error"
    assert "spaces" in answer.json()["mappings"][1]["detail"]
    assert len(api.get("code-mappings/").json()) == 1


def test_the_limit_of_a_request_is_named(api: ApiClient) -> None:
    """300 at once, as Sentry has it."""
    api.claimed()
    assert upload(api, *map(roots, range(300))).json()["created"] == 300
    answer = upload(api, *map(roots, range(301)))
    assert (answer.status_code, list(answer.json())) == (400, ["mappings"])
    assert "limits.mappings_per_request" in answer.text
    assert upload(api).json() == {"mappings": ["At least one mapping is required."]}


def test_alternative_field_names_are_accepted(api: ApiClient) -> None:
    """Snake case, an id in place of a slug, no branch, and empty roots."""
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
    """The words are those that Sentry's clients know."""
    api.claimed()
    api.repository("team/free", None)
    hidden = api.repository("team/hidden", None)
    api.put(f"repos/{hidden['id']}/", {"status": "hidden"})
    answer = upload(api, roots(1), **fields)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert api.get("code-mappings/").json() == []
