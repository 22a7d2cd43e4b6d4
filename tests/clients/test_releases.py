from datetime import datetime

import pytest

from loading import case_id, load_cases
from organization_client import OrganizationClient, column
from real_clients import SentryCli


def test_release_is_created_finalized_and_deleted(cli: SentryCli, organization: OrganizationClient) -> None:
    """A release is created twice, shown, finalized, archived, restored and deleted twice."""
    for _ in range(2):
        assert cli("releases", "new", "1.0", "--url", "https://example.com/1.0") == "Created release 1.0\n"
    made = organization.release("1.0")
    assert (made["url"], [project["slug"] for project in made["projects"]]) == ("https://example.com/1.0", ["web"])
    assert column(cli("releases", "info", "1.0"), 0) == ["1.0"]
    assert cli("releases", "finalize", "1.0", "--released", "1700000000") == "Finalized release 1.0\n"
    assert datetime.fromisoformat(organization.release("1.0")["dateReleased"]).timestamp() == 1_700_000_000
    assert cli("releases", "archive", "1.0") == "Archived release 1.0\n"
    assert (organization.release("1.0")["status"], organization.versions()) == ("archived", [])
    assert cli("releases", "restore", "1.0") == "Restored release 1.0\n"
    after = organization.release("1.0")
    assert (after["status"], after["projects"]) == ("open", made["projects"])
    assert cli("releases", "delete", "1.0") == "Deleted release 1.0!\n"
    assert cli("releases", "delete", "1.0").startswith("Did nothing.")
    assert organization.versions() == []


def test_a_release_is_of_several_projects(cli: SentryCli, organization: OrganizationClient) -> None:
    """Projects are given by slug or id, together or one after the other; the organization by id too."""
    numbers = {slug: organization.post("projects/", slug=slug)["id"] for slug in ("api", "app")}
    cli("releases", "new", "1.0", "-p", "web", "-p", numbers["api"], "-o", organization.id)
    cli("releases", "new", "1.0", "-p", numbers["app"])
    assert [project["slug"] for project in organization.release("1.0")["projects"]] == ["api", "app", "web"]
    cli("releases", "new", "1.1", "--finalize", "-p", "app")
    assert organization.release("1.1")["dateReleased"]
    for project, versions in (("app", ["1.1", "1.0"]), (numbers["api"], ["1.0"]), ("web", ["1.0"])):
        assert column(cli("releases", "list", "-p", project), 1) == versions
    assert column(cli("releases", "list", SENTRY_PROJECT=""), 1) == ["1.1", "1.0"]


def test_archived_release_is_not_listed(cli: SentryCli) -> None:
    """The list has the releases in use, the newest first, also in the raw form."""
    for version in ("1.0", "2.0", "3.0"):
        cli("releases", "new", version)
    cli("releases", "archive", "2.0")
    cli("releases", "finalize", "1.0")
    assert cli("releases", "list", "--raw") == "1.0\n3.0\n"


def test_project_is_removed_from_a_release(older_cli: SentryCli, organization: OrganizationClient) -> None:
    """Deleting a release of one project keeps it for the others."""
    organization.post("projects/", slug="api")
    older_cli("releases", "new", "1.0", "-p", "web", "-p", "api")
    older_cli("releases", "delete", "1.0")
    assert [project["slug"] for project in organization.release("1.0")["projects"]] == ["api"]


@pytest.mark.parametrize("case", load_cases("clients/versions"), ids=case_id)
def test_odd_versions_are_kept_to_the_letter(
    cli: SentryCli, organization: OrganizationClient, case: dict[str, str]
) -> None:
    """Unusual versions are unchanged in bodies and paths."""
    version = case["version"]
    cli("releases", "new", version)
    cli("releases", "finalize", version)
    cli("deploys", "new", "-r", version, "-e", "production")
    assert organization.versions() == [version]
    assert organization.release(version)["deployCount"] == 1
    cli("releases", "archive", version)
    assert organization.release(version)["status"] == "archived"
    cli("releases", "delete", version)
    assert organization.get("releases/", status="archived") == []


def test_deploys_are_noted_and_listed(cli: SentryCli, organization: OrganizationClient) -> None:
    """Deploys have an environment and a time, the newest first, for all projects or for some."""
    organization.post("projects/", slug="api")
    cli("releases", "new", "1.0", "-p", "web", "-p", "api")
    assert "No deploys found" in cli("deploys", "list", "-r", "1.0")
    cli("deploys", "new", "-r", "1.0", "-e", "staging", "--started", "1700000000", "--finished", "1700000060")
    cli(
        "deploys",
        "new",
        "-e",
        "production",
        "-n",
        "blue",
        "-t",
        "30",
        "-u",
        "https://example.com",
        SENTRY_RELEASE="1.0",
    )
    table = cli("deploys", "list", "-r", "1.0")
    assert (column(table, 0), column(table, 1)) == (["production", "staging"], ["blue", "unnamed"])
    production, staging = organization.get("releases/1.0/deploys/")
    assert (production["url"], staging["dateStarted"][:19]) == ("https://example.com", "2023-11-14T22:13:20")
    took = [datetime.fromisoformat(production[name]) for name in ("dateStarted", "dateFinished")]
    assert round((took[1] - took[0]).total_seconds()) == 30
    assert organization.release("1.0")["lastDeploy"]["environment"] == "production"
