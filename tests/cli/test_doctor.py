"""``scmhost plugins doctor``: every problem that it finds."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api import PLUGINS_TOML, ApiClient, open_api
from command import scmhost
from hosting import candidate
from installed import NOT_CONFIGURED
from loading import case_id, load_cases
from scmhost.admin.doctor import run_checks
from scmhost.admin.host_checks import MAX_OF_A_KIND, Finding, each, filesystem_of
from scmhost.cli.plugins.doctor import plugin_findings
from scmhost.infra.clock import SystemClock
from scmhost.infra.db import jobs
from scmhost.organizations.tokens import create_token

CANDIDATES = {
    "broken": candidate("broken", "plugins.fails_at_import"),
    "early": candidate("early", api_range=">=9"),
    "unstated": candidate("unstated", api_range=None),
    "faulty": candidate("faulty", "plugins.faulty"),
    "unnamed": candidate("unnamed"),
}


@contextmanager
def doctor_host(folder: Path, more: str = "", *names: str) -> Iterator[ApiClient]:
    """A host with a changed configuration and some of the sample plugins."""
    others = "".join(f"[plugins.{name}]\nenabled = false\n" for name in NOT_CONFIGURED)
    plugins_toml = f"{PLUGINS_TOML}{more}{others}"
    with open_api(folder, plugins_toml, more=[CANDIDATES[name] for name in names], background=False) as api:
        (folder / "plugins.toml").chmod(0o600)
        yield api


def lines_of(found: list[Finding]) -> list[str]:
    return [f"{item.severity} {item.subject}: {item.problem} -> {item.remedy}" for item in found]


def only(found: list[Finding], subject: str) -> Finding:
    """Return the only finding on a subject."""
    (finding,) = [item for item in found if item.subject == subject]
    return finding


def test_healthy_host_has_no_findings(tmp_path: Path) -> None:
    """A host without problems has no findings, and the command reports that."""
    with doctor_host(tmp_path) as api:
        repository, installation = api.claimed()
        api.mapping(repository, installation)
        assert lines_of(run_checks(api.services)) == []
    done = scmhost(
        "plugins", "doctor", "--config", tmp_path / "plugins.toml", "--database-url", f"sqlite:///{tmp_path}/test.db"
    )
    assert (done.code, done.out) == (0, "No problems found.\n")


@pytest.mark.parametrize("case", load_cases("doctor"), ids=case_id)
def test_configuration_problems(tmp_path: Path, case: dict[str, Any]) -> None:
    """Problems of the configuration and the plugins have a severity, a place and a remedy."""
    with doctor_host(tmp_path, case["more"], *case.get("plugins", [])) as api:
        finding = only(run_checks(api.services), case["subject"])
    assert finding.severity == case["severity"]
    assert [word for word in case["contains"] if word not in f"{finding.problem} {finding.remedy}"] == []
    assert Path(finding.place).name == case.get("place", "")


def test_invalid_configuration_is_a_finding(tmp_path: Path) -> None:
    """Every problem of an invalid file is reported, also in JSON."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n[hots]\n[plugins.x]\nenabeld = true\n", encoding="utf-8")
    done = scmhost("plugins", "doctor", "--config", config, "--json")
    report = json.loads(done.out)
    assert (done.code, report["errors"], report["warnings"]) == (1, 2, 0)
    assert {item["subject"]: (item["place"], item["remedy"]) for item in report["findings"]} == {
        "setting hots": (f"{config}:2", "did you mean 'host'?"),
        "setting plugins.x.enabeld": (f"{config}:4", "did you mean 'enabled'?"),
    }


def test_readable_file_with_secrets_is_a_finding(tmp_path: Path) -> None:
    """A webhook key in a file that every user can read is reported, without its value."""
    with doctor_host(tmp_path) as api:
        (tmp_path / "plugins.toml").chmod(0o644)
        finding = only(run_checks(api.services), "plugins.toml")
    assert ("webhook_key" in finding.problem, "chmod o-r" in finding.remedy) == (True, True)
    assert "an-operator-s-key" not in str(finding)


