import pytest

from clientele import SentryCli
from command import GitRepository
from loading import case_id, load_cases
from tenants import Tenant, column


def test_info_tells_who_asks(cli: SentryCli, tenant: Tenant) -> None:
    """The first command that people try names the server, the organization and what the token may do."""
    told = cli("info")
    for line in (
        f"Sentry Server: {cli.account.url}",
        f"Default Organization: {tenant.slug}",
        "User: token-",
        "- org:ci",
    ):
        assert line in told, told


def test_the_organization_of_the_token_is_listed(cli: SentryCli, tenant: Tenant) -> None:
    """A token shows its own organization and no other."""
    table = cli("organizations", "list")
    assert (column(table, 0), column(table, 2)) == ([tenant.id], [tenant.slug])


def test_every_project_is_listed(cli: SentryCli, tenant: Tenant) -> None:
    """A list goes on over its pages."""
    slugs = [f"p{number:03}" for number in range(120)]
    for slug in slugs:
        tenant.post("projects/", slug=slug)
    for name in (tenant.slug, tenant.id):
        assert column(cli("projects", "list", "-o", name), 1) == [*slugs, "web"]


def test_every_repository_is_listed(cli: SentryCli, tenant: Tenant) -> None:
    """A list goes on over its pages; repositories with a provider, with a URL alone, and with neither."""
    names = [f"team/app-{number:03}" for number in range(120)]
    for name in names:
        tenant.repository(name)
    tenant.claimed("team/claimed")
    tenant.claimed("team/forged", provider="git_forge")
    table = cli("repos", "list")
    assert column(table, 0) == [*names, "team/claimed", "team/forged"]
    assert column(table, 1)[-3:] == ["Unknown Provider", "CustomSCM", "Git"]
    assert column(table, 2)[-3:] == ["-", *(f"https://git.example.com/team/{name}" for name in ("claimed", "forged"))]


def test_what_is_hidden_or_deleted_is_not_listed(cli: SentryCli, tenant: Tenant) -> None:
    """A repository that is put away is not offered to a build."""
    for name, change in (("team/hidden", {"status": "hidden"}), ("team/there", {"status": "visible"})):
        tenant.ask("PUT", f"repos/{tenant.repository(name)['id']}/", json=change)
    tenant.ask("DELETE", f"repos/{tenant.repository('team/gone')['id']}/", 202)
    assert column(cli("repos", "list"), 0) == ["team/there"]


def test_nothing_is_no_error(cli: SentryCli) -> None:
    """A new organization has no repositories and no releases, and the client says so."""
    assert "No repos found" in cli("repos", "list")
    assert cli("releases", "list") == ""


@pytest.mark.parametrize("case", load_cases("clients/refusals"), ids=case_id)
def test_a_refusal_is_shown_in_the_answers_words(cli: SentryCli, case: dict[str, str]) -> None:
    """Who is refused reads why, or what cannot be found."""
    done = cli.run(*case["words"].split(), **case.get("environ", {}))
    assert (done.code, case[f"v{cli.major}"] in done.err) == (1, True), done


def test_the_version_of_a_checkout_is_its_commit(cli: SentryCli, tenant: Tenant) -> None:
    """What a build calls its release without being told is the commit that it has before it."""
    made = GitRepository(cli.account.home / "checkout")
    sha = made.commit()
    assert cli("releases", "propose-version", cwd=made.path).strip() == sha
