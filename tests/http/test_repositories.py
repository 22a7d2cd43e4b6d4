from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api import SHA, ApiClient, commit, open_api
from plugins.scripted import script
from scripted_host import CONFIG, SCRIPTED


def test_a_repository_is_created_by_name_and_url(api: ApiClient) -> None:
    """A repository can exist without a provider."""
    answer = api.post("repos/", {"name": "Team/App", "url": "https://git.example.com/team/app/"})
    assert answer.status_code == 201
    body = answer.json()
    assert body["name"] == "Team/App"
    assert body["url"] == "https://git.example.com/team/app"
    assert body["provider"] == {"id": "unknown", "name": "Unknown Provider"}
    assert body["integrationId"] is None
    assert body["status"] == "active"
    assert body["dateCreated"].endswith("Z")


def test_the_same_name_in_other_case_is_the_same_repository(api: ApiClient) -> None:
    """sentry-cli lower-cases names; this creates no second repository."""
    first = api.repository("Team/App")
    again = api.post("repos/", {"name": "team/app", "url": "https://git.example.com/team/app"})
    assert again.status_code == 200
    assert again.json()["id"] == first["id"]
    assert again.json()["name"] == "Team/App"


def test_the_same_name_with_another_url_is_refused(api: ApiClient) -> None:
    """A second request does not replace the stored URL."""
    api.repository()
    answer = api.post("repos/", {"name": "team/app", "url": "https://elsewhere.example.com/x"})
    assert answer.status_code == 409
    assert set(answer.json()) == {"detail"}
    assert api.get("repos/").json()[0]["url"] == "https://git.example.com/team/app"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://git.example.com/x",
        "https://user:secret@git.example.com/x",
        "https://",
        "git.example.com/x",
        "https://git.example.com\\@evil.example.com/",
        "https://git.example.com/a b",
    ],
)
def test_an_unsafe_url_is_refused_and_nothing_is_saved(api: ApiClient, url: str) -> None:
    """Only plain http and https URLs are accepted."""
    answer = api.post("repos/", {"name": "team/app", "url": url})
    assert answer.status_code == 400
    assert list(answer.json()) == ["url"]
    assert "secret" not in answer.text
    assert api.get("repos/").json() == []


@pytest.mark.parametrize(("body", "field"), [({}, "name"), ({"name": ""}, "name"), ({"name": 7}, "name")])
def test_a_repository_needs_a_name(api: ApiClient, body: dict[str, object], field: str) -> None:
    """The answer to a missing or invalid name has the field."""
    answer = api.post("repos/", body)
    assert answer.status_code == 400
    assert field in answer.json()


def test_commits_make_an_unclaimed_repository(api: ApiClient) -> None:
    """A new repository is created, unclaimed, and is one of the offers."""
    answer = api.post("commits/", {"commits": [commit()]})
    assert answer.json()["repositories"][0] | {"id": "x"} == {"id": "x", "name": "team/app", "new": 1, "known": 0}
    offers = api.get(f"integrations/{api.install()['id']}/repos/").json()
    repository = api.get("repos/").json()[0]
    assert offers == {
        "repos": [{"name": "team/app", "identifier": repository["id"], "defaultBranch": None}],
        "searchable": True,
        "nextCursor": None,
        "notes": [],
    }


def test_offers_can_be_searched(api: ApiClient) -> None:
    """The search ignores case and matches parts of names."""
    api.repository("team/app")
    api.repository("team/Library", None)
    path = f"integrations/{api.install()['id']}/repos/"
    assert [offer["name"] for offer in api.get(path, params={"search": "LIB"}).json()["repos"]] == ["team/Library"]


def test_a_claim_gives_the_repository_to_the_installation(api: ApiClient) -> None:
    """The claimed repository has the provider's id, its installation and its slug."""
    repository, installation = api.claimed()
    assert repository["provider"] == {"id": "integrations:custom_scm", "name": "CustomSCM"}
    assert repository["integrationId"] == installation["id"]
    assert repository["externalSlug"] == "team/app"
    assert repository["idle"] is None
    assert api.get(f"repos/{repository['id']}/").json() == repository


def test_a_claimed_repository_cannot_be_claimed_again(api: ApiClient) -> None:
    """The second claim is answered with 404."""
    repository, installation = api.claimed()
    answer = api.claim(repository, installation)
    assert answer.status_code == 404
    assert repository["id"] in answer.json()["detail"]


