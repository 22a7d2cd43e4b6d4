"""Commits find their repository, whatever name they carry."""

from typing import Any

import pytest

from house import House, commit

A, B, C, D = (letter * 40 for letter in "abcd")


def send(house: House, sha: str, name: str | None = "origin", version: str = "1.0", **fields: Any) -> dict[str, Any]:
    """Commits of a release, as a client in local mode sends them."""
    answer = house.put(f"releases/{version}/", {"commits": [commit(sha, name, **fields)]})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def home(house: House, version: str = "1.0") -> list[str]:
    return [item["repository"]["name"] for item in house.get(f"releases/{version}/commits/").json()]


@pytest.mark.parametrize("remote", ["origin", "Upstream"])
def test_remote_name_means_the_only_repository(house: House, remote: str) -> None:
    """An organization with one repository needs no name for it."""
    house.repository("Team/App")
    house.release()
    assert send(house, A, remote)["notes"] == []
    assert home(house) == ["Team/App"]


def test_origin_is_the_repository_that_the_project_is_mapped_to(house: House) -> None:
    """Of several repositories, the one that the release's project has code mappings for."""
    house.mapping(*house.claimed())
    house.repository("team/other")
    house.release()
    send(house, A)
    assert home(house) == ["team/app"]


def test_origin_is_the_repository_that_knows_a_commit(house: House) -> None:
    """A commit that one repository has already tells where the others belong."""
    house.repository("team/app")
    house.repository("team/other")
    house.post("commits/", {"commits": [commit(B, "team/other")]})
    house.release()
    house.put(
        "releases/1.0/", {"commits": [commit(A, "origin"), commit(B, "ORIGIN", timestamp="2025-01-01T00:00:00Z")]}
    )
    assert home(house) == ["team/other", "team/other"]


def test_commits_without_repository_are_kept_and_reported(house: House) -> None:
    """Where several repositories may be meant, the commits are kept, and the answer says how to set it right."""
    house.repository("team/app")
    house.repository("team/other")
    house.release()
    notes = send(house, A)["notes"]
    assert home(house) == ["origin"]
    assert len(notes) == 1
    assert "SENTRY_VCS_REMOTE" in notes[0]
    assert "SENTRY_VCS_REMOTE" in house.post("commits/", {"commits": [commit(B, "origin")]}).json()["notes"][0]


def test_commits_of_several_checkouts_do_not_erase_each_other(house: House) -> None:
    """Two repositories whose commits both say ``origin`` keep both their lists."""
    house.release()
    send(house, A, timestamp="2026-01-01T00:00:00Z")
    send(house, B, timestamp="2026-01-02T00:00:00Z")
    send(house, B, timestamp="2026-01-02T00:00:00Z")
    assert house.shas() == [B, A]


def test_repository_named_origin_is_used(house: House) -> None:
    """With a URL or an installation it is no stand-in."""
    house.repository("team/app")
    house.repository("origin", "https://git.example.com/origin")
    house.release()
    assert send(house, A)["notes"] == []
    assert home(house) == ["origin"]


def test_placeholder_repository_is_replaced_by_named_one(house: House) -> None:
    """Renamed, it is the repository that it was all along, and later commits find it."""
    house.repository("team/other")
    house.repository("team/third")
    house.release()
    send(house, A)
    stand_in = next(item for item in house.get("repos/").json() if item["name"] == "origin")
    house.put(f"repos/{stand_in['id']}/", {"name": "Team/App", "url": "https://git.example.com/Team/App"})
    house.release("2.0")
    send(house, A, "origin", "2.0")
    assert home(house, "2.0") == ["Team/App"]


@pytest.mark.parametrize("name", ["team/app", "TEAM/APP", "Team/App"])
def test_repository_names_ignore_case(house: House, name: str) -> None:
    """A remote's path in lower case makes no twin."""
    house.repository("Team/App", None)
    house.release()
    send(house, A, name)
    assert [item["name"] for item in house.get("repos/").json()] == ["Team/App"]


def test_a_path_of_a_url_finds_its_repository(house: House) -> None:
    """A repository with a name of its own is found by the path of its URL, unless two have it."""
    house.repository("The App", "https://git.example.com/Team/App.git")
    house.release()
    send(house, A, "team/app")
    assert home(house) == ["The App"]
    house.repository("Its mirror", "https://mirror.example.com/team/app")
    send(house, B, "team/app")
    assert set(home(house)) == {"The App", "team/app"}


def test_two_names_of_one_repository_are_one_list(house: House) -> None:
    """Commits that name a repository in two ways are one list of it."""
    house.repository("team/app")
    house.release()
    body = [commit(A, "origin", timestamp="2026-01-01T00:00:00Z"), commit(B, "team/app")]
    house.put("releases/1.0/", {"commits": body})
    assert (house.shas(), home(house)) == ([B, A], ["team/app", "team/app"])


def test_missing_commits_accept_any_repository_name(house: House) -> None:
    """Who asks which commits are missing names the repository as they send it."""
    house.repository("The App", "https://git.example.com/team/app")
    house.post("commits/", {"commits": [commit(A, "team/app")]})
    assert house.post("commits/missing/", {"repository": "team/app", "ids": [A, B]}).json() == {"missing": [B]}


def test_commits_of_two_projects_do_not_erase_each_other(house: House) -> None:
    """Each project sends its own range of one repository; the release keeps both, and stands at the newest."""
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    house.post("projects/", {"slug": "api"})
    house.release("1.0", "web", commits=[commit(A, timestamp="2026-01-03T00:00:00Z")])
    house.release("1.0", "api", commits=[commit(B, timestamp="2026-01-02T00:00:00Z")])
    send(house, C, "team/app", timestamp="2026-01-01T00:00:00Z")
    assert house.shas() == [A, B, C]
    assert house.link(release="1.0")["ref"] == A


def test_latest_list_replaces_commits_of_one_project_release(house: House) -> None:
    """A list that is sent anew is the repository's list."""
    house.release("1.0", commits=[commit(A)])
    send(house, D, "team/app")
    assert house.shas() == [D]
