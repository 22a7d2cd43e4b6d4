"""The checks of the doctor, one by one, on rows that tests make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import factories
from api import PLUGINS_TOML, open_api
from installed import NOT_CONFIGURED
from scmhost.admin import doctor, host_checks
from scmhost.admin.doctor import config_error_findings, error_finding, run_checks, worst_first
from scmhost.admin.host_checks import MAX_OF_A_KIND, Check, Finding, each
from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import Unavailable
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.organizations.create import create_organization
from scmhost.plugins import ConfigError, read_settings
from scmhost.plugins.errors import Problem
from scmhost.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_api(tmp_path, background=False) as api:
        (tmp_path / "plugins.toml").chmod(0o600)
        yield api.services


def with_file(services: Services, folder: Path, text: str) -> Services:
    """Apply another plugins.toml."""
    path = folder / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    services.plugins.reload(read_settings(path, {}))
    return services


def lines(check: Check, services: Services) -> list[str]:
    return [f"{item.severity} {item.subject}: {item.problem}" for item in check(services)]


def test_healthy_host_passes_every_check(services: Services) -> None:
    """Each check finds nothing; only plugins that are installed but not configured are noted."""
    assert [finding.subject for finding in run_checks(services)] == [f"plugin {name}" for name in NOT_CONFIGURED]


def test_failed_check_of_rows_is_a_finding(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that goes down during the checks is an error, and findings so far are kept."""

    def away(_: object) -> Any:
        raise Unavailable("the database is down")

    monkeypatch.setattr(doctor, "_ROW_CHECKS", (away,))
    findings = run_checks(services)
    notes = [("note", f"plugin {name}") for name in NOT_CONFIGURED]
    assert [(item.severity, item.subject) for item in findings] == [("error", "the database"), *notes]


