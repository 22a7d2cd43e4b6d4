"""Setting up an organization in one step."""

from pathlib import Path

import pytest

from api import open_api
from scmhost.admin.bootstrap import bootstrap
from scmhost.infra.errors import InvalidInput, Unauthenticated
from scmhost.organizations.access import authenticate
from scmhost.organizations.create import list_organizations
from scmhost.organizations.tokens import DEFAULT_SCOPES, revoke_token


def test_bootstrap_creates_what_is_missing(tmp_path: Path) -> None:
    """A second run returns the same rows and no token, until the first one is not valid any more."""
    repositories = [("team/app", "https://git.example.com/team/app"), ("team/lib", None)]
    with open_api(tmp_path, background=False) as api:
        first, second = (bootstrap(api.services, "rival", "web", repositories) for _ in range(2))
        assert second.token == ""
        assert (first.organization, first.project, first.repositories) == (
            second.organization,
            second.project,
            second.repositories,
        )
        revoke_token(api.services, first.organization, authenticate(api.services, first.token).token.id)
        third = bootstrap(api.services, "rival", "web")
        with pytest.raises(Unauthenticated, match="revoked"):
            authenticate(api.services, first.token)
        for token in (third.token,):
            caller = authenticate(api.services, token)
            assert caller.organization == first.organization
            assert set(caller.token.scopes) == set(DEFAULT_SCOPES)


@pytest.mark.parametrize("slug", ["", "Not A Slug", "123", "x" * 200, "a\x00b"])
def test_invalid_slug_creates_nothing(tmp_path: Path, slug: str) -> None:
    """The organization is checked before anything is saved."""
    with open_api(tmp_path, background=False) as api:
        with pytest.raises(InvalidInput):
            bootstrap(api.services, slug, "web")
        assert [organization.slug for organization in list_organizations(api.services)] == ["acme"]


@pytest.mark.parametrize("token", ["", "scmhost_1_wrong", "x" * 10_000])
def test_only_the_printed_token_works(tmp_path: Path, token: str) -> None:
    """Another text is no token."""
    with open_api(tmp_path, background=False) as api, pytest.raises(Unauthenticated):
        authenticate(api.services, token)
