"""SQL of organizations, projects and tokens."""

from datetime import timedelta

import pytest

import factories
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.paging import PageQuery
from scmhost.organizations import queries as organization_queries


def test_organizations_are_found_by_slug_or_id(store: Store) -> None:
    """An organization is found by its slug and by its id, and by nothing else."""
    ids = [factories.new_organization(store, slug) for slug in ("beta", "acme")]
    with store.read() as tx:
        found = [organization_queries.find_organization(tx, text) for text in ("beta", str(ids[0]), "gamma", "²")]
        assert [it.slug for it in organization_queries.all_organizations(tx)] == ["acme", "beta"]
    assert [it and it.id for it in found] == [ids[0], ids[0], None, None]


def test_slugs_are_unique(store: Store) -> None:
    """A slug is unique among organizations, and among the projects of one organization."""
    organization, other = factories.new_organization(store), factories.new_organization(store, "other")
    factories.new_project(store, organization)
    factories.new_project(store, other)
    with pytest.raises(Duplicate, match="'acme'"):
        factories.new_organization(store)
    with pytest.raises(Duplicate, match="'web'"):
        factories.new_project(store, organization)


def test_projects_are_found_and_listed(store: Store) -> None:
    """A project is found by its slug and by its id; lists are sorted by slug."""
    organization = factories.new_organization(store)
    ids = {slug: factories.new_project(store, organization, slug) for slug in ("web", "api", "cli")}
    with store.read() as tx:
        found = [organization_queries.find_project(tx, organization, text) for text in ("web", str(ids["web"]), "none")]
        page = organization_queries.project_page(tx, organization, PageQuery(0, 2))
        assert set(organization_queries.get_projects(tx, organization, [*ids.values(), factories.NOBODY])) == set(
            ids.values()
        )
    assert [it and it.slug for it in found] == ["web", "web", None]
    assert ([it.slug for it in page.items], page.more) == (["api", "cli"], True)


def test_tokens_are_found_by_their_digest(store: Store) -> None:
    """A token is found by its digest, and has its scopes and its expiry."""
    organization = factories.new_organization(store)
    end = factories.NOW + timedelta(days=90)
    with store.write() as tx:
        first = factories.new_token(tx, organization, "d1", scopes={"org:read", "org:ci"}, expires_at=end)
        second = factories.new_token(tx, organization, "d2")
        found = organization_queries.token_by_digest(tx, organization, "d1")
        assert organization_queries.token_by_digest(tx, organization, "d3") is None
        assert [token.id for token in organization_queries.all_tokens(tx, organization)] == [first, second]
        with pytest.raises(Duplicate):
            factories.new_token(tx, organization, "d1")
    assert found is not None
    assert (set(found.scopes), found.expires_at, found.revoked_at) == ({"org:read", "org:ci"}, end, None)


def test_a_token_is_revoked_once(store: Store) -> None:
    """Revoking a token again keeps the time of the first revocation."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        answers = [
            organization_queries.revoke_token(tx, tenant.id, tenant.token, factories.NOW),
            organization_queries.revoke_token(tx, tenant.id, tenant.token, factories.NOW + timedelta(days=1)),
            organization_queries.revoke_token(tx, tenant.id, factories.NOBODY, factories.NOW),
        ]
        found = organization_queries.token_by_digest(tx, tenant.id, "d1")
    assert answers == [True, True, False]
    assert found is not None
    assert found.revoked_at == factories.NOW
