"""Routes that are called often take what seldom changes from a cache, and show changes in time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api import PLUGINS_TOML, SHA, ApiClient, commit, open_api
from hosting import SettableClock
from scmhost.admin.bootstrap import bootstrap
from scmhost.application import create_application
from scmhost.infra.db.engine import Store
from scmhost.organizations.tokens import create_token, revoke_token
from scmhost.plugins import Settings, read_settings
from scmhost.redirects.keys import create_key, revoke_key
from statement_count import recorded_statements

KILLED = PLUGINS_TOML.replace("enabled = true", "enabled = true\nkill = true")
PROJECT = "/api/0/projects/acme/web/"
LINK = f"{PROJECT}stacktrace-link/?file=/srv/app/a.py&lineNo=3"
FRAMES = {"frames": [{"filename": "/srv/app/a.py", "lineno": 3}, {"filename": "/srv/app/b.py", "lineno": 4}]}


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def api(tmp_path: Path, clock: SettableClock) -> Iterator[ApiClient]:
    """An API with a code mapping."""
    with open_api(tmp_path, clock=clock, background=False) as opened:
        assert opened.mapping(*opened.claimed()).status_code == 201
        yield opened


@pytest.fixture
def elsewhere(api: ApiClient) -> Iterator[ApiClient]:
    """The same API in another process: another application, with a store of its own over the same database."""
    store = Store.open(f"sqlite:///{api.services.store.file}")
    services = replace(api.services, store=store, _shared={})
    try:
        yield replace(api, client=TestClient(create_application(services), raise_server_exceptions=False))
    finally:
        store.close()


def test_revoked_token_is_refused_within_a_second(api: ApiClient, elsewhere: ApiClient, clock: SettableClock) -> None:
    """A token that one process revokes is refused there at once, and by others a second later at the latest."""
    token, text = create_token(api.services, api.there.organization, "ci", ["org:read", "project:read"])
    assert [each.get(LINK, token=text).status_code for each in (api, elsewhere)] == [200, 200]
    revoke_token(api.services, api.there.organization, token.id)
    assert api.get(LINK, token=text).status_code == 401
    clock.turn(1)
    assert [each.get(LINK, token=text).status_code for each in (api, elsewhere)] == [401, 401]


def test_new_token_is_accepted_at_once(api: ApiClient, elsewhere: ApiClient) -> None:
    """Every process finds a token that another one has just created."""
    api.get(LINK)
    elsewhere.get(LINK)
    text = create_token(api.services, api.there.organization, "ci", ["org:read", "project:read"])[1]
    assert [each.get(LINK, token=text).status_code for each in (api, elsewhere)] == [200, 200]


def test_revoked_redirect_key_is_refused_within_a_second(
    api: ApiClient, elsewhere: ApiClient, clock: SettableClock
) -> None:
    """A revoked key leads nowhere: in its process at once, in others a second later at the latest."""
    key, text = create_key(api.services, api.there.organization, "sentry")

    def follow(each: ApiClient) -> int:
        return each.client.get(f"/r/{text}?file=/srv/app/a.py&line=3", follow_redirects=False).status_code

    assert [follow(api), follow(elsewhere)] == [302, 302]
    revoke_key(api.services, api.there.organization, key.id)
    assert follow(api) == 404
    clock.turn(1)
    assert [follow(api), follow(elsewhere)] == [404, 404]


def test_changed_mapping_is_used_within_a_second(api: ApiClient, elsewhere: ApiClient, clock: SettableClock) -> None:
    """A link follows a change of a code mapping in another process a second later at the latest."""
    before = elsewhere.get(LINK).json()
    changed = {**before["config"], "defaultBranch": "next"}
    body = {name: changed[name] for name in ("projectId", "stackRoot", "sourceRoot", "defaultBranch")} | {
        "repositoryId": changed["repoId"],
        "integrationId": changed["integrationId"],
    }
    answer = api.put(f"code-mappings/{changed['id']}/", body)
    assert answer.status_code == 200, answer.text
    assert api.get(LINK).json()["ref"] == "next"
    clock.turn(1)
    assert (before["ref"], elsewhere.get(LINK).json()["ref"]) == ("main", "next")


def test_changed_repository_is_listed_within_a_second(
    api: ApiClient, elsewhere: ApiClient, clock: SettableClock
) -> None:
    """A list shows a change of another process a second later at the latest, and one of its own at once."""

    def names(each: ApiClient) -> list[str]:
        return [item["name"] for item in each.get("repos/").json()]

    assert names(api) == names(elsewhere) == ["team/app"]
    api.repository("team/more", None)
    assert names(api) == ["team/app", "team/more"]
    clock.turn(1)
    assert names(elsewhere) == ["team/app", "team/more"]


def test_provider_that_is_turned_off_has_no_links_at_once(api: ApiClient, tmp_path: Path) -> None:
    """A link and a cached list follow the configuration, which is not a row."""

    def shown() -> tuple[object, object]:
        return api.get("repos/").json()[0].get("idle"), api.get(LINK).json()["error"]

    on = shown(), shown()
    api.services.plugins.reload(_settings(api, tmp_path, KILLED))
    off = shown()
    api.services.plugins.reload(_settings(api, tmp_path, PLUGINS_TOML))
    assert on == ((None, None), (None, None))
    assert (isinstance(off[0], str), off[1]) == (True, "provider_off")
    assert shown() == (None, None)


@pytest.mark.parametrize("wanted", ["repositories", "link", "redirect"])
def test_repeated_request_reads_nothing(api: ApiClient, wanted: str) -> None:
    """Within a second nothing is read again for a link, a redirect or a list."""
    key = create_key(api.services, api.there.organization, "sentry")[1]

    def request() -> Response:
        if wanted == "redirect":
            return api.client.get(f"/r/{key}?file=/srv/app/a.py&line=3", follow_redirects=False)
        return api.get("repos/" if wanted == "repositories" else LINK)

    first = request()
    with recorded_statements(api.services.store) as statements:
        again = request()
    assert first.is_success or first.status_code == 302
    assert (again.status_code, again.content, again.headers.get("link")) == (
        first.status_code,
        first.content,
        first.headers.get("link"),
    )
    assert statements == []


def test_trace_reads_its_files_in_one_statement(api: ApiClient) -> None:
    """What commits bring is never cached: a trace reads the state of its files, in one statement."""
    first = api.post(f"{PROJECT}trace-links/", FRAMES)
    with recorded_statements(api.services.store) as statements:
        again = api.post(f"{PROJECT}trace-links/", FRAMES)
    assert first.json() == again.json()
    assert (statements.count("BEGIN"), len(statements)) == (0, 1)


def test_trace_reads_new_commits_in_one_transaction(api: ApiClient) -> None:
    """Where one statement is not enough, all of them see the same state."""
    sent = commit(SHA, "team/app", patch_set=[{"type": "D", "path": "src/a.py"}, {"type": "A", "path": "src/b.py"}])
    assert api.post("commits/", {"commits": [sent]}).is_success
    api.post(f"{PROJECT}trace-links/", FRAMES)
    with recorded_statements(api.services.store) as statements:
        frames = api.post(f"{PROJECT}trace-links/", FRAMES).json()["frames"]
    assert [frame["basis"]["file"] for frame in frames] == ["deleted", "listed"]
    lone, begin, *rest = statements
    assert (begin, rest[0], rest.count("BEGIN")) == ("BEGIN", lone, 0)


def test_organizations_have_caches_of_their_own(api: ApiClient) -> None:
    """Two organizations with a project of the same name get their own rows, also from the cache."""
    other = bootstrap(api.services, "other", "web")
    path = LINK.replace("acme", "other")
    answers = [(api.get(LINK).json()["error"], api.get(path, token=other.token).json()["error"]) for _ in range(2)]
    assert answers == [(None, "no_code_mappings_for_project")] * 2
    assert [api.get(path).status_code, api.get(LINK, token=other.token).status_code] == [404, 404]


def _settings(api: ApiClient, folder: Path, configuration: str) -> Settings:
    config = folder / "plugins.toml"
    config.write_text(configuration, encoding="utf-8")
    return read_settings(config, {"SCMHOST_DATABASE_URL": f"sqlite:///{api.services.store.file}"})