def test_environment_reference_is_not_a_secret(tmp_path: Path) -> None:
    """The remedy for a secret setting is an environment reference, which is not reported."""
    secret = "[plugins.faulty]\nsettings = {{ token = {} }}\n"
    with doctor_host(tmp_path, secret.format('"hunter2-hunter2"')) as api:
        (tmp_path / "plugins.toml").chmod(0o644)
        finding = only(run_checks(api.services), "plugins.toml")
    assert "plugins.faulty.settings.token" in finding.problem
    assert '{ env = "VARIABLE" }' in finding.remedy
    (tmp_path / "again").mkdir()
    with doctor_host(tmp_path / "again", secret.format('{ env = "ACME_TOKEN" }')) as api:
        (tmp_path / "again" / "plugins.toml").chmod(0o644)
        finding = only(run_checks(api.services), "plugins.toml")
    assert "settings" not in finding.problem


def test_missing_database_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing database is a note and is not created; a folder that is not writable is an error."""
    monkeypatch.chdir(tmp_path)
    done = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/new.db", "--json")
    severities = {item["subject"]: item["severity"] for item in json.loads(done.out)["findings"]}
    assert severities["the database"] == "note"
    done = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/no/new.db", "--json")
    assert (done.code, "cannot be written" in done.out) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_invalid_database_url_is_an_error() -> None:
    """The finding has the valid forms of a URL."""
    done = scmhost("plugins", "doctor", "--database-url", "mysql://x", "--json")
    assert (done.code, "write sqlite:///" in done.out) == (1, True)


def test_old_schema_is_an_error(tmp_path: Path) -> None:
    """The finding names the command that helps, and rows are not checked."""
    with doctor_host(tmp_path) as api:
        api.services.store.downgrade("0001")
        finding = only(run_checks(api.services), "the database")
        assert (finding.severity, finding.remedy) == ("error", "run scmhost migrate")


def test_database_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    """The finding has the cause, without the password."""
    url = "postgresql://nobody:geheim@127.0.0.1:1/none"
    (tmp_path / "plugins.toml").write_text("schema = 1\n", encoding="utf-8")
    done = scmhost("plugins", "doctor", "--config", tmp_path / "plugins.toml", "--database-url", url, "--json")
    assert (done.code, "nothing listens at its host and port" in done.out, "geheim" in done.out) == (1, True, False)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/ada/local ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv", "ext4"), ("/home/ada", "nfs4"), ("/home/ada/local/x", "ext4"), ("/homes", "ext4"), ("/run/x", "tmpfs")],
)
def test_file_system_is_that_of_the_nearest_mount(tmp_path: Path, folder: str, kind: str) -> None:
    """SQLite loses rows on a network file system, so its kind is read from the mount table."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="utf-8")
    assert filesystem_of(Path(folder), mounts) == kind
    assert filesystem_of(Path(folder), tmp_path / "none") is None


def test_several_source_roots_of_one_stack_root_are_allowed(tmp_path: Path) -> None:
    """The existing files decide between such mappings, so none hides another."""
    with doctor_host(tmp_path) as api:
        repository, installation = api.claimed()
        for root in ("src/", "lib/"):
            assert api.mapping(repository, installation, sourceRoot=root).status_code == 201
        assert lines_of(run_checks(api.services)) == []


@dataclass(frozen=True)
class Later:
    """A clock that is wrong."""

    by: timedelta

    def now(self) -> Any:
        return SystemClock().now() + self.by


def examined(api: ApiClient, *, later: timedelta = timedelta()) -> list[Finding]:
    """Return the findings, at a later time if given."""
    return run_checks(replace(api.services, clock=Later(later)))


def test_wrong_clock_is_reported(tmp_path: Path) -> None:
    """Rows from the future show that the clock is wrong."""
    with doctor_host(tmp_path) as api:
        finding = only(examined(api, later=-timedelta(hours=1)), "the clock")
        assert ("still to come" in finding.problem, "NTP" in finding.remedy) == (True, True)


