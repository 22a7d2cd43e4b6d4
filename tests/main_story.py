"""What a user does first, from the first commit to a link, for databases that are set up in special ways."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api import OLDER_SHA, SHA, ApiClient, commit
from hosting import SettableClock
from scmhost.admin.background import run_due_jobs


def tell_main_story(api: ApiClient, times: int = 1) -> None:
    """Send commits, claim a repository, map its files, and check the links, lists and jobs."""
    body = {"version": "1.0", "projects": ["web"], "commits": [commit(SHA), commit(OLDER_SHA)]}
    assert api.post("releases/", body).json()["commitCount"] == 2
    assert api.post("releases/", body).status_code == 208
    installation, repository = api.install(preset="cgit"), api.get("repos/").json()[0]
    api.put(f"repos/{repository['id']}/", {"url": "https://git.example.com/team/app.git"})
    claimed = api.claim(repository, installation)
    assert (claimed.status_code, api.claim(repository, installation).status_code) == (201, 404)
    assert api.mapping(repository, installation).status_code == 201
    for number in range(times):
        sent = [commit(f"{number:04}{place:036}", message=f"Change {number}") for place in range(5)]
        assert api.post("commits/", {"commits": sent}).status_code == 200
        answer = api.link(release="1.0", lineNo="3")
        assert answer["sourceUrl"] == f"https://git.example.com/team/app.git/tree/src/a.py?id={SHA}#n3"
        assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 2 + 5 * (number + 1)
    # The files of the commits are indexed some seconds after they came in.
    later = SettableClock()
    later.time = datetime.now(UTC) + timedelta(minutes=1)
    assert run_due_jobs(replace(api.services, clock=later)) > 0
    assert set(api.shas()) == {SHA, OLDER_SHA}
