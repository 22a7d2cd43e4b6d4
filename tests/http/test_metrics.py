"""The metrics page, parsed by Prometheus' own parser."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import PLUGINS_TOML, ApiClient, commit, open_api
from command import scmhost_process
from hosting import candidate
from pages import ROOT, page
from scmhost.admin.bootstrap import bootstrap
from scmhost.infra.telemetry import open_telemetry
from serving import Served, serve

BOTH = PLUGINS_TOML + "[plugins.faulty]\nenabled = true\ndefault = true\n"
WITH_METRICS = PLUGINS_TOML + "[host.metrics]\nenabled = true\n"
FAULTY = candidate("faulty", "plugins.faulty")

OF_INSTALL = {"plugin": "faulty", "hook": "scm_install"}
KINDS = ("raised", "suspended")

Labels = frozenset[tuple[str, str]]
Samples = Mapping[tuple[str, Labels], float]


def samples(text: str) -> Samples:
    """Return all samples of a page by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    """Return one sample, or None if there is none."""
    return found.get((name, frozenset(labels.items())))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """An API with metrics and with a plugin that fails."""
    with open_api(
        tmp_path, BOTH, more=[FAULTY], background=False, telemetry=open_telemetry(metrics=True, spans=False)
    ) as opened:
        yield opened


def scraped(api: ApiClient) -> Samples:
    answer = api.client.get("/metrics")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return samples(answer.text)


def test_calls_of_plugins_are_counted_by_hook_and_faults_by_kind(api: ApiClient) -> None:
    """Calls have a number and a duration by hook, faults a number by kind."""
    api.claimed()
    api.post("integrations/", {"provider": "faulty"})
    api.post("integrations/", {"provider": "faulty", "say": "Fix it"})
    found = scraped(api)
    calls = "scmhost_plugin_call_seconds_count"
    assert value(found, calls, plugin="custom_scm", hook="scm_dispatch_repository") == 1
    assert value(found, calls, plugin="faulty", hook="scm_install") == 2
    assert value(found, "scmhost_plugin_faults_total", plugin="faulty", hook="scm_install", kind="raised") == 1
    assert value(found, "scmhost_plugin_state", plugin="faulty", state="ready") == 1


def test_rejected_call_counts_as_fault_not_as_call(tmp_path: Path) -> None:
    """Rejected calls of a suspended plugin do not distort the durations of real ones."""
    telemetry = open_telemetry(metrics=True, spans=False)
    configuration = BOTH + "breaker = { faults = 1 }\n"
    with open_api(tmp_path, configuration, more=[FAULTY], background=False, telemetry=telemetry) as api:
        for _ in range(3):
            api.post("integrations/", {"provider": "faulty", "install": False})
        found = scraped(api)
    faults = {kind: value(found, "scmhost_plugin_faults_total", **OF_INSTALL, kind=kind) for kind in KINDS}
    assert faults == {"raised": 1, "suspended": 2}
    assert value(found, "scmhost_plugin_state", plugin="faulty", state="suspended") == 1


def test_requests_are_counted_by_route_never_by_path(api: ApiClient) -> None:
    """Requests without a route share one series, so that clients cannot create series by sending paths and methods."""
    for path in ("/api/0/organizations/acme/repos/", "/a", "/b/c", "/api/0/organizations/nobody/repos/"):
        api.get(path)
    api.client.request("BREW", "/healthz")
    found = scraped(api)
    repos = "/api/0/organizations/{organization}/repos/"
    total = "scmhost_http_requests_total"
    assert value(found, total, method="GET", route=repos, status="200") == 1
    assert value(found, total, method="GET", route=repos, status="404") == 1
    assert value(found, total, method="GET", route="unrouted", status="404") == 2
    assert {dict(labels)["method"] for name, labels in found if name == total} == {"GET", "other"}


def test_a_token_over_its_limit_is_refused_and_hurts_no_other(tmp_path: Path) -> None:
    """The answer says when to come back and the metrics count it; another organization is answered."""
    telemetry = open_telemetry(metrics=True, spans=False)
    configuration = f"{PLUGINS_TOML}[limits]\nrequests_per_minute = 3\n"
    with open_api(tmp_path, configuration, background=False, telemetry=telemetry) as api:
        answers = [api.get("repos/") for _ in range(5)]
        other = bootstrap(api.services, "other", "web").token
        neighbour = api.get("/api/0/organizations/other/repos/", token=other)
        found = scraped(api)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    after = answers[-1].headers["Retry-After"]
    assert 1 <= int(after) <= 20
    assert answers[-1].json() == {"detail": f"Too many requests of this token; try again in {after} s."}
    assert neighbour.status_code == 200
    assert value(found, "scmhost_refused_requests_total", kind="token") == 2


