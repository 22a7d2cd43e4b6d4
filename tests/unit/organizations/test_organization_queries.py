"""Organizations, projects, tokens, installations and code mappings."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import factories
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageRequest
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.mapping import Evidence
from scmhost.organizations import queries as organization_queries
from scmhost.sdk import InstallationDraft


def version_of(tx: Transaction, tenant: factories.Tenant, project: int | None = None) -> int:
    """How often a project's mappings changed."""
    wanted = project or tenant.project
    return organization_queries.get_projects(tx, tenant.id, [wanted])[wanted].mappings_version


def test_organizations_are_found_by_slug_or_id(store: Store) -> None:
    """An organization answers to its slug and to its id, and to nothing else."""
    ids = [factories.new_organization(store, slug) for slug in ("beta", "acme")]
    with store.read() as tx:
        found = [organization_queries.find_organization(tx, text) for text in ("beta", str(ids[0]), "gamma", "²")]
        assert [it.slug for it in organization_queries.all_organizations(tx)] == ["acme", "beta"]
    assert [it and it.id for it in found] == [ids[0], ids[0], None, None]


def test_slugs_are_unique(store: Store) -> None:
    """A slug names one organization, and inside it one project; another organization may use it too."""
    organization, other = factories.new_organization(store), factories.new_organization(store, "other")
    factories.new_project(store, organization)
    factories.new_project(store, other)
    with pytest.raises(Duplicate, match="'acme'"):
        factories.new_organization(store)
    with pytest.raises(Duplicate, match="'web'"):
        factories.new_project(store, organization)


def test_projects_are_found_and_listed(store: Store) -> None:
    """A project answers to its slug and to its id; lists are by slug."""
    organization = factories.new_organization(store)
    ids = {slug: factories.new_project(store, organization, slug) for slug in ("web", "api", "cli")}
    with store.read() as tx:
        found = [organization_queries.find_project(tx, organization, text) for text in ("web", str(ids["web"]), "none")]
        page = organization_queries.project_page(tx, organization, PageRequest(0, 2))
        assert set(organization_queries.get_projects(tx, organization, [*ids.values(), factories.NOBODY])) == set(
            ids.values()
        )
    assert [it and it.slug for it in found] == ["web", "web", None]
    assert ([it.slug for it in page.items], page.more) == (["api", "cli"], True)


def test_tokens_are_found_by_their_digest(store: Store) -> None:
    """A token is what its digest says, with its scopes and its end."""
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
    """A revoked token keeps the time at which it became worthless."""
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


def test_installations_are_unique_by_external_id(store: Store) -> None:
    """A provider is set up once for one external id; another provider may use the same."""
    organization = factories.new_organization(store)
    factories.new_installation(store, organization)
    wanted = InstallationDraft(name="Again", external_id="one")
    with store.write() as tx:
        installation_queries.create(tx, organization, "other", wanted, factories.NOW)
        with pytest.raises(Duplicate, match="'one'"):
            installation_queries.create(tx, organization, factories.PROVIDER, wanted, factories.NOW)


def test_installations_are_listed_by_name(store: Store) -> None:
    """Lists are by name, of all providers or of those asked for."""
    organization = factories.new_organization(store)
    ids = [factories.new_installation(store, organization, name) for name in ("b", "a")]
    with store.read() as tx:
        pages = [
            installation_queries.page(tx, organization, factories.EVERYTHING, providers).items
            for providers in (None, {factories.PROVIDER}, {"other"}, set())
        ]
    assert [[it.installation.id for it in page] for page in pages] == [ids[::-1], ids[::-1], [], []]


