"""The repository of commits is found by the name that the client sends."""

from typing import Any

import pytest

from api import ApiClient, commit

A, B, C, D = (letter * 40 for letter in "abcd")


def send(api: ApiClient, sha: str, name: str | None = "origin", version: str = "1.0", **fields: Any) -> dict[str, Any]:
    """Send commits of a release, as clients without a repository name do."""
    answer = api.put(f"releases/{version}/", {"commits": [commit(sha, name, **fields)]})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def repositories_of_commits(api: ApiClient, version: str = "1.0") -> list[str]:
    return [item["repository"]["name"] for item in api.get(f"releases/{version}/commits/").json()]


@pytest.mark.parametrize("remote", ["origin", "Upstream"])
def test_remote_name_means_the_only_repository(api: ApiClient, remote: str) -> None:
    """If an organization has one repository, its name is not needed; a note says which one was taken."""
    api.repository("Team/App")
    api.release()
    (note,) = send(api, A, remote)["notes"]
    assert (repr(remote) in note, "'Team/App'" in note, "SENTRY_VCS_REMOTE" in note) == (True, True, True)
    assert repositories_of_commits(api) == ["Team/App"]


def test_origin_is_the_repository_that_the_project_is_mapped_to(api: ApiClient) -> None:
    """Of several repositories, the one of the project's code mappings is used."""
    api.mapping(*api.claimed())
    api.repository("team/other")
    api.release()
    send(api, A)
    assert repositories_of_commits(api) == ["team/app"]


def test_origin_is_the_repository_that_has_a_commit(api: ApiClient) -> None:
    """If one repository has one of the commits, the others belong to it too."""
    api.repository("team/app")
    api.repository("team/other")
    api.post("commits/", {"commits": [commit(B, "team/other")]})
    api.release()
    api.put("releases/1.0/", {"commits": [commit(A, "origin"), commit(B, "ORIGIN", timestamp="2025-01-01T00:00:00Z")]})
    assert repositories_of_commits(api) == ["team/other", "team/other"]


def test_commits_without_repository_are_kept_and_reported(api: ApiClient) -> None:
    """If several repositories are possible, the commits are kept, and a note explains how to correct it."""
    api.repository("team/app")
    api.repository("team/other")
    api.release()
    notes = send(api, A)["notes"]
    assert repositories_of_commits(api) == ["origin"]
    assert len(notes) == 1
    assert "SENTRY_VCS_REMOTE" in notes[0]
    assert "SENTRY_VCS_REMOTE" in api.post("commits/", {"commits": [commit(B, "origin")]}).json()["notes"][0]


def test_commits_of_several_checkouts_do_not_erase_each_other(api: ApiClient) -> None:
    """Two repositories whose clients both send ``origin`` keep both lists."""
    api.release()
    send(api, A, timestamp="2026-01-01T00:00:00Z")
    send(api, B, timestamp="2026-01-02T00:00:00Z")
    send(api, B, timestamp="2026-01-02T00:00:00Z")
    assert api.shas() == [B, A]


def test_repository_named_origin_is_used(api: ApiClient) -> None:
    """With a URL or an installation it is not a placeholder."""
    api.repository("team/app")
    api.repository("origin", "https://git.example.com/origin")
    api.release()
    assert send(api, A)["notes"] == []
    assert repositories_of_commits(api) == ["origin"]


def test_placeholder_repository_is_replaced_by_named_one(api: ApiClient) -> None:
    """It is renamed, and later commits go into it."""
    api.repository("team/other")
    api.repository("team/third")
    api.release()
    send(api, A)
    placeholder = next(item for item in api.get("repos/").json() if item["name"] == "origin")
    api.put(f"repos/{placeholder['id']}/", {"name": "Team/App", "url": "https://git.example.com/Team/App"})
    api.release("2.0")
    send(api, A, "origin", "2.0")
    assert repositories_of_commits(api, "2.0") == ["Team/App"]


@pytest.mark.parametrize("name", ["team/app", "TEAM/APP", "Team/App"])
def test_repository_names_ignore_case(api: ApiClient, name: str) -> None:
    """A name in another case creates no second repository."""
    api.repository("Team/App", None)
    api.release()
    send(api, A, name)
    assert [item["name"] for item in api.get("repos/").json()] == ["Team/App"]


def test_a_path_of_a_url_finds_its_repository(api: ApiClient) -> None:
    """The path of a repository's URL is accepted as its name, unless two repositories have it."""
    api.repository("The App", "https://git.example.com/Team/App.git")
    api.release()
    send(api, A, "team/app")
    assert repositories_of_commits(api) == ["The App"]
    api.repository("Its mirror", "https://mirror.example.com/team/app")
    send(api, B, "team/app")
    assert set(repositories_of_commits(api)) == {"The App", "team/app"}


def test_two_names_of_one_repository_are_one_list(api: ApiClient) -> None:
    """Commits under two names of a repository are one list."""
    api.repository("team/app")
    api.release()
    body = [commit(A, "origin", timestamp="2026-01-01T00:00:00Z"), commit(B, "team/app")]
    api.put("releases/1.0/", {"commits": body})
    assert (api.shas(), repositories_of_commits(api)) == ([B, A], ["team/app", "team/app"])