def test_tokens_of_one_organization_share_a_limit(tmp_path: Path) -> None:
    """An organization with several tokens is refused when they make too many requests together."""
    configuration = f"{PLUGINS_TOML}[limits]\norganization_requests_per_minute = 3\n"
    with open_api(tmp_path, configuration, background=False) as api:
        second = api.token("org:read")
        answers = [api.get("repos/", token=second if number % 2 else None) for number in range(4)]
        other = bootstrap(api.services, "other", "web").token
        neighbour = api.get("/api/0/organizations/other/repos/", token=other)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "of this organization; try again in" in answers[-1].json()["detail"]
    assert neighbour.status_code == 200


def test_one_organization_may_make_more_requests(tmp_path: Path) -> None:
    """An exception for it overrides the limit of all; others keep that."""
    configuration = (
        f"{PLUGINS_TOML}[limits]\norganization_requests_per_minute = 2\n"
        "[limits.quotas.organizations.acme]\norganization_requests_per_minute = 4\n"
        "[limits.quotas.organizations.other]\nprojects = 5\n"
    )
    with open_api(tmp_path, configuration, background=False) as api:
        other = bootstrap(api.services, "other", "web").token
        for path, token, most in (("repos/", None, 4), ("/api/0/organizations/other/repos/", other, 2)):
            answers = [api.get(path, token=token).status_code for _ in range(most + 1)]
            assert answers == [*([200] * most), 429]


def test_commits_and_frames_are_counted_by_outcome(api: ApiClient) -> None:
    """A commit that is sent twice is new once; a frame is counted as linked, or under its reason."""
    api.link()
    repository, installation = api.claimed()
    for _ in range(2):
        api.post("commits/", {"commits": [commit()]})
    api.mapping(repository, installation)
    api.link()
    found = scraped(api)
    assert value(found, "scmhost_commits_total", outcome="new") == 1
    assert value(found, "scmhost_commits_total", outcome="known") == 1
    assert value(found, "scmhost_frames_total", outcome="no_code_mappings_for_project") == 1
    assert value(found, "scmhost_frames_total", outcome="linked") == 1


def test_job_gauges_need_the_database(api: ApiClient) -> None:
    """Without the database the page has all other metrics."""
    assert value(scraped(api), "scmhost_jobs_stored", state="failed") == 0
    api.services.store.downgrade()
    found = scraped(api)
    assert value(found, "scmhost_jobs_stored", state="failed") is None
    assert value(found, "scmhost_plugin_state", plugin="custom_scm", state="ready") == 1


def test_settings_that_are_old_can_be_seen(api: ApiClient) -> None:
    """A gauge is 1 while plugins.toml is invalid."""
    assert value(scraped(api), "scmhost_config_stale") == 0
    api.services.plugins.keep_last_good("plugins.toml:4: unknown key")
    found = scraped(api)
    assert (value(found, "scmhost_config_stale"), value(found, "scmhost_config_generation")) == (1, 1)


def test_metrics_page_is_off_by_default(tmp_path: Path) -> None:
    """Without ``[host.metrics]`` the page is 404."""
    with open_api(tmp_path) as api:
        assert api.client.get("/metrics").status_code == 404


def test_unused_telemetry_libraries_are_not_imported() -> None:
    """Without metrics and spans neither library is imported."""
    configuration = str(ROOT / "plugins.toml")
    done = scmhost_process("plugins", "list", "--config", configuration, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.code == 0
    assert re.findall(r"prometheus_client|opentelemetry", done.err) == []
    assert "scmhost.infra.telemetry" in done.err


def grown(served: Served, requests: int) -> float:
    """Return the number of health requests on the page of any worker, after more of them."""
    for _ in range(requests):
        with served.client() as client:
            assert client.get("/healthz").status_code == 200
    with served.client() as client:
        found = samples(client.get("/metrics").text)
    return value(found, "scmhost_http_requests_total", method="GET", route="/healthz", status="200") or 0


def test_workers_share_their_metrics(tmp_path: Path) -> None:
    """The page of every worker has the counts of all workers."""
    (tmp_path / "plugins.toml").write_text(WITH_METRICS, encoding="utf-8")
    with serve(tmp_path, workers=2) as served:
        assert [grown(served, number) for number in (10, 0, 10, 0)] == [10, 10, 20, 20]
        with served.client() as client:
            states = samples(client.get("/metrics").text)
        assert value(states, "scmhost_plugin_state", plugin="custom_scm", state="ready") == 1


def test_every_metric_is_on_the_page(api: ApiClient) -> None:
    """The documentation lists exactly the metrics of the page."""
    text = api.client.get("/metrics").text
    names = {family.name for family in text_string_to_metric_families(text) if family.name.startswith("scmhost")}
    documented = set(re.findall(r"`(scmhost_[a-z_]+)`", page("docs/observability.md")))
    assert names == documented