def test_of_fifty_claims_at_once_one_succeeds(api: ApiClient) -> None:
    """One gets 201, all others 404."""
    installation, repository = api.install(), api.repository()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: api.claim(repository, installation).status_code, range(50)))
    assert sorted(answers) == [201, *[404] * 49]


@pytest.mark.parametrize("status", ["hidden"])
def test_only_active_repositories_are_claimed(api: ApiClient, status: str) -> None:
    """A hidden repository cannot be claimed."""
    installation, repository = api.install(), api.repository()
    api.put(f"repos/{repository['id']}/", {"status": status})
    assert api.claim(repository, installation).status_code == 404


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"identifier": "no-such"}, 404),
        ({"identifier": "9" * 30}, 404),
        ({"identifier": None}, 400),
        ({"installation": "no-number"}, 404),
        ({"installation": "1"}, 404),
        ({"installation": None}, 400),
        ({"provider": "integrations:nobody"}, 400),
        ({"provider": 7}, 400),
    ],
)
def test_claim_with_malformed_field_is_refused(api: ApiClient, changed: dict[str, object], status: int) -> None:
    """Text instead of a number, and unknown ids, are refused with a status of their own; nothing is claimed."""
    installation, repository = api.install(), api.repository()
    body = {"provider": "integrations:custom_scm", "installation": installation["id"], "identifier": repository["id"]}
    answer = api.post("repos/", {**body, **changed})
    assert answer.status_code == status, answer.text
    assert len(answer.json()) == 1
    assert api.get(f"repos/{repository['id']}/").json()["integrationId"] is None


def test_a_null_installation_is_an_unclaim(api: ApiClient) -> None:
    """The repository is unclaimed, and can be claimed again."""
    repository, installation = api.claimed()
    answer = api.put(f"repos/{repository['id']}/", {"integrationId": None})
    assert answer.status_code == 200
    assert answer.json()["integrationId"] is None
    assert answer.json()["provider"]["id"] == "unknown"
    assert api.claim(repository, installation).status_code == 201


def test_put_changes_name_and_url(api: ApiClient) -> None:
    """Unlike on Sentry, PUT saves both."""
    repository = api.repository()
    answer = api.put(f"repos/{repository['id']}/", {"name": "team/new", "url": ""})
    assert (answer.json()["name"], answer.json()["url"]) == ("team/new", None)


def test_a_name_that_is_taken_is_refused(api: ApiClient) -> None:
    """Two repositories never have the same name, in any case."""
    api.repository("team/one")
    other = api.repository("team/two", None)
    answer = api.put(f"repos/{other['id']}/", {"name": "TEAM/ONE"})
    assert answer.status_code == 409
    assert api.get(f"repos/{other['id']}/").json()["name"] == "team/two"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"integrationId": "text"}, "integrationId"),
        ({"integrationId": 12345}, "detail"),
        ({"status": "gone"}, "status"),
        ({"name": None}, "name"),
        ({"status": None}, "status"),
        ({"url": "javascript:x"}, "url"),
    ],
)
def test_a_wrong_change_changes_nothing(api: ApiClient, body: dict[str, object], field: str) -> None:
    """The answer has the field, and the repository stays as it was."""
    repository = api.repository()
    answer = api.put(f"repos/{repository['id']}/", body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == [field]
    assert api.get(f"repos/{repository['id']}/").json() == repository


def test_hiding_loses_nothing(api: ApiClient) -> None:
    """A hidden repository keeps its commits, and shows them when it is active again."""
    api.post("commits/", {"commits": [commit()]})
    repository = api.get("repos/").json()[0]
    assert api.put(f"repos/{repository['id']}/", {"status": "hidden"}).json()["status"] == "disabled"
    assert api.get("repos/").json() == []
    assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 1
    assert api.put(f"repos/{repository['id']}/", {"status": "active"}).json() == repository


def test_a_deletion_waits_and_can_be_cancelled(api: ApiClient) -> None:
    """DELETE answers 202, also the second time, and a PUT cancels the deletion."""
    api.post("commits/", {"commits": [commit()]})
    repository = api.get("repos/").json()[0]
    for _ in range(2):
        answer = api.delete(f"repos/{repository['id']}/")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending_deletion")
        assert answer.json()["name"] == "team/app"
    assert api.put(f"repos/{repository['id']}/", {"status": "active"}).json() == repository


def test_a_deleted_name_is_free_at_once(api: ApiClient) -> None:
    """A new repository may take the name; then the old one cannot be restored."""
    old = api.repository()
    api.delete(f"repos/{old['id']}/")
    assert api.post("repos/", {"name": "team/app"}).status_code == 201
    assert api.put(f"repos/{old['id']}/", {"status": "active"}).status_code == 409


@pytest.mark.parametrize("path", ["repos/1/", "repos/x/", "repos/99999999999999999999/", "repos/1/commits/"])
def test_unknown_object_is_404(api: ApiClient, path: str) -> None:
    """A wrong id, or text instead of an id, is answered with 404."""
    answer = api.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["team/App", "team/b"]),
        ({"query": "APP"}, ["team/App"]),
        ({"query": "%"}, []),
        ({"status": "deleted"}, ["team/c"]),
        ({"status": ""}, ["team/App", "team/b", "team/c"]),
        ({"status": "no-such"}, []),
        ({"cursor": "", "unheard": "of"}, ["team/App", "team/b"]),
    ],
)
def test_the_listing_filters(api: ApiClient, query: dict[str, str], names: list[str]) -> None:
    """Repositories are listed by name, filtered by part of it and by status."""
    for name in ("team/App", "team/b", "team/c"):
        api.repository(name, None)
    api.put(f"repos/{api.get('repos/', params={'query': 'team/c'}).json()[0]['id']}/", {"status": "hidden"})
    assert [repository["name"] for repository in api.get("repos/", params=query).json()] == names