def test_expiring_token_is_reported(tmp_path: Path) -> None:
    """A token is reported a week before it expires, and afterwards with the command that removes it."""
    with doctor_host(tmp_path) as api:
        now = SystemClock().now()
        token, _ = create_token(api.services, api.there.organization, "ci", ["org:ci"], now + timedelta(days=10))
        subject = f"token {token.id} of acme"
        assert examined(api) == []
        assert only(examined(api, later=timedelta(days=5)), subject).severity == "warning"
        ended = only(examined(api, later=timedelta(days=11)), subject)
        assert (ended.severity, ended.remedy) == ("note", f"scmhost token revoke {token.id} --org acme")


def test_webhooks_without_a_key_are_an_error(tmp_path: Path) -> None:
    """Without a key every delivery would be answered with 404."""
    with doctor_host(tmp_path) as api:
        installation = api.install()
        api.post(f"integrations/{installation['id']}/webhook/", None)
        finding = only(run_checks(replace(api.services, webhook_key=None)), "webhooks")
        assert (finding.severity, "SCMHOST_WEBHOOK_KEY" in finding.remedy) == ("error", True)


def of_installation(api: ApiClient) -> str:
    return f"installation {api.install()['id']} of acme"


def of_unclaimed(api: ApiClient) -> str:
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    api.put(f"repos/{repository['id']}/", {"integrationId": None})
    return f"repository {repository['id']} of acme"


def of_nameless(api: ApiClient) -> str:
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    with api.services.store.write() as tx:
        tx.execute(text("UPDATE repositories SET url = NULL"))
    return f"repository {repository['id']} of acme"


def of_hidden(api: ApiClient) -> str:
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    api.put(f"repos/{repository['id']}/", {"status": "hidden"})
    return f"repository {repository['id']} of acme"


def of_generated_mapping(api: ApiClient) -> str:
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    longer = api.mapping(repository, installation, stackRoot="/srv/app/lib/").json()["id"]
    with api.services.store.write() as tx:
        tx.execute(text("UPDATE code_mappings SET generated = :yes WHERE id = :id"), {"yes": True, "id": int(longer)})
    return f"mapping {longer} of acme/web"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_unclaimed, ["is unclaimed", "code mappings to it: 1", "claim it"]),
        (of_nameless, ["has no URL", "give it its web URL"]),
        (of_hidden, ["is not active"]),
        (of_generated_mapping, ["'/srv/app/lib/' comes after", "('/srv/app/')", "was made by hand"]),
    ],
)
def test_rows_that_give_no_links_are_reported(
    tmp_path: Path, make: Callable[[ApiClient], str], words: list[str]
) -> None:
    """A row that prevents links is named, with the cause and a remedy."""
    with doctor_host(tmp_path) as api:
        subject = make(api)
        finding = only(run_checks(api.services), subject)
    assert finding.severity in ("warning", "note")
    assert [word for word in words if word not in f"{finding.problem} {finding.remedy}"] == []


def test_installation_of_a_disabled_provider_is_reported(tmp_path: Path) -> None:
    """The finding has the rule that disables the provider, with its line."""
    with doctor_host(tmp_path) as api:
        subject = of_installation(api)
    off = PLUGINS_TOML.replace('allow = { organizations = ["acme"] }', 'deny = { organizations = ["acme"] }')
    with open_api(tmp_path, off, f"sqlite:///{tmp_path}/test.db", background=False) as api:
        finding = only(run_checks(api.services), subject)
    assert ("deny names 'acme'" in finding.problem, Path(finding.place).name) == (True, "plugins.toml:7")


