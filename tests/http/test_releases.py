"""Releases over HTTP."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from api import OLDER_SHA, PLUGINS_TOML, SHA, ApiClient, commit, open_api
from hosting import candidate


def new(api: ApiClient, version: str = "1.0", **fields: object) -> dict[str, Any]:
    answer = api.post("releases/", {"version": version, "projects": ["web"], **fields})
    assert answer.status_code in (201, 208), answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_release_is_created_with_its_commits(api: ApiClient) -> None:
    """Commits in a release create their repository and become the release's list, newest first."""
    commits = [
        commit(OLDER_SHA, timestamp="2026-01-01T00:00:00Z", author_email="BOB@example.com", author_name="Bob"),
        commit(SHA),
    ]
    release = new(api, commits=commits)
    assert (release["version"], release["status"], release["commitCount"]) == ("1.0", "open", 2)
    assert [project["slug"] for project in release["projects"]] == ["web"]
    assert release["lastCommit"]["id"] == SHA
    assert release["dateCreated"].endswith("Z")
    assert {author["email"] for author in release["authors"]} == {"ada@example.com", "bob@example.com"}
    listed = api.get("releases/1.0/commits/").json()
    assert [item["id"] for item in listed] == [SHA, OLDER_SHA]
    assert listed[0]["repository"]["name"] == "team/app"
    assert listed[0]["author"] == {"name": "Ada", "email": "ada@example.com"}
    assert listed[0]["dateCreated"] == "2026-01-02T01:04:05Z"
    assert listed[0]["releases"][0]["version"] == "1.0"


def test_repeated_creation_changes_nothing(api: ApiClient) -> None:
    """A retried POST answers 208 with the same release."""
    body = {"version": "1.0", "projects": ["web"], "commits": [commit()]}
    first = api.post("releases/", body)
    again = api.post("releases/", body)
    assert (first.status_code, again.status_code) == (201, 208)
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "commits",
    [
        [],
        [commit(OLDER_SHA), commit(SHA, repository="team/lib", timestamp="2027-01-01T00:00:00+02:00")],
        [{"id": SHA}, {"id": OLDER_SHA, "message": "Round\n\nFixes SHOP-12", "author_name": "Zoë B"}],
        [{"id": OLDER_SHA, "repository": "b"}, {"id": SHA, "repository": "a"}, commit("e" * 40, repository="c")],
    ],
    ids=["none", "two repositories", "without times", "the same times"],
)
def test_answer_to_a_new_release_is_what_is_stored(api: ApiClient, commits: list[dict[str, Any]]) -> None:
    """It is made of the saved values, and equal to the release that is read."""
    assert new(api, commits=commits) == api.get("releases/1.0/").json()


def test_another_project_is_attached(api: ApiClient) -> None:
    """A release may have several projects; adding one is answered with 201."""
    new(api)
    api.post("projects/", {"slug": "api"})
    answer = api.post("releases/", {"version": "1.0", "projects": ["api"]})
    assert answer.status_code == 201
    assert {project["slug"] for project in answer.json()["projects"]} == {"api", "web"}


def test_new_list_replaces_the_list_of_its_repository_only(api: ApiClient) -> None:
    """Commits of two repositories on one release do not erase each other."""
    new(api, commits=[commit("1" * 40, "team/one"), commit("2" * 40, "team/two")])
    changed = api.put("releases/1.0/", {"commits": [commit("3" * 40, "team/one")]})
    assert changed.json()["commitCount"] == 2
    assert {item["id"] for item in api.get("releases/1.0/commits/").json()} == {"2" * 40, "3" * 40}


def test_put_changes_given_fields(api: ApiClient) -> None:
    """Absent fields keep their values."""
    new(api, ref="main")
    fields = {"url": "https://ci.example.com/1", "dateReleased": "2026-01-02T03:04:05.123456789Z", "status": "archived"}
    release = api.put("releases/1.0/", fields).json()
    assert (release["ref"], release["url"], release["status"]) == ("main", "https://ci.example.com/1", "archived")
    assert release["dateReleased"] == "2026-01-02T03:04:05.123456Z"
    assert api.get("releases/").json() == []
    assert [item["version"] for item in api.get("releases/", params={"status": "archived"}).json()] == ["1.0"]


