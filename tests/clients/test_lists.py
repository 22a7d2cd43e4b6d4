from typing import Any

import pytest

from command import GitRepository
from loading import case_id, load_cases
from organization_client import OrganizationClient, column
from real_clients import SentryCli


def test_info_shows_server_organization_and_scopes(cli: SentryCli, organization: OrganizationClient) -> None:
    """The output has the server, the organization and the scopes of the token."""
    output = cli("info")
    for line in (
        f"Sentry Server: {cli.account.url}",
        f"Default Organization: {organization.slug}",
        "User: token-",
        "- org:ci",
    ):
        assert line in output, output


def test_the_organization_of_the_token_is_listed(cli: SentryCli, organization: OrganizationClient) -> None:
    """A token shows its own organization and no other."""
    table = cli("organizations", "list")
    assert (column(table, 0), column(table, 2)) == ([organization.id], [organization.slug])


def test_every_project_is_listed(cli: SentryCli, organization: OrganizationClient) -> None:
    """The list continues over all pages."""
    slugs = [f"p{number:03}" for number in range(120)]
    for slug in slugs:
        organization.post("projects/", slug=slug)
    for name in (organization.slug, organization.id):
        assert column(cli("projects", "list", "-o", name), 1) == [*slugs, "web"]


def test_every_repository_is_listed(cli: SentryCli, organization: OrganizationClient) -> None:
    """The list has repositories with a provider, with only a URL, and with neither, over all pages."""
    names = [f"team/app-{number:03}" for number in range(120)]
    for name in names:
        organization.repository(name)
    organization.claimed("team/claimed")
    organization.claimed("team/forged", provider="git_forge")
    table = cli("repos", "list")
    assert column(table, 0) == [*names, "team/claimed", "team/forged"]
    assert column(table, 1)[-3:] == ["Unknown Provider", "CustomSCM", "Git"]
    assert column(table, 2)[-3:] == ["-", *(f"https://git.example.com/team/{name}" for name in ("claimed", "forged"))]


def test_hidden_or_deleted_repository_is_not_listed(cli: SentryCli, organization: OrganizationClient) -> None:
    """Hidden and deleted repositories are not offered to a build."""
    for name, change in (("team/hidden", {"status": "hidden"}), ("team/there", {"status": "visible"})):
        organization.request("PUT", f"repos/{organization.repository(name)['id']}/", json=change)
    organization.request("DELETE", f"repos/{organization.repository('team/gone')['id']}/", 202)
    assert column(cli("repos", "list"), 0) == ["team/there"]


def test_empty_organization_is_no_error(cli: SentryCli) -> None:
    """Without repositories and releases the client prints that there are none."""
    assert "No repos found" in cli("repos", "list")
    assert cli("releases", "list") == ""


@pytest.mark.parametrize("case", load_cases("clients/refusals"), ids=case_id)
def test_client_shows_the_error_message(cli: SentryCli, case: dict[str, Any]) -> None:
    """The client prints the reason of a 403 and the missing object of a 404."""
    done = cli.run(*case["words"].split(), **case.get("environ", {}))
    assert (done.code, case[f"v{cli.major}"] in done.err) == (1, True), done


def test_the_version_of_a_checkout_is_its_commit(cli: SentryCli, organization: OrganizationClient) -> None:
    """Without a version the client uses the commit of the checkout."""
    made = GitRepository(cli.account.home / "checkout")
    sha = made.commit()
    assert cli("releases", "propose-version", cwd=made.path).strip() == sha
