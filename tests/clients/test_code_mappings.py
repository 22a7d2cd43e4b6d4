import json
from pathlib import Path

import pytest

from command import GitRepository
from organization_client import OrganizationClient, remote
from real_clients import SentryCli


def mappings(folder: Path, count: int, source: str = "src") -> str:
    """Write a file of code mappings."""
    listed = [{"stackRoot": f"/srv/m{number}/", "sourceRoot": f"{source}/m{number}/"} for number in range(count)]
    path = folder / f"{source}-{count}.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("count", [1, 300, 301])
def test_many_code_mappings_are_uploaded(
    newest_cli: SentryCli, organization: OrganizationClient, tmp_path: Path, count: int
) -> None:
    """A file of mappings is uploaded in several requests; a second upload updates them."""
    organization.claimed("team/app")
    words = ["code-mappings", "upload", "--repo", "Team/App", "--default-branch", "trunk"]
    assert f"Created: {count}, Updated: 0, Errors: 0" in newest_cli(*words, mappings(tmp_path, count))
    first, last = (organization.link(f"/srv/m{number}/a.py") for number in (0, count - 1))
    assert first["sourceUrl"] == "https://git.example.com/team/app/src/branch/trunk/src/m0/a.py"
    assert last["sourcePath"] == f"src/m{count - 1}/a.py"
    output = newest_cli(*words, mappings(tmp_path, count, "lib"))
    assert f"Created: 0, Updated: {count}, Errors: 0" in output
    assert organization.link("/srv/m0/a.py")["sourcePath"] == "lib/m0/a.py"


def test_the_checkout_names_repository_and_branch(
    newest_cli: SentryCli, organization: OrganizationClient, tmp_path: Path
) -> None:
    """In a checkout the file is the only argument that is needed."""
    organization.claimed("team/app")
    checkout = GitRepository(tmp_path / "checkout")
    checkout.commit()
    checkout.git("remote", "add", "origin", remote("Team/App"))
    newest_cli(
        "code-mappings", "upload", mappings(tmp_path, 2), cwd=checkout.path, SENTRY_PROJECT=organization.project_id
    )
    assert organization.link("/srv/m1/a.py")["sourceUrl"].endswith("/team/app/src/branch/main/src/m1/a.py")


@pytest.mark.parametrize("name", ["team/nothing", "team/unclaimed"])
def test_mappings_need_a_claimed_repository(
    newest_cli: SentryCli, organization: OrganizationClient, tmp_path: Path, name: str
) -> None:
    """Without a claimed repository the upload fails, and nothing is saved."""
    organization.repository("team/unclaimed")
    done = newest_cli.run("code-mappings", "upload", "--repo", name, mappings(tmp_path, 2))
    assert (done.code, "failed" in done.out) == (1, True), done
    assert organization.get("code-mappings/") == []