@pytest.mark.parametrize("error", [Unavailable("it does not answer"), StoreError("no tables")], ids=repr)
def test_database_that_fails_is_an_error(services: Services, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The text of the error is the problem."""

    def fail() -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(services.store, "schema_state", fail, raising=False)
        assert lines(doctor.check_database, services) == [f"error the database: {error}"]
    with monkeypatch.context() as patch:
        patch.setattr(services.store, "write", fail, raising=False)
        assert lines(doctor.check_database, services) == [f"error the database: {error}"]


@dataclass(frozen=True)
class Shifted:
    """A clock that is wrong by some time."""

    clock: Any
    by: timedelta

    def now(self) -> Any:
        return self.clock.now() + self.by


def test_clock_behind_the_newest_row_is_reported(services: Services) -> None:
    """A few minutes are tolerated."""
    create_organization(services, "newest", "Newest")
    for minutes, count in ((4, 0), (10, 1)):
        late = replace(services, clock=Shifted(services.clock, -timedelta(minutes=minutes)))
        assert len(lines(doctor.check_clocks, late)) == count


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ('["acme"]', []),
        ('["acmi"]', ["plugins.custom_scm.deny: there is no organization 'acmi'"]),
        ("[999]", ["plugins.custom_scm.deny: there is no organization 999"]),
        ('["acme", "", "x"]', ["plugins.custom_scm.deny: there is no organization ''"]),
    ],
)
def test_unknown_organizations_are_reported(
    services: Services, tmp_path: Path, names: str, found: Sequence[str]
) -> None:
    """Slugs and ids of every list are compared with the stored organizations."""
    text = PLUGINS_TOML.replace('allow = { organizations = ["acme"] }', f"deny = {{ organizations = {names} }}")
    findings = lines(doctor.check_organization_names, with_file(services, tmp_path, text))
    assert findings[: len(found)] == [f"warning {item}" for item in found]
    assert bool(findings) == bool(found)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("kill = true\n", "is off for everyone, by kill = true"),
        ('deny = { organizations = ["acme"] }\n', "allow and deny both name acme; deny wins"),
    ],
)
def test_overrides_are_reported(services: Services, tmp_path: Path, change: str, problem: str) -> None:
    """Emergency switches and contradicting lists are warnings with the line of the key."""
    [finding] = host_checks.check_overrides(with_file(services, tmp_path, PLUGINS_TOML + change))
    assert (finding.severity, finding.subject, finding.problem) == ("warning", "plugin custom_scm", problem)
    assert "plugins.toml:" in finding.place


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_readable_secrets_are_reported(services: Services, tmp_path: Path, mode: int, count: int) -> None:
    """Only a file that every user may read is reported, with the names of its secrets."""
    (tmp_path / "plugins.toml").chmod(mode)
    findings = list(host_checks.check_file_mode(services))
    assert len(findings) == count
    assert all("contains the webhook_key" in item.problem for item in findings)


def test_readable_file_without_secrets_is_fine(services: Services, tmp_path: Path) -> None:
    """The settings of plugins are secrets only by their name."""
    text = '[plugins.custom_scm]\nenabled = true\ndefault = true\n[plugins.git.settings]\nfolder = "/srv"\n'
    (tmp_path / "plugins.toml").chmod(0o644)
    assert lines(host_checks.check_file_mode, with_file(services, tmp_path, text)) == []


def test_installation_without_its_plugin_is_reported(services: Services) -> None:
    """Rows of a provider that no plugin offers are idle, in each organization."""
    organization = create_organization(services, "rival").id
    installation = factories.new_installation(services.store, organization)
    [finding] = doctor.check_installations(services)
    assert finding.subject == f"installation {installation} of rival"
    assert "is idle, because" in finding.problem


def test_unclaimed_repositories_are_summed_up(services: Services) -> None:
    """Unclaimed repositories without code mappings are one note with three names."""
    organization = create_organization(services, "rival").id
    for number in range(5):
        factories.new_repository(services.store, organization, f"team/{number}", url=f"https://x.example/{number}")
    [finding] = doctor.check_repositories(services)
    assert (finding.severity, finding.problem) == (
        "note",
        "unclaimed: rival/team/0, rival/team/1, rival/team/2 and 2 more",
    )


def test_shadowed_mapping_is_reported(services: Services) -> None:
    """A generated code mapping below one made by hand is used only for missing files."""
    organization = create_organization(services, "rival").id
    project = factories.new_project(services.store, organization)
    repository = factories.new_repository(services.store, organization)
    now = services.clock.now()
    with services.store.write() as tx:
        for root, generated in (("/srv/", False), ("/srv/app/", True)):
            draft = MappingDraft(project, repository, root, "", "main", generated=generated)
            link_queries.create(tx, organization, draft, now)
    [finding] = doctor.check_mapping_order(services)
    assert "'/srv/app/' comes after mapping" in finding.problem
    assert "was made by hand" in finding.problem


def test_findings_are_ordered_by_severity() -> None:
    """Equal severities stay in their order."""
    findings = [Finding(severity, str(number), "") for number, severity in enumerate(("note", "error", "note"))]  # type: ignore[arg-type]
    assert [item.subject for item in worst_first(findings)] == ["1", "0", "2"]


@pytest.mark.parametrize(("rows", "listed", "last"), [(0, 0, None), (10, 10, "row 9"), (11, 11, "1 more")])
def test_findings_of_one_kind_are_limited(rows: int, listed: int, last: str | None) -> None:
    """Rows after the first ones are one finding with their number."""
    found = list(each(range(rows), lambda row: Finding("note", f"row {row}", "is old")))
    assert (len(found), found[-1].subject if found else None) == (listed, last)
    assert listed <= MAX_OF_A_KIND + 1


def test_errors_become_findings() -> None:
    """Every problem of an invalid file has its line; any other error is one finding."""
    error = ConfigError(
        Problem("plugins.toml", 3, "host.x", "unknown key", "did you mean 'y'?"), Problem("f", None, "", "bad")
    )
    assert [(item.subject, item.place, item.remedy) for item in config_error_findings(error)] == [
        ("setting host.x", "plugins.toml:3", "did you mean 'y'?"),
        ("plugins.toml", "f", ""),
    ]
    assert error_finding("scmhost", Unavailable("down")).described() == {
        "severity": "error",
        "subject": "scmhost",
        "problem": "down",
        "remedy": "",
        "place": "",
    }


def test_only_a_password_in_the_file_is_a_secret_of_the_file(tmp_path: Path, services: Services) -> None:
    """A URL of the environment, or one without a password, is no reason to change the mode of the file."""
    path = tmp_path / "plugins.toml"

    def found(url: str, environ: dict[str, str]) -> list[str]:
        path.write_text(f'schema = 1\n[host]\ndatabase_url = "{url}"\n', encoding="utf-8")
        path.chmod(0o644)
        services.plugins.reload(read_settings(path, environ))
        return lines(host_checks.check_file_mode, services)

    with_password = "postgresql://ada:hunter2@db.example/links"
    assert found("postgresql://ada@db.example/links", {"SCMHOST_DATABASE_URL": with_password}) == []
    assert found("sqlite:///a@b.db", {}) == []
    assert len(found(with_password, {"SCMHOST_DATABASE_URL": "sqlite:///x.db"})) == 1


def test_twin_installations_are_found(tmp_path: Path) -> None:
    """Two installations of one name and configuration are a note with the command that removes one."""
    with open_api(tmp_path, background=False) as api:
        form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
        first, second, _ = (
            api.post("integrations/", {**form, **more}).json()["id"] for more in ({}, {}, {"name": "b"})
        )
        (finding,) = doctor.check_twins(api.services)
    assert (finding.severity, finding.subject) == ("note", f"installation {first} of acme")
    assert f"exists 2 times, with the same configuration: {first}, {second}" in finding.problem
    assert finding.remedy.startswith(f"scmhost installations remove {second} --org acme")


def test_cure_of_other_tables_fits_their_version(services: Services) -> None:
    """Older tables are migrated; newer ones need a newer scmhost, because a migration cannot help."""
    with services.store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        tx.execute(text("UPDATE schema_compatibility SET oldest_code = '9999'"))
    (newer,) = doctor.check_database(services)
    assert (newer.problem, newer.remedy.startswith("install that version")) == (
        "its tables are of a newer version of scmhost",
        True,
    )
    with services.store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0012'"))
    (older,) = doctor.check_database(services)
    assert older.remedy == "run scmhost migrate"
