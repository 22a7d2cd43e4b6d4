"""The state of the host on pages: plugins, why a provider is on, doctor, audit log, jobs; and who may read them."""

import pytest

from api import ApiClient
from browsing import Browser, fields_of, signed_in, text_of
from scmhost.infra.db import jobs
from scmhost.organizations import people

PATHS = [
    "/host",
    "/host/plugins/custom_scm",
    "/host/flags?organization=acme",
    "/host/doctor",
    "/host/audit",
    "/host/people",
    "/host/jobs",
]


@pytest.fixture
def operator(api: ApiClient) -> Browser:
    """The browser of an administrator of the host."""
    return signed_in(api, "Olga", host_admin=True)


def rows(browser: Browser) -> list[list[str]]:
    """Return the texts of the first table."""
    table = browser.first("main table")
    return [[text_of(cell, " ") for cell in row.css("td")] for row in table.css("tbody tr")]


@pytest.mark.parametrize("path", PATHS)
def test_only_administrators_of_the_host(operator: Browser, admin: Browser, path: str) -> None:
    """An administrator of the host reads each page; one of an organization may not, and has no link to them."""
    operator.open(path)
    assert operator.status == 200
    assert operator.page.css_first("a[href='/host']")
    admin.open(path)
    assert admin.status == 403
    assert not admin.page.css_first("a[href='/host']")


def test_plugin_has_state_hooks_and_calls(api: ApiClient, operator: Browser) -> None:
    """The calls of a hook are counted on the page of its plugin; secrets of settings are not shown."""
    api.claimed()
    operator.open("/host")
    states = {row[0]: row[2] for row in rows(operator)}
    assert states["custom_scm"] == "ready"
    operator.click("custom_scm")
    calls = {row[0]: int(row[1]) for row in rows(operator)}
    assert calls["scm_install"] == 1
    operator.open("/host/plugins/none")
    assert operator.status == 404


def test_flags_name_the_rule_that_decides(operator: Browser) -> None:
    """For an organization each provider is on or off, with the rule, its file and line; an unknown one is a problem."""
    operator.open("/host/flags")
    operator.submit("Show", organization="acme")
    assert text_of(operator.first(".card h2"), " ") == "custom_scm on"
    decided = next(row for row in rows(operator) if row[1].startswith("decides: on"))
    assert decided[0] == "allow"
    assert "plugins.toml:" in decided[2]
    operator.submit("Show", organization="nobody")
    assert "nobody" in text_of(operator.first("[role=alert]"))


def test_doctor_runs_on_request(api: ApiClient, operator: Browser) -> None:
    """The findings are those of the command; without a token of the form nothing runs."""
    api.repository("team/lost")
    operator.open("/host/doctor")
    operator.submit("Run the checks")
    assert any("unclaimed" in row[2] or "claim" in row[2] for row in rows(operator))
    operator.post("/host/doctor", {})
    assert operator.status == 403


def test_audit_log_of_host_and_organization(api: ApiClient, operator: Browser) -> None:
    """Changes of an organization and of the host are apart, and limited to one kind of change."""
    api.repository("team/app")
    operator.open("/host/audit?organization=acme&action=repository.add")
    assert [row[1:3] for row in rows(operator)] == [
        ["repository.add", text_of(operator.first("tbody td:nth-child(3)"), " ")]
    ]
    assert rows(operator)[0][2].startswith("team/app")
    operator.open("/host/audit")
    assert "person.invite" in {row[1] for row in rows(operator)}
    operator.open("/host/audit?organization=nobody")
    assert operator.page.css("main table") == []


def test_jobs_are_listed_by_state(api: ApiClient, operator: Browser) -> None:
    """A job that was due long ago is overdue, and a failed one has its fault."""
    services, organization = api.services, api.there.organization
    now = services.clock.now()
    with services.store.write() as tx:
        jobs.put(tx, organization.id, "fetch_commits", "1", {}, now.replace(year=2020))
        job = jobs.lease(tx, now, now.replace(year=2021))
        assert job
        jobs.fail(tx, job, "the forge is <down>")
        jobs.put(tx, organization.id, "fetch_commits", "2", {}, now.replace(year=2020))
    operator.open("/host/jobs")
    failed = operator.first("[aria-label=Failed]")
    assert "the forge is <down>" in text_of(failed, " ")
    assert "fetch_commits 2" in text_of(operator.first("[aria-label=Overdue]"), " ")


def test_no_page_writes(api: ApiClient, operator: Browser) -> None:
    """Reading the pages changes no row of the audit log and no job."""
    before = api.get("audit-logs/").json()["rows"]
    for path in PATHS:
        operator.open(path)
    assert api.get("audit-logs/").json()["rows"] == before
    operator.post("/host/audit", fields_of(operator.form("Sign out")))
    assert operator.status == 405


def test_people_are_listed_with_their_roles(api: ApiClient, operator: Browser, admin: Browser) -> None:
    """Administrators of the host come first; the others have their organizations, and when they signed in."""
    admin.open("/account")
    people.invite(api.services, api.there.organization, "Eve")
    operator.open("/host/people")
    today = f"{api.services.clock.now():%Y-%m-%d}"
    assert [(row[0], row[1], row[3]) for row in rows(operator)] == [
        ("Olga host", "", today),
        ("Ada", "acme admin", today),
        ("Eve", "acme member", "never"),
    ]