def test_a_configuration_is_replaced(store: Store) -> None:
    """A new configuration takes the place of the old one; one for no installation goes nowhere."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        installation_queries.set_configuration(tx, tenant.id, tenant.installation, {"a": 1})
        saved = installation_queries.set_configuration(tx, tenant.id, tenant.installation, {"b": 2})
        assert installation_queries.get(tx, tenant.id, tenant.installation) == saved
        assert installation_queries.set_configuration(tx, tenant.id, factories.NOBODY, {}) is None
    assert saved is not None
    assert saved.installation.configuration == {"b": 2}


def test_a_mapping_is_made_once(store: Store) -> None:
    """The same roots of the same repository are refused; each other source root or repository is another mapping."""
    tenant = factories.new_tenant(store)
    there = MappingDraft(tenant.project, tenant.repository, "app/", "src/", None)
    elsewhere = replace(there, repository_id=factories.new_repository(store, tenant.id, "acme/lib"))
    with store.write() as tx:
        with pytest.raises(Duplicate, match="'app/' to 'src/'"):
            link_queries.create(tx, tenant.id, there, factories.NOW)
        others = [
            link_queries.create(tx, tenant.id, draft, factories.NOW)
            for draft in (replace(there, source_root="lib/"), elsewhere)
        ]
        with pytest.raises(Duplicate, match="'app/' to 'src/'"):
            link_queries.update(tx, tenant.id, others[0].id, there)
        assert link_queries.count(tx, tenant.id, tenant.project) == 3
        assert link_queries.with_root(tx, tenant.id, tenant.project, "app/")[1:] == others


def test_long_roots_are_told_apart(store: Store) -> None:
    """Roots that are longer than an index takes are kept and compared whole."""
    tenant = factories.new_tenant(store)
    first = MappingDraft(tenant.project, tenant.repository, "app/" * 500, "src/" * 1000 + "a/", None)
    with store.write() as tx:
        for draft in (first, replace(first, source_root="src/" * 1000 + "b/")):
            assert link_queries.create(tx, tenant.id, draft, factories.NOW).source_root == draft.source_root
        with pytest.raises(Duplicate):
            link_queries.create(tx, tenant.id, first, factories.NOW)


def test_what_a_mapping_comes_from_is_kept(store: Store) -> None:
    """A derived mapping says how sure it is and what told it; after a person's change it is theirs."""
    tenant = factories.new_tenant(store)
    told = (Evidence("lib/cart.py", "src/lib/cart.py"), Evidence("lib/shop.py", "src/lib/shop.py"))
    draft = MappingDraft(tenant.project, tenant.repository, "lib/", "src/lib/", None)
    derived = replace(draft, generated=True, confidence="high", derived_from=told)
    with store.write() as tx:
        saved = link_queries.create(tx, tenant.id, derived, factories.NOW)
        changed = link_queries.update(tx, tenant.id, saved.id, draft)
    assert (saved.generated, saved.confidence, saved.derived_from) == (True, "high", told)
    assert (changed.generated, changed.confidence, changed.derived_from) == (False, None, ())


def test_every_change_of_a_mapping_is_told(store: Store) -> None:
    """Creating, changing and deleting a mapping each raise the project's version, and a refusal does not."""
    tenant = factories.new_tenant(store)
    wanted = MappingDraft(tenant.project, tenant.repository, "lib/", "lib/", "main", generated=True)
    with store.write() as tx:
        versions = [version_of(tx, tenant)]
        saved = link_queries.create(tx, tenant.id, wanted, factories.NOW)
        versions.append(version_of(tx, tenant))
        changed = link_queries.update(tx, tenant.id, saved.id, replace(wanted, source_root="new/"))
        versions.append(version_of(tx, tenant))
        deleted = [link_queries.delete(tx, tenant.id, saved.id) for _ in range(2)]
        versions.append(version_of(tx, tenant))
    assert versions == [1, 2, 3, 4]
    assert changed == replace(saved, source_root="new/")
    assert deleted == [True, False]


def test_a_mapping_that_moves_is_told_to_both(store: Store) -> None:
    """A mapping that goes to another project changes both."""
    tenant = factories.new_tenant(store)
    other = factories.new_project(store, tenant.id, "api")
    with store.write() as tx:
        link_queries.update(tx, tenant.id, tenant.mapping, MappingDraft(other, tenant.repository, "app/", "src/", None))
        assert [version_of(tx, tenant), version_of(tx, tenant, other)] == [2, 1]
        with pytest.raises(NotFound, match=str(factories.NOBODY)):
            link_queries.update(tx, tenant.id, factories.NOBODY, MappingDraft(other, tenant.repository, "x", "y", None))


def test_mappings_are_listed_by_id(store: Store) -> None:
    """Lists are by id, of projects or of an installation's repositories."""
    tenant = factories.new_tenant(store)
    unclaimed = factories.new_repository(store, tenant.id, "other")
    filters: list[dict[str, Any]] = [{}, {"project_ids": [tenant.project]}, {"project_ids": []}]
    with store.write() as tx:
        second = link_queries.create(
            tx, tenant.id, MappingDraft(tenant.project, unclaimed, "a/", "b/", None), factories.NOW
        )
        pages = [link_queries.page(tx, tenant.id, factories.EVERYTHING, **wanted) for wanted in filters]
        owned = link_queries.page(tx, tenant.id, factories.EVERYTHING, installation_id=tenant.installation)
    both = [tenant.mapping, second.id]
    assert [[it.id for it in page.items] for page in (*pages, owned)] == [both, both, [], [tenant.mapping]]
