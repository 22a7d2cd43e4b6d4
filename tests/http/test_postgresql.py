from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from house import OLDER_SHA, SHA, House, commit, open_house


@pytest.fixture
def house(tmp_path: Path, postgres_url: str) -> Iterator[House]:
    """A whole scmhost on PostgreSQL."""
    with open_house(tmp_path, database_url=postgres_url) as opened:
        yield opened


def test_the_main_job_is_the_same_on_postgresql(house: House) -> None:
    """Commits go in, a repository is claimed, a frame comes out as a link."""
    body = {"version": "1.0", "projects": ["web"], "commits": [commit(SHA), commit(OLDER_SHA)]}
    assert house.post("releases/", body).json()["commitCount"] == 2
    assert house.post("releases/", body).status_code == 208
    installation, repository = house.install(preset="cgit"), house.get("repos/").json()[0]
    house.put(f"repos/{repository['id']}/", {"url": "https://git.example.com/team/app.git"})
    claimed = house.claim(repository, installation)
    assert (claimed.status_code, house.claim(repository, installation).status_code) == (201, 404)
    assert house.mapping(repository, installation).status_code == 201
    assert house.mapping(repository, installation).status_code == 400
    answer = house.link(release="1.0", lineNo="3")
    assert answer["sourceUrl"] == f"https://git.example.com/team/app.git/tree/src/a.py?id={SHA}#n3"


def test_of_fifty_claims_on_postgresql_exactly_one_wins(house: House) -> None:
    """The race has one winner there too."""
    installation, repository = house.install(), house.repository()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: house.claim(repository, installation).status_code, range(50)))
    assert sorted(answers) == [201, *[404] * 49]


def test_refusals_on_postgresql_leave_nothing_behind(house: House) -> None:
    """A name that is taken, and a list with one bad commit, change nothing."""
    house.repository("team/one", None)
    other = house.repository("team/two", None)
    assert house.put(f"repos/{other['id']}/", {"name": "TEAM/one"}).status_code == 409
    assert house.post("commits/", {"commits": [commit(repository="new"), commit(message="\x00")]}).status_code == 400
    assert [item["name"] for item in house.get("repos/").json()] == ["team/one", "team/two"]