def test_refs_set_the_commit_of_a_repository(api: ApiClient) -> None:
    """A release with a ref has a commit to link to."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    new(api, refs=[{"repository": "TEAM/app", "commit": f"{OLDER_SHA}..{SHA}", "previousCommit": None}])
    assert api.link(release="1.0")["ref"] == SHA
    (kept,) = api.get("releases/1.0/").json()["refs"]
    assert (kept["repository"], kept["commit"], kept["previousCommit"]) == ("team/app", SHA, OLDER_SHA)
    assert api.get("releases/").json()[0]["refs"] == [kept]


def test_ref_has_the_page_that_compares_it(api: ApiClient) -> None:
    """The URL needs the previous commit, and a code host with such pages."""
    api.claimed(preset="gitea")
    api.repository("team/free", "https://git.example.com/team/free")
    ranges = [("team/app", f"{OLDER_SHA}..{SHA}"), ("team/free", f"{OLDER_SHA}..{SHA}")]
    new(api, refs=[{"repository": name, "commit": commits} for name, commits in ranges])
    page = f"https://git.example.com/team/app/compare/{OLDER_SHA}...{SHA}"
    assert [ref["compareUrl"] for ref in api.get("releases/1.0/").json()["refs"]] == [page, None]
    api.put("releases/1.0/", {"refs": [{"repository": "team/app", "commit": SHA}]})
    assert api.get("releases/1.0/").json()["refs"][0]["compareUrl"] is None


def test_unknown_repositories_in_refs_are_named(api: ApiClient) -> None:
    """A ref of an unknown repository refuses the request, and nothing is saved."""
    refs = [{"repository": name, "commit": SHA} for name in ("a", "b")]
    answer = api.post("releases/", {"version": "1.0", "projects": ["web"], "refs": refs})
    assert (answer.status_code, answer.json()) == (400, {"refs": ["Invalid repository names: a,b"]})
    assert api.get("releases/1.0/").status_code == 404


def test_empty_refs_clear_the_commits(api: ApiClient) -> None:
    """The release has no commits of any repository; the commits themselves are kept."""
    new(api, commits=[commit("1" * 40, "team/one"), commit("2" * 40, "team/two")])
    assert api.put("releases/1.0/", {"refs": []}).json()["commitCount"] == 0
    assert api.get("releases/1.0/commits/").json() == []
    assert len(api.get(f"repos/{api.get('repos/').json()[0]['id']}/commits/").json()) == 1


@pytest.mark.parametrize("version", ["", " ", ".", "..", "latest", "LATEST", "a/b", "a\\b", "a\nb", "a\tb", "x" * 201])
def test_version_that_no_path_can_contain_is_refused(api: ApiClient, version: str) -> None:
    """A release's name is checked before anything is saved."""
    answer = api.post("releases/", {"version": version, "projects": ["web"]})
    assert answer.status_code == 400
    assert list(answer.json()) == ["version"]


