from api import OLDER_SHA, SHA, ApiClient, commit


def test_sending_twice_changes_nothing(api: ApiClient) -> None:
    """The second request creates no commit, and the list stays the same."""
    body = {"commits": [commit(SHA), commit(OLDER_SHA, timestamp="2025-01-01T00:00:00Z")]}
    first = api.post("commits/", body).json()["repositories"][0]
    path = f"repos/{first['id']}/commits/"
    listed = api.get(path).json()
    again = api.post("commits/", body).json()["repositories"][0]
    assert ((first["new"], first["known"]), (again["new"], again["known"])) == ((2, 0), (0, 2))
    assert [item["id"] for item in listed] == [SHA, OLDER_SHA]
    assert api.get(path).json() == listed


def test_commits_of_several_repositories_are_saved_together(api: ApiClient) -> None:
    """One request may have commits of several repositories; names that differ only in case are one."""
    body = {"commits": [commit("1" * 40, "A"), commit("2" * 40, "a"), commit("3" * 40, "b")]}
    assert [(item["name"], item["new"]) for item in api.post("commits/", body).json()["repositories"]] == [
        ("A", 2),
        ("b", 1),
    ]


def test_a_commit_without_repository_is_kept(api: ApiClient) -> None:
    """Its repository is named after the organization."""
    name = f"organization-{api.there.organization.id}"
    assert api.post("commits/", {"commits": [commit(repository=None)]}).json()["repositories"][0]["name"] == name


def test_only_missing_commits_are_requested(api: ApiClient) -> None:
    """The answer lists the commits that are not stored yet."""
    body = {"repository": "Team/App", "ids": [SHA, OLDER_SHA]}
    assert api.post("commits/missing/", body).json() == {"missing": [SHA, OLDER_SHA]}
    api.post("commits/", {"commits": [commit(SHA)]})
    assert api.post("commits/missing/", body).json() == {"missing": [OLDER_SHA]}


def test_a_claimed_repositorys_commits_have_pages(api: ApiClient) -> None:
    """Each commit has the URL of its page on the code host."""
    repository, _ = api.claimed(preset="gitlab")
    api.post("commits/", {"commits": [commit()]})
    shown = api.get(f"repos/{repository['id']}/commits/").json()[0]
    assert shown["url"] == f"https://git.example.com/team/app/-/commit/{SHA}"
    release = api.post("releases/", {"version": "1", "projects": ["web"], "commits": [commit()]}).json()
    assert release["lastCommit"]["url"] == shown["url"]


def test_commits_without_a_time_keep_their_order(api: ApiClient) -> None:
    """Without times, commits are listed in the order in which they were sent."""
    shas = [digit * 40 for digit in "7391"]
    done = api.post("commits/", {"commits": [commit(sha, timestamp=None) for sha in shas]}).json()
    listed = api.get(f"repos/{done['repositories'][0]['id']}/commits/").json()
    assert [item["id"] for item in listed] == shas


def test_a_commit_shows_the_issues_that_it_resolves(api: ApiClient) -> None:
    """A commit has the issues that its message names after a keyword."""
    done = api.post("commits/", {"commits": [commit(message="Round once\n\nFixes SHOP-12, shop-13")]}).json()
    shown = api.get(f"repos/{done['repositories'][0]['id']}/commits/").json()[0]
    assert shown["issueIds"] == ["SHOP-12", "SHOP-13"]


def test_a_commit_without_an_author_has_an_empty_one(api: ApiClient) -> None:
    """The author is an empty object."""
    done = api.post("commits/", {"commits": [commit(author_name=None, author_email=None)]}).json()
    assert api.get(f"repos/{done['repositories'][0]['id']}/commits/").json()[0]["author"] == {}


def test_one_bad_commit_saves_none(api: ApiClient) -> None:
    """A commit without a sha refuses the whole list; nothing is saved."""
    answer = api.post("commits/", {"commits": [commit(), {"message": "no id"}]})
    assert answer.status_code == 400
    assert "commits[1].id" in answer.text
    assert api.get("repos/").json() == []
