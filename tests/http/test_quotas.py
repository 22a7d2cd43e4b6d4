"""Quotas of an organization: its rows, and the processor time of its traces."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from httpx2 import Response

from api import PLUGINS_TOML, ApiClient, commit, open_api, tenant
from browsing import signed_in, text_of
from scmhost.infra.settings import ROWS, Limits, Quota, Quotas, RowKind
from scmhost.organizations.queries import count_rows
from scmhost.organizations.quotas import RowCounts, refresh_row_counts, row_uses
from scmhost.plugins import ConfigError, read_settings

QUOTAS = {
    "projects": 2,
    "installations": 1,
    "repositories": 2,
    "commits": 3,
    "file_changes": 4,
    "releases": 2,
    "code_mappings": 2,
}
CONFIG = PLUGINS_TOML + "[limits.quotas.organizations.acme]\n" + "".join(f"{k} = {v}\n" for k, v in QUOTAS.items())


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with small quotas of ``acme``."""
    with open_api(tmp_path_factory.mktemp("quotas"), CONFIG, background=False) as opened:
        yield opened


def rows(api: ApiClient, kind: RowKind) -> int:
    """Return how many rows the database has."""
    with api.services.store.read() as tx:
        return count_rows(tx, kind, api.there.organization.id)


def mapping(api: ApiClient) -> Callable[[int], Response]:
    repository, installation = api.claimed()
    return lambda number: api.mapping(repository, installation, stackRoot=f"/srv/{number}/")


def bulk_mapping(api: ApiClient) -> Callable[[int], Response]:
    api.claimed()
    body = {"project": "web", "repository": "team/app", "defaultBranch": "main"}
    roots = {"sourceRoot": "src/"}
    return lambda number: api.post(
        "code-mappings/bulk/", {**body, "mappings": [{"stackRoot": f"/srv/{number}/", **roots}]}
    )


def send(api: ApiClient, number: int, changes: int = 0) -> Response:
    patch = [{"path": f"{item}.py", "type": "M"} for item in range(changes)]
    return api.post("commits/", {"commits": [{**commit(f"{number:040x}", "team/app"), "patch_set": patch}]})


Make = Callable[[ApiClient], Callable[[int], Response]]
CASES: list[tuple[RowKind, Make]] = [
    ("projects", lambda api: lambda number: api.post("projects/", {"slug": f"p{number}"})),
    ("repositories", lambda api: lambda number: api.post("repos/", {"name": f"team/r{number}"})),
    (
        "repositories",
        lambda api: lambda number: api.post("commits/", {"commits": [commit("a" * 40, f"team/r{number}")]}),
    ),
    ("commits", lambda api: lambda number: send(api, number)),
    (
        "commits",
        lambda api: (
            lambda number: api.put(
                f"releases/{api.release()['version']}/", {"commits": [commit(f"{number:040x}", "team/app")]}
            )
        ),
    ),
    ("file_changes", lambda api: lambda number: send(api, number, 2)),
    ("releases", lambda api: lambda number: api.post("releases/", {"version": f"{number}", "projects": ["web"]})),
    ("code_mappings", mapping),
    ("code_mappings", bulk_mapping),
]


@pytest.mark.parametrize(("kind", "make"), CASES, ids=[f"{number}-{kind}" for number, (kind, _) in enumerate(CASES)])
def test_rows_over_a_quota_are_refused(api: ApiClient, kind: RowKind, make: Make) -> None:
    """The answer is 403 and names the key; nothing is saved, and known objects are answered as before."""
    act = make(api)
    answers: list[Response] = []
    while not answers or answers[-1].status_code < 300:
        assert len(answers) <= QUOTAS[kind]
        answers.append(act(len(answers)))
    refused = answers.pop()
    assert rows(api, kind) == QUOTAS[kind]
    assert (refused.status_code, f"(limits.quotas.{kind})" in refused.json()["detail"]) == (403, True)
    assert act(len(answers)).status_code == 403
    assert rows(api, kind) == QUOTAS[kind]
    # A repeated request creates nothing. A code mapping that exists is a conflict, as without a quota.
    assert act(0).status_code in (200, 201, 208, 400)
    assert rows(api, kind) == QUOTAS[kind]


def test_installations_over_a_quota_are_refused(api: ApiClient) -> None:
    """The plugin was asked, but nothing is saved; repositories that a provider offers count, too."""
    installation = api.install()
    refused = api.post("integrations/", {"provider": "custom_scm", "name": "b", "url": "https://b.example.com/"})
    assert (refused.status_code, rows(api, "installations")) == (403, 1)
    assert "(limits.quotas.installations)" in refused.json()["detail"]
    assert [item["id"] for item in api.get("integrations/").json()] == [installation["id"]]


