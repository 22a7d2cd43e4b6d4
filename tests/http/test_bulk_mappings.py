"""Many code mappings at once."""

from typing import Any

import pytest

from house import House


def roots(number: int) -> dict[str, str]:
    return {"stackRoot": f"/srv/{number}/", "sourceRoot": f"src/{number}/"}


def upload(house: House, *mappings: dict[str, Any], **fields: Any) -> Any:
    body = {"project": "web", "repository": "team/app", "defaultBranch": "main", "mappings": list(mappings)}
    return house.post("code-mappings/bulk/", body | fields)


def test_mappings_are_created_and_updated(house: House) -> None:
    """The same file again updates; a frame is linked by what it says."""
    house.claimed()
    assert upload(house, roots(1), roots(2)).json() == {
        "created": 2,
        "updated": 0,
        "errors": 0,
        "mappings": [{**roots(number), "status": "created", "detail": None} for number in (1, 2)],
    }
    again = upload(house, {**roots(1), "sourceRoot": "lib/"}, repository="TEAM/APP").json()
    assert (again["created"], again["updated"]) == (0, 1)
    assert house.link(file="/srv/1/a.py")["sourcePath"] == "lib/a.py"


def test_one_wrong_mapping_costs_no_other(house: House) -> None:
    """The answer is 207 and says which one is wrong, and why."""
    house.claimed()
    answer = upload(house, roots(1), {"stackRoot": "a b/", "sourceRoot": ""})
    assert (answer.status_code, answer.json()["created"], answer.json()["errors"]) == (207, 1, 1)
    assert answer.json()["mappings"][1]["status"] == "error"
    assert "spaces" in answer.json()["mappings"][1]["detail"]
    assert len(house.get("code-mappings/").json()) == 1


def test_the_limit_of_a_request_is_named(house: House) -> None:
    """300 at once, as Sentry has it."""
    house.claimed()
    assert upload(house, *map(roots, range(300))).json()["created"] == 300
    answer = upload(house, *map(roots, range(301)))
    assert (answer.status_code, list(answer.json())) == (400, ["mappings"])
    assert "limits.mappings_per_request" in answer.text
    assert upload(house).json() == {"mappings": ["At least one mapping is required."]}


def test_other_spellings_are_taken(house: House) -> None:
    """Snake case, an id in place of a slug, no branch, and empty roots."""
    house.claimed()
    body = {
        "project": house.there.project.id,
        "repository": "team/app",
        "default_branch": None,
        "provider": "github",
        "mappings": [{"stack_root": "", "source_root": ""}],
    }
    assert house.post("code-mappings/bulk/", body).json()["created"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"project": "none"}, 404, "Project not found: none"),
        ({"repository": "none"}, 404, "Repository not found: none"),
        ({"repository": "team/free"}, 400, "Repository is not associated with an integration."),
        ({"repository": "team/hidden"}, 404, "Repository not found: team/hidden"),
    ],
)
def test_what_is_not_there_is_named(house: House, fields: dict[str, Any], status: int, detail: str) -> None:
    """The words are those that Sentry's clients know."""
    house.claimed()
    house.repository("team/free", None)
    hidden = house.repository("team/hidden", None)
    house.put(f"repos/{hidden['id']}/", {"status": "hidden"})
    answer = upload(house, roots(1), **fields)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert house.get("code-mappings/").json() == []