def test_missing_commits_accept_any_repository_name(api: ApiClient) -> None:
    """A client names the repository in this request as in those that send commits."""
    api.repository("The App", "https://git.example.com/team/app")
    api.post("commits/", {"commits": [commit(A, "team/app")]})
    assert api.post("commits/missing/", {"repository": "team/app", "ids": [A, B]}).json() == {"missing": [B]}


def test_commits_of_two_projects_do_not_erase_each_other(api: ApiClient) -> None:
    """Each project sends its own range of one repository; the release keeps both, and its ref is the newest commit."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "web", commits=[commit(A, timestamp="2026-01-03T00:00:00Z")])
    api.release("1.0", "api", commits=[commit(B, timestamp="2026-01-02T00:00:00Z")])
    send(api, C, "team/app", timestamp="2026-01-01T00:00:00Z")
    assert api.shas() == [A, B, C]
    assert api.link(release="1.0")["ref"] == A


def test_latest_list_replaces_commits_of_one_project_release(api: ApiClient) -> None:
    """A new list replaces the repository's list."""
    api.release("1.0", commits=[commit(A)])
    send(api, D, "team/app")
    assert api.shas() == [D]


@pytest.mark.parametrize(
    "url",
    [
        "git@git.example.com:Team/App.git",
        "git.example.com:team/app",
        "ssh://git@git.example.com/team/app",
        "ssh://git@git.example.com:2222/team/app.git",
        "git+ssh://git@git.example.com/team/app.git",
        "git://git.example.com/team/app.git",
        "https://git.example.com/team/app",
        "https://GIT.example.com:443/team/app.git/",
        "http://git.example.com//team/app",
        "https://ci:secret@git.example.com/team/app.git",
        "https://git.example.com/team/app#main",
    ],
)
def test_url_of_a_remote_makes_no_twin(api: ApiClient, url: str) -> None:
    """Commits, refs and lists of commits take the URL of a remote where they take a name."""
    repository = api.repository("team/app", "https://git.example.com/team/app")
    sent = api.post("commits/", {"commits": [commit(A, url)]}).json()
    assert (sent["repositories"][0]["id"], sent["notes"]) == (repository["id"], [])
    assert api.post("commits/missing/", {"repository": url, "ids": [A, B]}).json() == {"missing": [B]}
    release = api.release(commits=[commit(B, url), commit(A, "team/app")])
    assert [ref["repository"] for ref in release["refs"]] == ["team/app"]
    api.put("releases/1.0/", {"refs": [{"repository": url, "commit": C}]})
    assert [(ref["repository"], ref["commit"]) for ref in api.get("releases/1.0/").json()["refs"]] == [("team/app", C)]
    assert [item["name"] for item in api.get("repos/", params={"status": ""}).json()] == ["team/app"]


def test_url_of_no_repository_creates_one_without_its_password(api: ApiClient) -> None:
    """The path becomes the name. A URL with a user and a password is not stored as it is; refs create nothing."""
    url = "https://ci:secret@git.example.com/team/app.git"
    answer = api.put("releases/1.0/", {"refs": [{"repository": url, "commit": A}]})
    assert answer.status_code == 404
    api.release()
    answer = api.put("releases/1.0/", {"refs": [{"repository": url, "commit": A}]})
    assert (answer.status_code, list(answer.json()), api.get("repos/").json()) == (400, ["refs"], [])
    api.post("commits/", {"commits": [commit(A, url)]})
    (made,) = api.get("repos/").json()
    assert (made["name"], made["url"]) == ("team/app", "https://git.example.com/team/app")
    api.repository("team/app", "https://git.example.com/team/app")
    assert len(api.get("repos/").json()) == 1


def test_origin_is_the_repository_that_is_linked_to_the_project(api: ApiClient) -> None:
    """A link of a project to a repository is enough; linking again changes nothing."""
    repository = api.repository("team/app")
    api.repository("team/other", "https://git.example.com/team/other")
    path = "/api/0/projects/acme/web/repo/"
    made = api.post(path, {"repositoryId": int(repository["id"])})
    expected = {"projectId": str(api.there.project.id), "repositoryId": repository["id"], "created": True}
    assert (made.status_code, made.json()) == (201, {"id": made.json()["id"], "source": "manual", **expected})
    again = api.post(path, {"repositoryId": int(repository["id"])})
    assert (again.status_code, again.json()) == (200, {**made.json(), "created": False})
    api.release()
    send(api, A)
    assert repositories_of_commits(api) == ["team/app"]
    events = [entry["event"] for entry in api.get("audit-logs/").json()["rows"]]
    assert events.count("project.link-repository") == 1


def test_only_an_active_repository_is_linked(api: ApiClient) -> None:
    """An unknown id, a hidden repository and a wrong body link nothing."""
    hidden = api.repository("team/app")["id"]
    api.put(f"repos/{hidden}/", {"status": "hidden"})
    path = "/api/0/projects/acme/web/repo/"
    for id_ in (int(hidden), 999):
        answer = api.post(path, {"repositoryId": id_})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Repository not found."})
    for body in ({}, {"repositoryId": "x"}, {"repositoryId": -1}, {"repositoryId": None}):
        answer = api.post(path, body)
        assert (answer.status_code, list(answer.json())) == (400, ["repositoryId"])
    assert "project.link-repository" not in {entry["event"] for entry in api.get("audit-logs/").json()["rows"]}