def test_what_is_removed_makes_room(api: ApiClient) -> None:
    """The housekeeping counts again; what another process creates is noticed then."""
    act = mapping(api)
    made = [act(number).json()["id"] for number in range(2)]
    assert act(2).status_code == 403
    assert api.delete(f"code-mappings/{made[0]}/").status_code == 204
    assert act(2).status_code == 403
    refresh_row_counts(api.services)
    assert act(2).status_code == 201
    refresh_row_counts(api.services)
    # Nothing has changed since: nothing is counted.
    known = api.services.shared(RowCounts).known
    before = {key: counted.at for key, counted in known.items()}
    refresh_row_counts(api.services)
    assert {key: counted.at for key, counted in known.items()} == before


def test_reads_count_nothing(api: ApiClient) -> None:
    """Neither a list nor a link has to know the numbers."""
    api.get("repos/")
    api.link()
    assert api.services.shared(RowCounts).known == {}


def test_quotas_of_one_organization(api: ApiClient) -> None:
    """Keys that are not written are those of all; other organizations have no exception."""
    quotas = Quotas.model_validate({"projects": 7, "commits": 8, "organizations": {"acme": {"projects": 9}}})
    services = replace(api.services, limits=Limits(quotas=quotas))
    other_there = tenant(api.services, "other")
    acme, other = services.quota_of(api.there.organization), services.quota_of(other_there.organization)
    assert (acme.projects, acme.commits, acme.releases) == (9, 8, Quota().releases)
    assert (other.projects, other.commits) == (7, 8)
    token = other_there.token
    for number in range(4):
        path = "/api/0/organizations/other/projects/"
        assert api.call("POST", path, json={"slug": f"p{number}"}, token=token).status_code == 201


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits.quotas]\nproject = 1\n", "did you mean 'projects'"),
        ("[limits.quotas]\nprojects = 0\n", "limits.quotas.projects"),
        ("[limits.quotas.organizations.acme]\nrepos = 1\n", "limits.quotas.organizations.acme.repos"),
    ],
)
def test_wrong_quotas_are_refused(tmp_path_factory: pytest.TempPathFactory, text: str, message: str) -> None:
    """The operator would believe that they are set."""
    path = tmp_path_factory.mktemp("wrong") / "plugins.toml"
    path.write_text(f"schema = 1\n{text}", encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_settings(path, {})


TRACE = {"text": 'Traceback (most recent call last):\n  File "/srv/app/a.py", line 3, in f\nValueError: x\n'}
PROJECT = "/api/0/projects/acme/web/"


def test_time_of_traces_is_counted(api: ApiClient) -> None:
    """The traces of an organization use its time, also those that fail; a worker that has used it all answers 429."""
    key, buckets = ("trace seconds", api.there.organization.id), api.services.buckets
    for path, body, status in [
        ("trace-links/", TRACE, 200),
        ("explain/", TRACE, 200),
        ("derive-mappings/", TRACE, 200),
        ("trace-links/", {**TRACE, "commit": "a b"}, 400),
    ]:
        before = max(monotonic(), buckets.used(key, 0))
        assert api.post(f"{PROJECT}{path}", body).status_code == status
        assert buckets.used(key, 0) > before
    # A second in an hour is two of the quota's 1,800.
    now = monotonic()
    buckets.take(key, 3_600 + 30 - buckets.used(key, now), now)
    for path in ("trace-links/", "explain/", "derive-mappings/", "suspects/"):
        refused = api.post(f"{PROJECT}{path}", TRACE)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        assert "limits.quotas.trace_seconds_per_hour" in refused.json()["detail"]
    # Single links, and traces of others, are answered.
    api.link()
    other = tenant(api.services, "other")
    answer = api.call("POST", "/api/0/projects/other/web/trace-links/", json=TRACE, token=other.token)
    assert answer.status_code == 200


def test_page_shows_what_is_used(api: ApiClient) -> None:
    """Members see each quota; reading the page saves nothing."""
    for number in range(2):
        api.post("releases/", {"version": str(number), "projects": ["web"]})
    api.services.buckets.take(("trace seconds", api.there.organization.id), 1_800, monotonic())
    browser = signed_in(api, "Eve", "member")
    browser.open("/organizations/acme")
    browser.click("Limits")
    cells = [[text_of(cell) for cell in row.css("td")] for row in browser.page.css("tbody tr")]
    shown = {row[0].split("limits.quotas.")[1]: row[1:] for row in cells}
    assert set(shown) == {*ROWS, "trace_seconds_per_hour"}
    assert shown["releases"] == ["2", "2", "100 %"]
    assert shown["commits"] == ["0", "3", "0 %"]
    assert shown["trace_seconds_per_hour"] == ["900", "1,800", "50 %"]


def test_limits_are_stated_by_use(api: ApiClient) -> None:
    """Numbers of another process are counted anew; those of this one are kept for a minute."""
    uses = {use.key: use for use in row_uses(api.services, api.there.organization)}
    assert (uses["projects"].used, uses["projects"].most, uses["projects"].percent) == (1, 2, 50)
    fields: dict[str, Any] = {"_shared": {}}
    elsewhere = replace(api.services, **fields)
    assert {use.key: use.used for use in row_uses(elsewhere, api.there.organization)}["projects"] == 1
