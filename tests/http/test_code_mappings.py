"""Code mappings on the wire."""

import json

import pytest
from sqlalchemy import text

from api import ApiClient

BRANCH_RULE = (
    "Branch name may only have letters, numbers, underscores, forward slashes, dashes, and periods. "
    "Branch name may not start or end with a forward slash."
)


def test_mapping_has_sentrys_json_shape(api: ApiClient) -> None:
    """The answer to a new mapping is 201 with the mapping, which lists show afterwards."""
    repository, installation = api.claimed()
    answer = api.mapping(repository, installation)
    assert answer.status_code == 201
    assert answer.json() | {"id": "1"} == {
        "id": "1",
        "projectId": str(api.there.project.id),
        "projectSlug": "web",
        "repoId": repository["id"],
        "repoName": "team/app",
        "integrationId": installation["id"],
        "provider": installation["provider"],
        "stackRoot": "/srv/app/",
        "sourceRoot": "src/",
        "defaultBranch": "main",
        "automaticallyGenerated": False,
        "confidence": None,
        "derivedFrom": [],
    }
    for query in ({}, {"integrationId": installation["id"]}, {"project": "-1"}, {"project": "web"}):
        assert api.get("code-mappings/", params=query).json() == [answer.json()]


def test_snake_case_is_accepted(api: ApiClient) -> None:
    """Fields may be in snake case too, as Sentry's clients send them."""
    repository, installation = api.claimed()
    body = {
        "repository_id": repository["id"],
        "integration_id": installation["id"],
        "project_id": api.there.project.id,
        "stack_root": "",
        "source_root": "",
        "default_branch": "release/1.x",
    }
    assert api.post("code-mappings/", body).status_code == 201


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"stackRoot": "a b"}, {"stackRoot": ["Path may not contain spaces or quotations"]}),
        ({"sourceRoot": "it's"}, {"sourceRoot": ["Path may not contain spaces or quotations"]}),
        ({"defaultBranch": ""}, {"defaultBranch": ["This field is required."]}),
        ({"defaultBranch": "/main"}, {"defaultBranch": [BRANCH_RULE]}),
        ({"defaultBranch": "main/"}, {"defaultBranch": [BRANCH_RULE]}),
        ({"defaultBranch": "a b"}, {"defaultBranch": [BRANCH_RULE]}),
        ({"repositoryId": 4711}, {"repositoryId": ["Repository does not exist"]}),
        ({"projectId": "text"}, {"projectId": ["A valid integer is required."]}),
        ({"integrationId": None}, {"detail": "Missing param: integrationId"}),
    ],
)
def test_wrong_mapping_is_refused_in_sentrys_words(
    api: ApiClient, fields: dict[str, object], answer: dict[str, object]
) -> None:
    """Each wrong field has the message that Sentry's clients show, and nothing is saved."""
    repository, installation = api.claimed()
    refused = api.mapping(repository, installation, **fields)
    assert (refused.status_code, refused.json()) == (400, answer)
    assert api.get("code-mappings/").json() == []


@pytest.mark.parametrize("fields", [{"projectId": 4711}, {"integrationId": 4711}])
def test_mapping_of_unknown_objects_is_404(api: ApiClient, fields: dict[str, int]) -> None:
    """Project and installation must belong to this organization."""
    repository, installation = api.claimed()
    assert api.mapping(repository, installation, **fields).status_code == 404


def test_same_roots_are_refused_twice(api: ApiClient) -> None:
    """The same roots of a repository are refused a second time with Sentry's message, and the first mapping stays."""
    repository, installation = api.claimed()
    first = api.mapping(repository, installation).json()
    again = api.mapping(repository, installation, defaultBranch="other")
    text = "Code path config already exists with this project and stack trace root"
    assert (again.status_code, again.json()) == (400, {"nonFieldErrors": [text]})
    assert api.get("code-mappings/").json() == [first]


def test_stack_root_may_have_several_source_roots(api: ApiClient) -> None:
    """A stack root may have several source roots, but no change may make two mappings equal."""
    repository, installation = api.claimed()
    first = api.mapping(repository, installation).json()
    second = api.mapping(repository, installation, sourceRoot="other/").json()
    assert api.get("code-mappings/").json() == [first, second]
    alike = {**{name: second[name] for name in ("projectId", "stackRoot")}, "sourceRoot": "src/"}
    refused = api.put(f"code-mappings/{second['id']}/", {**alike, "repositoryId": repository["id"]})
    assert (refused.status_code, list(refused.json())) == (400, ["nonFieldErrors"])
    assert api.get("code-mappings/").json() == [first, second]


def test_mapping_can_be_changed_and_deleted(api: ApiClient) -> None:
    """PUT replaces the fields, DELETE deletes the mapping, and both answer 404 afterwards."""
    repository, installation = api.claimed()
    made = api.mapping(repository, installation).json()
    body = {
        "repositoryId": repository["id"],
        "projectId": made["projectId"],
        "stackRoot": "/opt/",
        "sourceRoot": "",
        "defaultBranch": "trunk",
    }
    changed = api.put(f"code-mappings/{made['id']}/", body)
    assert changed.json() == {**made, "stackRoot": "/opt/", "sourceRoot": "", "defaultBranch": "trunk"}
    assert api.delete(f"code-mappings/{made['id']}/").status_code == 204
    for method in ("PUT", "DELETE"):
        assert api.call(method, f"code-mappings/{made['id']}/", json=body).status_code == 404


def test_change_to_another_organizations_repository_is_refused(api: ApiClient) -> None:
    """A mapping stays with its installation."""
    repository, installation = api.claimed()
    made = api.mapping(repository, installation).json()
    other = api.repository("team/other", None)
    body = {"repositoryId": other["id"], "projectId": made["projectId"], "stackRoot": "x", "sourceRoot": ""}
    refused = api.put(f"code-mappings/{made['id']}/", body)
    assert refused.json() == {"repositoryId": ["Repository does not exist"]}


def test_row_with_half_a_character_is_shown(api: ApiClient) -> None:
    """A JSON column can hold a lone surrogate. The list shows the row with a replacement for it."""
    made = api.mapping(*api.claimed()).json()
    with api.services.store.write() as tx:
        # An earlier version could store such text, which the column rejects now.
        evidence = json.dumps([["/srv/\ud800.py", "src/a.py"]])
        tx.execute(text("UPDATE code_mappings SET derived_from = :evidence"), {"evidence": evidence})
    listed = api.get("code-mappings/")
    assert listed.status_code == 200
    assert [item["id"] for item in listed.json()] == [made["id"]]
    assert listed.json()[0]["derivedFrom"] == [{"path": "/srv/\ufffd.py", "file": "src/a.py"}]
    assert api.link()["config"]["id"] == made["id"]