@pytest.mark.parametrize("version", ["pkg@1.0.0+b7", "a b", "100%", "é✓", "a&b=c"])
def test_unusual_versions_have_working_addresses(api: ApiClient, version: str) -> None:
    """A version may have any characters that a path can contain."""
    new(api, version)
    assert api.get(f"releases/{quote(version, safe='')}/").json()["version"] == version


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"projects": ["nope"]}, "projects"),
        ({"projects": None}, "projects"),
        ({"commits": [{"message": "no id"}]}, "commits"),
        ({"commits": [commit("x" * 65)]}, "commits"),
        ({"commits": "text"}, "commits"),
        ({"commits": [commit(timestamp="yesterday")]}, "commits"),
        ({"refs": [{"repository": "a"}]}, "refs"),
        ({"refs": [{"repository": "x" * 201, "commit": "a"}]}, "refs"),
        ({"refs": [{"repository": "team/app", "commit": "a" * 65}], "commits": [commit()]}, "refs"),
        ({"refs": [{"repository": "team/app", "commit": "a", "previousCommit": "a" * 65}]}, "refs"),
        ({"refs": [{"repository": "team/app", "commit": "a"}] * 1_001}, "refs"),
        ({"ref": "x" * 201}, "ref"),
        ({"dateReleased": "yesterday"}, "dateReleased"),
        ({"status": "closed"}, "status"),
    ],
)
def test_invalid_field_saves_nothing(api: ApiClient, fields: dict[str, object], field: str) -> None:
    """An error anywhere in the body saves neither the release nor its commits."""
    body = {"version": "1.0", "projects": ["web"], "commits": [commit()], **fields}
    answer = api.post("releases/", body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == [field]
    assert api.get("releases/1.0/").status_code == 404
    assert api.get("repos/").json() == []


def test_file_change_of_unknown_type_is_reported(api: ApiClient) -> None:
    """One entry of unknown type does not refuse a release."""
    release = new(api, commits=[commit(patch_set=[{"path": "a", "type": "T"}, {"path": "b", "type": "A"}])])
    assert release["commitCount"] == 1
    assert len(release["notes"]) == 1


def test_releases_are_listed_newest_first(api: ApiClient) -> None:
    """The listing filters by part of the version and by project."""
    for version in ("1.0", "1.1", "2.0"):
        new(api, version)
    assert [item["version"] for item in api.get("releases/").json()] == ["2.0", "1.1", "1.0"]
    assert [item["version"] for item in api.get("releases/", params={"query": "1."}).json()] == ["1.1", "1.0"]
    assert len(api.get("releases/", params={"project": "web"}).json()) == 3


def test_deleted_release_leaves_its_commits(api: ApiClient) -> None:
    """DELETE is answered with 204, then with 404."""
    new(api, commits=[commit()])
    assert api.delete("releases/1.0/").status_code == 204
    for method in ("GET", "DELETE", "PUT"):
        assert api.call(method, "releases/1.0/", json={}).status_code == 404
    assert api.get("releases/1.0/commits/").status_code == 404
    assert api.post("commits/", {"commits": [commit()]}).json()["repositories"][0]["known"] == 1


def test_head_commits_of_older_clients_are_refs(api: ApiClient) -> None:
    """``headCommits`` are read as refs, unless refs are sent too."""
    api.repository("team/app")
    heads = [{"repository": "team/app", "currentId": SHA, "previousId": OLDER_SHA}]
    new(api, headCommits=heads)
    new(api, "2.0")
    assert api.get("releases/2.0/previous-with-commits/").json()["lastCommit"]["id"] == SHA


@pytest.mark.parametrize("project", ["-1", "web"])
def test_minus_one_means_all_projects(api: ApiClient, project: str) -> None:
    """-1 means all projects, as in other lists."""
    new(api)
    assert len(api.get("releases/", params={"project": project}).json()) == 1


def test_commits_are_listed_by_repository(api: ApiClient) -> None:
    """By id, or by name in any case; an unknown name is 404."""
    new(api, commits=[commit("1" * 40, "team/one"), commit("2" * 40, "team/two")])
    ids = {item["name"]: item["id"] for item in api.get("repos/").json()}
    for query in ({"repo_name": "TEAM/one"}, {"repo_id": ids["team/one"]}):
        assert [item["id"] for item in api.get("releases/1.0/commits/", params=query).json()] == ["1" * 40]
    assert api.get("releases/1.0/commits/", params={"repo_name": "none"}).status_code == 404


def test_changed_files_are_listed(api: ApiClient) -> None:
    """Each file has its commit, its author and its repository."""
    new(api, commits=[commit(SHA, patch_set=[{"path": "b.py", "type": "D"}, {"path": "a.py", "type": "A"}])])
    first, second = api.get("releases/1.0/commitfiles/").json()
    assert (first["filename"], first["type"], second["filename"], second["type"]) == ("a.py", "A", "b.py", "D")
    assert (first["repoName"], first["commitMessage"], first["author"]["name"]) == ("team/app", "Mend it", "Ada")
    assert (type(first["id"]), first["orgId"]) == (str, api.there.organization.id)
    assert len(api.get("releases/1.0/commitfiles/", params={"per_page": 1}).json()) == 1
    assert api.get("releases/9/commitfiles/").status_code == 404


def test_cleared_release_takes_commits(api: ApiClient) -> None:
    """New commits can be added after the old ones were removed."""
    new(api, commits=[commit("1" * 40, "team/one")])
    api.put("releases/1.0/", {"refs": []})
    assert api.put("releases/1.0/", {"commits": [commit("2" * 40, "team/one")]}).json()["commitCount"] == 1


@pytest.mark.parametrize(
    ("days", "head"),
    [((1, 3, 2), 0), ((3, 2, 1), 0), ((1, 2, 3), 2), ((1, 2), 1), ((2, 2), 0), ((1,), 0), ((1, None, 3), 0)],
    ids=str,
)
def test_release_ref_is_the_senders_head(api: ApiClient, days: tuple[int | None, ...], head: int) -> None:
    """The head is the first commit of the list, unless the list goes from old to new."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    sent = [
        commit(f"{place}" * 40, timestamp=day and f"2026-01-0{day}T00:00:00Z")
        for place, day in enumerate(days, start=1)
    ]
    new(api, commits=sent)
    assert api.link(release="1.0")["ref"] == sent[head]["id"]
    new(api, "2.0")
    assert api.get("releases/2.0/previous-with-commits/").json()["lastCommit"]["id"] == sent[head]["id"]


def test_text_that_json_cannot_express_affects_one_release_only(tmp_path: Path) -> None:
    """The list and the release are shown without what the plugin returned, and the log names the plugin."""
    configuration = PLUGINS_TOML + "[plugins.half_characters]\nenabled = true\n"
    more = [candidate("half_characters", "plugins.half_characters")]
    with open_api(tmp_path, configuration, more=more) as api:
        installation = api.post("integrations/", {"provider": "half_characters"}).json()
        fields = {"provider": "half_characters", "installation": installation["id"]}
        api.post("repos/", {**fields, "identifier": api.repository()["id"]})
        new(api, commits=[commit()], refs=[{"repository": "team/app", "commit": f"{OLDER_SHA}..{SHA}"}])
        new(api, "2.0", commits=[commit(repository="team/other")])
        with capture_logs() as logs:
            listed = api.get("releases/")
        assert listed.status_code == 200
        other, bad = listed.json()
        assert (other["version"], other["lastCommit"]["repository"]["name"]) == ("2.0", "team/other")
        assert (bad["version"], bad["lastCommit"]["id"], bad["refs"][0]["commit"]) == ("1.0", SHA, SHA)
        assert (bad["lastCommit"]["url"], bad["refs"][0]["compareUrl"]) == (None, None)
        assert bad["lastCommit"]["repository"]["provider"] == {"id": "integrations:half_characters", "name": "Halves"}
        assert "half_characters" in {line.get("plugin") for line in logs}
        assert "plugin failed (half_characters)" in bad["lastCommit"]["repository"]["idle"]
        assert api.get("releases/1.0/").json() == bad
