from pathlib import Path

import pytest

from command import GitRepository
from loading import case_id, load_cases
from organization_client import OrganizationClient, new_token, remote
from real_clients import SentryCli


@pytest.mark.parametrize("case", load_cases("clients/scopes"), ids=case_id)
def test_ci_token_allows_all_build_steps(
    cli: SentryCli, organization: OrganizationClient, folder: Path, tmp_path: Path, case: dict[str, list[str]]
) -> None:
    """One scope is enough for all steps of a build, and allows little else."""
    checkout = GitRepository(tmp_path / "checkout")
    checkout.commit("Mappings", {"mappings.json": '[{"stackRoot": "/srv/", "sourceRoot": "src/"}]'})
    checkout.git("remote", "add", "origin", remote("team/app"))
    organization.claimed("team/app")
    organization.post("releases/", version="1.0", projects=["web"])
    token = new_token(folder, organization, str(case["scope"]))
    newest = cli.major == 3
    for words in [*case["may"], *(case.get("newest_may", []) if newest else [])]:
        cli(*words.split(), cwd=checkout.path, SENTRY_AUTH_TOKEN=token)
    for words in [*case["may_not"], *(case.get("newest_may_not", []) if newest else [])]:
        done = cli.run(*words.split(), cwd=checkout.path, SENTRY_AUTH_TOKEN=token)
        refused = "one of these scopes is needed" in done.err or "Batch 1/1 failed: API request failed" in done.out
        assert (done.code, refused) == (1, True), done
