"""The previous release, whose commit clients search for in their checkout."""

from typing import Any

from api import ApiClient, commit

A, B = "a" * 40, "b" * 40


def previous(api: ApiClient, version: str, **query: str) -> Any:
    answer = api.get(f"releases/{version}/previous-with-commits/", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def release_of(api: ApiClient, version: str, sha: str, name: str, *projects: str) -> None:
    api.release(version, *projects, commits=[commit(sha, name)])


def test_first_release_has_none_before_it(api: ApiClient) -> None:
    """The answer is an empty object, as clients expect."""
    release_of(api, "1.0", A, "team/app")
    assert previous(api, "1.0") == {}
    assert api.get("releases/9/previous-with-commits/").status_code == 404


def test_previous_release_has_its_commit(api: ApiClient) -> None:
    """A client then sends only the commits after it."""
    release_of(api, "1.0", A, "team/app")
    api.release("2.0")
    found = previous(api, "2.0")
    assert (found["version"], found["lastCommit"]["id"]) == ("1.0", A)
    assert found["dateCreated"].endswith("Z")


def test_ref_is_enough(api: ApiClient) -> None:
    """A release without a list of commits has a head if a ref was set."""
    api.repository("team/app")
    api.release("1.0", refs=[{"repository": "team/app", "commit": A}])
    api.release("2.0")
    assert previous(api, "2.0")["lastCommit"]["id"] == A


def test_sha_of_another_repository_is_not_shown(api: ApiClient) -> None:
    """If the checkout may be of one of several repositories, the answer has no commit."""
    release_of(api, "1.0", A, "team/app")
    release_of(api, "1.1", B, "team/other")
    api.release("2.0")
    assert previous(api, "2.0") == {}
    assert previous(api, "2.0", repository="Team/App")["lastCommit"]["id"] == A
    assert previous(api, "2.0", repository="team/other")["lastCommit"]["id"] == B
    assert previous(api, "2.0", repository="team/none") == {}


def test_project_mapping_identifies_the_checkout(api: ApiClient) -> None:
    """A project whose code mappings lead to one repository has its checkout, even if others are released."""
    api.mapping(*api.claimed())
    release_of(api, "1.0", A, "team/app")
    release_of(api, "1.1", B, "team/other")
    api.release("2.0")
    assert previous(api, "2.0")["lastCommit"]["id"] == A


def test_release_of_another_project_does_not_count(api: ApiClient) -> None:
    """Its commits are of other code."""
    api.post("projects/", {"slug": "api"})
    release_of(api, "api-1", A, "team/app", "api")
    api.release("2.0")
    assert previous(api, "2.0") == {}


def test_placeholder_repository_is_used_when_it_is_the_only_one(api: ApiClient) -> None:
    """With two projects, its commits may be of two repositories."""
    release_of(api, "1.0", A, "origin")
    api.release("2.0")
    assert previous(api, "2.0")["lastCommit"]["id"] == A
    api.post("projects/", {"slug": "api"})
    assert previous(api, "2.0") == {}


def test_short_sha_is_not_shown(api: ApiClient) -> None:
    """Clients search for full shas only."""
    api.repository("team/app")
    api.release("1.0", refs=[{"repository": "team/app", "commit": "abc1234"}])
    api.release("1.1", refs=[{"repository": "team/app", "commit": "main".rjust(40, "x")}])
    api.release("2.0")
    assert previous(api, "2.0") == {}
