"""What a client is told to look for in its checkout."""

from typing import Any

from house import House, commit

A, B = "a" * 40, "b" * 40


def previous(house: House, version: str, **query: str) -> Any:
    answer = house.get(f"releases/{version}/previous-with-commits/", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(house: House, version: str, sha: str, name: str, *projects: str) -> None:
    house.release(version, *projects, commits=[commit(sha, name)])


def test_the_first_release_has_none_before_it(house: House) -> None:
    """An empty object is the answer that clients know; the release itself does not count."""
    of(house, "1.0", A, "team/app")
    assert previous(house, "1.0") == {}
    assert house.get("releases/9/previous-with-commits/").status_code == 404


def test_previous_release_has_its_commit(house: House) -> None:
    """A client sends only what came after it."""
    of(house, "1.0", A, "team/app")
    house.release("2.0")
    found = previous(house, "2.0")
    assert (found["version"], found["lastCommit"]["id"]) == ("1.0", A)
    assert found["dateCreated"].endswith("Z")


def test_a_ref_is_enough(house: House) -> None:
    """A release that only a ref was set for stands at a commit too."""
    house.repository("team/app")
    house.release("1.0", refs=[{"repository": "team/app", "commit": A}])
    house.release("2.0")
    assert previous(house, "2.0")["lastCommit"]["id"] == A


def test_sha_of_another_repository_is_not_shown(house: House) -> None:
    """Where the checkout may be of one of several repositories, no commit is named."""
    of(house, "1.0", A, "team/app")
    of(house, "1.1", B, "team/other")
    house.release("2.0")
    assert previous(house, "2.0") == {}
    assert previous(house, "2.0", repository="Team/App")["lastCommit"]["id"] == A
    assert previous(house, "2.0", repository="team/other")["lastCommit"]["id"] == B
    assert previous(house, "2.0", repository="team/none") == {}


def test_project_mapping_identifies_the_checkout(house: House) -> None:
    """A project whose code mappings lead to one repository has its checkout, whatever else was released."""
    house.mapping(*house.claimed())
    of(house, "1.0", A, "team/app")
    of(house, "1.1", B, "team/other")
    house.release("2.0")
    assert previous(house, "2.0")["lastCommit"]["id"] == A


def test_a_release_of_another_project_does_not_count(house: House) -> None:
    """Versions of other projects' code say nothing about this one's."""
    house.post("projects/", {"slug": "api"})
    of(house, "api-1", A, "team/app", "api")
    house.release("2.0")
    assert previous(house, "2.0") == {}


def test_placeholder_repository_is_used_when_it_is_the_only_one(house: House) -> None:
    """With one project and no repository but the stand-in, it stands for one; with two projects it may not."""
    of(house, "1.0", A, "origin")
    house.release("2.0")
    assert previous(house, "2.0")["lastCommit"]["id"] == A
    house.post("projects/", {"slug": "api"})
    assert previous(house, "2.0") == {}


def test_short_sha_is_not_shown(house: House) -> None:
    """Clients look for whole shas only."""
    house.repository("team/app")
    house.release("1.0", refs=[{"repository": "team/app", "commit": "abc1234"}])
    house.release("1.1", refs=[{"repository": "team/app", "commit": "main".rjust(40, "x")}])
    house.release("2.0")
    assert previous(house, "2.0") == {}