def test_stuck_and_failed_jobs_are_reported(tmp_path: Path) -> None:
    """A due job that no worker takes is reported, and a failed one with its last error."""
    with doctor_host(tmp_path) as api:
        now = SystemClock().now()
        organization = api.there.organization.id
        with api.services.store.write() as tx:
            jobs.put(tx, organization, "fetch", "a", {}, now)
            jobs.put(tx, organization, "fetch", "b", {}, now + timedelta(hours=2))
            job = jobs.lease(tx, now, now)
            assert job is not None
            jobs.fail(tx, job, "no such ref")
        found = examined(api, later=timedelta(hours=3))
        assert "no worker takes them" in only(found, "jobs").problem
        assert "no such ref" in only(found, f"job {job.id} of acme").problem


def test_many_similar_findings_are_summed_up() -> None:
    """Of ten thousand rows with the same problem only some are listed."""
    rows = range(MAX_OF_A_KIND + 5)
    found = list(each(rows, lambda row: Finding("warning", f"token {row} of acme", "ends", "make another")))
    assert len(found) == MAX_OF_A_KIND + 1
    assert (found[-1].subject, found[-1].problem) == ("5 more", "are like the last token above")


SERVICE = "https://scmhost.example.com"


def hook_record(**fields: Any) -> dict[str, Any]:
    return {"name": "scm_file_exists", "calls": 9, "faults": 0, "refusals": 0, "unavailable": 0, **fields}


def plugin_record(**fields: Any) -> dict[str, Any]:
    return {
        "name": "quarry",
        "state": "ready",
        "reason": "",
        "notes": [],
        "suspensions": [],
        "hooks": [hook_record()],
        **fields,
    }


def test_healthy_plugin_of_a_service_has_no_findings() -> None:
    """A few refusals are normal."""
    assert not list(plugin_findings(SERVICE, plugin_record(hooks=[hook_record(refusals=3)])))


def test_unavailable_code_host_is_reported() -> None:
    """Calls that found the code host unavailable are no faults, and are reported on their own."""
    (one,) = plugin_findings(SERVICE, plugin_record(hooks=[hook_record(refusals=1, unavailable=1)]))
    (many,) = plugin_findings(SERVICE, plugin_record(hooks=[hook_record(refusals=6, unavailable=6)]))
    assert one.problem == "in the latest call of scm_file_exists the code host did not answer"
    assert many.problem == "in the latest 6 calls of scm_file_exists the code host did not answer"
    assert (many.severity, many.subject) == ("warning", f"plugin quarry at {SERVICE}")
    assert "check that its code host is up" in many.remedy


def test_pause_that_a_code_host_asked_for_is_reported() -> None:
    """The finding has the installation and the seconds; a service without pauses has none."""
    pauses = [{"provider": "forge", "integrationId": "5", "seconds": 30}]
    (finding,) = plugin_findings(SERVICE, plugin_record(pauses=pauses))
    assert (finding.severity, "integration 5 limits requests for 30 s more" in finding.problem) == ("warning", True)


def test_suspended_hook_is_reported_with_its_last_fault() -> None:
    """The finding has the fault, and the remedy is what to fix."""
    pause = {"hook": "scm_file_exists", "nextTry": "12:00", "faults": 5, "lastFault": "hung"}
    (finding,) = plugin_findings(SERVICE, plugin_record(state="suspended", suspensions=[pause]))
    assert finding.problem == "scm_file_exists is suspended until 12:00, after 5 faults in a row; its last fault: hung"
    assert "hung" not in finding.remedy
    assert "fix the cause that the fault names" in finding.remedy


def test_the_missing_package_of_an_endpoint_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that answers agents needs a package, without which it does not start."""
    plugins_toml = PLUGINS_TOML.replace("[host]\n", "[host]\nmcp = true\n")
    with open_api(tmp_path, plugins_toml, background=False) as api:
        assert [item.subject for item in run_checks(api.services) if item.subject == "mcp"] == []
        monkeypatch.setattr("scmhost.admin.host_checks.find_spec", lambda _: None)
        finding = only(run_checks(api.services), "mcp")
    assert (finding.severity, "pip install 'scmhost[mcp]'" in (finding.remedy or "")) == ("error", True)
    assert finding.place
