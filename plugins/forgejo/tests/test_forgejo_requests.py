"""The plugin's requests. The fake host checks each by the official description of the API, where there is a copy."""

import re

import pytest

from forgejo_team import Team, run
from scmhost.sdk import AddRequest, Location
from scmhost_forgejo import plugin

EXPECTED = {
    "DELETE /api/v1/repos/team/app/hooks/N",
    "GET /api/v1/repos/search",
    "GET /api/v1/repos/team/app",
    "GET /api/v1/repos/team/app/branches/main",
    "GET /api/v1/repos/team/app/commits",
    "GET /api/v1/repos/team/app/contents/src/a%20b.py",
    "GET /api/v1/repos/team/app/git/commits/SHA",
    "GET /api/v1/repos/team/app/hooks",
    "GET /api/v1/repos/team/app/raw/src/a%20b.py",
    "GET /api/v1/repos/team/app/tags/v1",
    "GET /api/v1/repositories/N",
    "GET /api/v1/user/repos",
    "POST /api/v1/repos/team/app/hooks",
}


async def everything(team: Team) -> None:
    """Call every hook that sends requests for an installation."""
    here = (team.installation, team.repository)
    sha = team.app.head()
    location = Location(ref="feature/a", ref_kind="branch", path="src/a b.py")
    await plugin.scm_offer_repositories(team.installation, "", "page=1")
    await plugin.scm_offer_repositories(team.installation, "app", "")
    await plugin.scm_dispatch_repository(team.installation, AddRequest(identifier="team/app"), None)
    await plugin.scm_sync_repositories(team.installation, [team.repository])
    await plugin.scm_file_exists(*here, location)
    await plugin.scm_read_file(*here, "feature/a", location.path)
    for ref in (sha, "v1", None):
        await plugin.scm_resolve_ref(*here, ref)
    await plugin.scm_compare_commits(*here, "v1", sha, team.settings)
    webhook = await plugin.scm_register_webhook(*here, "https://scmhost.example/hooks/5", "secret")
    await plugin.scm_unregister_webhook(*here, webhook)


@pytest.fixture
def asked(team: Team) -> Team:
    """The host after all hooks were called."""
    team.app.commit({"src/a b.py": "1"}, branch="feature/a")
    team.app.tag("v1")
    run(everything, team)
    return team


def test_no_other_requests_are_sent(asked: Team) -> None:
    """A change of this list is a change of what the plugin needs of a server."""
    seen = {f"{call.method} {call.path}".replace(asked.app.head(), "SHA") for call in asked.host.calls}
    assert {re.sub(r"(?<=/)\d+$", "N", place) for place in seen} == EXPECTED