def test_pages_follow_each_other(api: ApiClient) -> None:
    """A client that follows ``next`` gets each repository once."""
    names = [f"team/{number:02}" for number in range(7)]
    for name in names:
        api.repository(name, None)
    seen, cursor = [], ""
    for _ in range(4):
        answer = api.get("repos/", params={"per_page": 3, "cursor": cursor})
        seen += [repository["name"] for repository in answer.json()]
        following = answer.headers["link"].split(", ")[1]
        assert 'rel="next"' in following
        if 'results="false"' in following:
            break
        cursor = following.split('cursor="')[1].rstrip('"')
    assert seen == names


def test_idle_repository_has_a_reason(api: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> None:
    """When the operator switches the plugin off, its repositories stay readable and have the reason."""
    repository, _ = api.claimed()
    folder = tmp_path_factory.mktemp("off")
    url = api.host.settings.host.database_url
    with open_api(folder, "schema = 1\n[plugins.custom_scm]\nenabled = false\n", url) as off:
        shown = off.get(f"repos/{repository['id']}/").json()
        assert shown["name"] == "team/app"
        assert shown["provider"]["id"] == "integrations:custom_scm"
        assert "enabled" in shown["idle"]
        assert off.put(f"repos/{repository['id']}/", {"integrationId": repository["integrationId"]}).status_code == 404
        assert off.get("config/integrations/").status_code == 404
        assert off.get("integrations/").json()[0]["status"] == "disabled"


def test_list_with_a_payload_that_cannot_be_sent(tmp_path: Path) -> None:
    """The repository is shown without the plugin's payload, and the others are unchanged."""
    script.reset()
    with open_api(tmp_path, CONFIG, more=[SCRIPTED]) as api:
        installation = api.post("integrations/", {"provider": "scripted"}).json()
        for name in ("bad", "good"):
            body = {"provider": "integrations:scripted", "installation": installation["id"], "identifier": name}
            assert api.post("repos/", body).status_code == 201
        api.post("commits/", {"commits": [commit(repository="bad")]})
        script.serialize = lambda saved: {"more": "\ud800"} if saved.name == "bad" else {"more": "shaped"}
        listed = api.get("repos/")
        assert listed.status_code == 200
        bad, good = listed.json()
        assert ("more" in bad, good["more"], good["idle"]) == (False, "shaped", None)
        assert bad["idle"].startswith("The provider's plugin failed (scripted): ")
        assert api.get(f"repos/{bad['id']}/").json() == bad
        (shown,) = api.get(f"repos/{bad['id']}/commits/").json()
        assert shown["repository"] == bad
        script.commit_url = lambda _repository, _sha: "https://forge.example/\ud800"
        (without_page,) = api.get(f"repos/{bad['id']}/commits/").json()
    assert (shown["url"], without_page["url"]) == (f"https://forge.example/{SHA}", None)
