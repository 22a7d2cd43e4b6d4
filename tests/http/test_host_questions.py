"""Requests to code hosts about refs and files, and the effect of their results."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import OLDER_SHA, PLUGINS_TOML, ApiClient, open_api
from hosting import SettableClock, candidate, logged
from plugins import archivist
from plugins.archivist import SHA
from scmhost.infra.clock import Clock

BASE = "https://git.example.com/team/app"
LINKS = "/api/0/projects/acme/web/stacktrace-links/"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A service with a provider that resolves refs and finds files, without background jobs."""
    with open_archive(tmp_path) as opened:
        yield opened


@contextmanager
def open_archive(folder: Path, clock: Clock | None = None) -> Iterator[ApiClient]:
    plugins_toml = PLUGINS_TOML + "[plugins.archivist]\nenabled = true\n"
    more = [candidate("archivist", "plugins.archivist")]
    with open_api(folder, plugins_toml, more=more, background=False, clock=clock) as opened:
        yield opened


def ready(api: ApiClient, name: str = "team/app", **mapping: Any) -> None:
    """Create a repository of the provider, mapped to ``src`` and, as a second choice, to ``lib``."""
    installation = api.post("integrations/", {"provider": "archivist"}).json()
    repository = api.repository(name)
    through = {"provider": "archivist", "installation": installation["id"], "identifier": repository["id"]}
    assert api.post("repos/", through).status_code == 201
    api.mapping(repository, installation, **mapping)
    api.mapping(repository, installation, stackRoot="/srv/", sourceRoot="lib/", **mapping)
    archivist.requests.clear()


def files(api: ApiClient, *names: str, **query: str) -> list[dict[str, Any]]:
    answer = api.get(LINKS, params={"file": [f"/srv/app/{name}" for name in names], **query})
    assert answer.status_code == 200, answer.text
    body: list[dict[str, Any]] = answer.json()["files"]
    return body


def test_each_file_is_checked_once(api: ApiClient) -> None:
    """Frames of one file take one call, and a file that exists is verified."""
    ready(api)
    answers = files(api, "a.py", "a.py", "b.py", "a.py")
    assert archivist.requests == ["src/a.py", "src/b.py"]
    assert [item["sourceUrl"] for item in answers[1:3]] == [f"{BASE}/show/main/src/a.py", f"{BASE}/show/main/src/b.py"]
    assert api.link()["verified"] is True


def test_next_mapping_is_tried_for_a_missing_file(api: ApiClient) -> None:
    """If a file does not exist, the next mapping is tried; without any link, the first one's result is shown."""
    ready(api)
    answer = api.link(file="/srv/app/gone.py")
    assert archivist.requests == ["src/gone.py", "lib/app/gone.py"]
    assert (answer["error"], answer["attemptedUrl"]) == ("file_not_found", f"{BASE}/show/main/src/gone.py")


@pytest.mark.parametrize("fault", ["closed", "broken"])
def test_unavailable_provider_does_not_remove_the_link(api: ApiClient, fault: str) -> None:
    """The frames have unverified links, and the provider is not called again in that request."""
    ready(api)
    answers = files(api, "a.py", f"{fault}.py", "b.py", "gone.py")
    assert archivist.requests == ["src/a.py", f"src/{fault}.py"]
    assert [item["sourceUrl"] for item in answers] == [
        f"{BASE}/show/main/src/{name}.py" for name in ("a", fault, "b", "gone")
    ]
    assert api.link(file=f"/srv/app/{fault}.py")["verified"] is None


@pytest.mark.parametrize("fault", ["closed", "broken"])
def test_unavailable_provider_is_not_called_for_a_while(tmp_path: Path, fault: str) -> None:
    """For ten seconds no request calls the hook again, and the log has one line that names it."""
    manual_clock = SettableClock()
    with open_archive(tmp_path, manual_clock) as api, capture_logs() as logs, logged() as faults:
        ready(api)
        for _ in range(6):
            assert api.link(file=f"/srv/app/{fault}.py")["verified"] is None
        assert api.link(file="/srv/app/a.py")["verified"] is None
        assert archivist.requests == [f"src/{fault}.py"]
        manual_clock.turn(10)
        assert api.link(file="/srv/app/a.py")["verified"] is True
    (line,) = (entry for entry in logs if entry["event"] == "link not verified")
    assert (line["plugin"], line["hook"], line["rests_seconds"]) == ("archivist", "scm_file_exists", 10)
    found = [(line["plugin"], line["hook"]) for line in faults if line["event"] == "plugin fault"]
    assert found == [("archivist", "scm_file_exists")] * (fault == "broken")


