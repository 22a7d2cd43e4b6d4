from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api import OLDER_SHA, PLUGINS_TOML, SHA, ApiClient, commit, open_api
from scmhost.organizations.quotas import row_uses


@pytest.fixture
def api(tmp_path: Path, postgres_url: str) -> Iterator[ApiClient]:
    """A whole scmhost on PostgreSQL."""
    with open_api(tmp_path, database_url=postgres_url) as opened:
        yield opened


def test_the_main_job_is_the_same_on_postgresql(api: ApiClient) -> None:
    """Commits are sent, a repository is claimed, and a frame is linked."""
    body = {"version": "1.0", "projects": ["web"], "commits": [commit(SHA), commit(OLDER_SHA)]}
    assert api.post("releases/", body).json()["commitCount"] == 2
    assert api.post("releases/", body).status_code == 208
    installation, repository = api.install(preset="cgit"), api.get("repos/").json()[0]
    api.put(f"repos/{repository['id']}/", {"url": "https://git.example.com/team/app.git"})
    claimed = api.claim(repository, installation)
    assert (claimed.status_code, api.claim(repository, installation).status_code) == (201, 404)
    assert api.mapping(repository, installation).status_code == 201
    assert api.mapping(repository, installation).status_code == 400
    answer = api.link(release="1.0", lineNo="3")
    assert answer["sourceUrl"] == f"https://git.example.com/team/app.git/tree/src/a.py?id={SHA}#n3"


def test_of_fifty_claims_on_postgresql_exactly_one_wins(api: ApiClient) -> None:
    """One of fifty claims at once succeeds."""
    installation, repository = api.install(), api.repository()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: api.claim(repository, installation).status_code, range(50)))
    assert sorted(answers) == [201, *[404] * 49]


def test_refusals_on_postgresql_leave_nothing_behind(api: ApiClient) -> None:
    """A taken name and a list with a bad commit change nothing."""
    api.repository("team/one", None)
    other = api.repository("team/two", None)
    assert api.put(f"repos/{other['id']}/", {"name": "TEAM/one"}).status_code == 409
    assert api.post("commits/", {"commits": [commit(repository="new"), commit(message="\x00")]}).status_code == 400
    assert [item["name"] for item in api.get("repos/").json()] == ["team/one", "team/two"]


def test_release_details_are_the_same_on_postgresql(api: ApiClient) -> None:
    """Projects, joined lists, the previous release, deploys, files, bulk mappings and deliveries work."""
    repository, installation = api.claimed()
    api.post("projects/", {"slug": "api"})
    api.release("1.0", "web", "api", commits=[commit(OLDER_SHA, "origin", message="Fixes SHOP-1")])
    api.release("1.0", commits=[commit(SHA, "TEAM/app")])
    assert set(api.shas()) == {SHA, OLDER_SHA}
    api.release("2.0", refs=[{"repository": "team/app", "commit": f"{OLDER_SHA}..{'c' * 40}"}])
    assert api.get("releases/2.0/previous-with-commits/").json()["version"] == "1.0"
    deploy = {"environment": "production", "dateFinished": "2026-01-02T03:04:05Z"}
    assert [api.post("releases/1.0/deploys/", deploy).status_code for _ in range(2)] == [201, 208]
    assert api.get("releases/1.0/").json()["lastDeploy"]["environment"] == "production"
    assert len(api.get("releases/1.0/commitfiles/").json()) == 2
    roots = {"project": "web", "repository": "team/app", "mappings": [{"stackRoot": "/srv/", "sourceRoot": ""}]}
    assert [api.post("code-mappings/bulk/", roots).json()["created"] for _ in range(2)] == [1, 0]
    assert api.post(f"integrations/{installation['id']}/webhook/", None).status_code == 201
    known = api.get(f"repos/{repository['id']}/commits/").json()
    assert [item["issueIds"] for item in known if item["id"] == OLDER_SHA] == [["SHOP-1"]]


def test_concurrent_commit_lists_of_a_release_are_all_saved(api: ApiClient) -> None:
    """Builds of many projects that set commits on one release at once all keep theirs."""
    for number in range(8):
        api.post("projects/", {"slug": f"p{number}"})
    api.release("1.0", *(f"p{number}" for number in range(8)))

    def send(number: int) -> int:
        sent = [commit(f"{number}{place}" * 20, f"team/{number % 2}") for place in range(5)]
        return api.put("releases/1.0/", {"commits": sent}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(8))) == {200}
    assert api.get("releases/1.0/").json()["commitCount"] == len(api.shas()) == 40


def test_senders_of_the_same_commits_do_not_wait_for_each_other(api: ApiClient) -> None:
    """Concurrent requests with the same new rows in different orders do not deadlock."""

    def send(number: int) -> int:
        places = [(number + step) % 12 for step in range(12)]
        sent = [
            commit(f"{place:040}", f"team/{place % 4}", author_email=f"{place % 6}@example.com") for place in places
        ]
        return api.post("commits/", {"commits": sent}).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(send, range(12))) == {200}
    assert len(api.get("repos/").json()) == 4


def test_quotas_are_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """What a transaction has created over a quota is rolled back, and counted rows are those of the organization."""
    config = f"{PLUGINS_TOML}[limits.quotas]\nrepositories = 2\ncommits = 2\n"
    with open_api(tmp_path, config, database_url=postgres_url, background=False) as api:
        sent = [commit(f"{number:040x}", f"team/{number}") for number in range(3)]
        answers = [api.post("commits/", {"commits": [item]}).status_code for item in sent]
        assert answers == [200, 200, 403]
        assert [item["name"] for item in api.get("repos/").json()] == ["team/0", "team/1"]
        assert {use.key: use.used for use in row_uses(api.services, api.there.organization)}["commits"] == 2