def test_forbidden_file_is_not_linked(api: ApiClient) -> None:
    """The reason of a file is that the provider refuses access to it."""
    ready(api)
    answers = files(api, "private.py", "a.py")
    assert [item["error"] for item in answers] == ["integration_link_forbidden", None]


def test_overlong_path_is_not_sent_to_provider(api: ApiClient) -> None:
    """The frame has an unverified link."""
    ready(api)
    answer = api.link(file=f"/srv/app/{'x' * 5_000}.py")
    assert (answer["error"], answer["verified"], archivist.requests) == (None, None, [])


def test_default_branch_comes_from_the_code_host(api: ApiClient) -> None:
    """A mapping without a branch uses the one of the code host, which is called once and only without another ref."""
    ready(api, defaultBranch=None)
    answers = files(api, "a.py", "b.py")
    assert [(item["ref"], item["refSource"]) for item in answers] == [("trunk", "default_branch")] * 2
    assert archivist.requests == [None, "src/a.py", "src/b.py"]
    archivist.requests.clear()
    assert files(api, "a.py", ref=OLDER_SHA)[0]["ref"] == OLDER_SHA
    assert archivist.requests == ["src/a.py"]


@pytest.mark.parametrize("name", ["team/closed", "team/broken"])
def test_provider_without_default_branch_gives_no_ref(api: ApiClient, name: str) -> None:
    """The reason is the missing ref, as for a provider without the hook."""
    ready(api, name, defaultBranch=None)
    assert [item["error"] for item in files(api, "a.py", "b.py")] == ["no_ref", "no_ref"]
    assert archivist.requests == [None]


def test_tag_is_resolved_to_its_commit(api: ApiClient) -> None:
    """A release has the commit of its tag, and the next release starts there."""
    ready(api)
    release = api.set_ref("1.0", "v1", previousCommit="c" * 40)
    assert archivist.requests == ["v1", f"{'c' * 40}..{SHA}"]
    assert [(ref["commit"], ref["previousCommit"]) for ref in release["refs"]] == [(SHA, "c" * 40)]
    assert (release["commitCount"], release["lastCommit"]["id"]) == (1, SHA)
    archivist.requests.clear()
    assert api.set_ref("2.0", "trunk")["refs"][0]["commit"] == SHA
    assert archivist.requests == ["trunk", f"{SHA}..{SHA}"]


@pytest.mark.parametrize("head", ["HEAD", OLDER_SHA])
def test_commit_and_sender_head_are_not_resolved(api: ApiClient, head: str) -> None:
    """A full commit id needs no resolution, and the commit of a sender's HEAD is not known to the code host."""
    ready(api)
    assert api.set_ref("1.0", head)["refs"][0]["commit"] == head
    assert archivist.requests == [f"None..{head}"]


def test_unknown_ref_stays_as_it_is(api: ApiClient) -> None:
    """The provider is called with the ref as it was sent."""
    ready(api)
    assert api.set_ref("1.0", "v9")["refs"][0]["commit"] == "v9"
    assert archivist.requests == ["v9", "None..v9"]


def test_branch_with_slashes_is_known_from_the_provider(api: ApiClient) -> None:
    """If a URL does not show the end of the branch, the first branch that exists is used."""
    ready(api, defaultBranch=None)
    path = "/api/0/projects/acme/web/repo-path-parsing/"
    known, unknown = (
        api.post(path, {"sourceUrl": f"{BASE}/show/{ref}/src/cart.py", "stackPath": "/srv/cart.py"}).json()
        for ref in ("release/2026", "other/2026")
    )
    assert [known[name] for name in ("sourceRoot", "defaultBranch")] == ["src/", "release/2026"]
    assert [unknown[name] for name in ("sourceRoot", "defaultBranch")] == ["2026/src/", "other"]
    archivist.requests.clear()
    api.post(path, {"sourceUrl": f"{BASE}/show/trunk/cart.py", "stackPath": "/srv/cart.py"})
    assert archivist.requests == []
