"""SQL of code mappings."""

from dataclasses import replace
from typing import Any

import pytest

import factories
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import NotFound
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.mapping import Evidence, rules_of_mapping
from scmhost.organizations import queries as organization_queries


def version_of(tx: Transaction, tenant: factories.Tenant, project: int | None = None) -> int:
    """Return how often a project's mappings changed."""
    project_id = project or tenant.project
    return organization_queries.get_projects(tx, tenant.id, [project_id])[project_id].mappings_version


def test_same_roots_of_a_repository_are_refused(store: Store) -> None:
    """The same roots of the same repository are a duplicate; another source root or repository is another mapping."""
    tenant = factories.new_tenant(store)
    existing = MappingDraft(tenant.project, tenant.repository, "app/", "src/", None)
    elsewhere = replace(existing, repository_id=factories.new_repository(store, tenant.id, "acme/lib"))
    with store.write() as tx:
        with pytest.raises(Duplicate, match="'app/' to 'src/'"):
            link_queries.create(tx, tenant.id, existing, factories.NOW)
        others = [
            link_queries.create(tx, tenant.id, draft, factories.NOW)
            for draft in (replace(existing, source_root="lib/"), elsewhere)
        ]
        with pytest.raises(Duplicate, match="'app/' to 'src/'"):
            link_queries.update(tx, tenant.id, others[0].id, existing)
        assert link_queries.count(tx, tenant.id, tenant.project) == 3
        assert link_queries.with_root(tx, tenant.id, tenant.project, "app/")[1:] == others


def test_long_roots_are_compared_whole(store: Store) -> None:
    """Roots that are too long for an index are kept and compared whole."""
    tenant = factories.new_tenant(store)
    first = MappingDraft(tenant.project, tenant.repository, "app/" * 500, "src/" * 1000 + "a/", None)
    with store.write() as tx:
        for draft in (first, replace(first, source_root="src/" * 1000 + "b/")):
            assert link_queries.create(tx, tenant.id, draft, factories.NOW).source_root == draft.source_root
        with pytest.raises(Duplicate):
            link_queries.create(tx, tenant.id, first, factories.NOW)


def test_evidence_of_a_derived_mapping_is_kept(store: Store) -> None:
    """A derived mapping keeps its confidence and evidence until a person changes it."""
    tenant = factories.new_tenant(store)
    evidence = (Evidence("lib/cart.py", "src/lib/cart.py"), Evidence("lib/shop.py", "src/lib/shop.py"))
    draft = MappingDraft(tenant.project, tenant.repository, "lib/", "src/lib/", None)
    derived = replace(draft, generated=True, confidence="high", derived_from=evidence)
    with store.write() as tx:
        saved = link_queries.create(tx, tenant.id, derived, factories.NOW)
        changed = link_queries.update(tx, tenant.id, saved.id, draft)
    assert (saved.generated, saved.confidence, saved.derived_from) == (True, "high", evidence)
    assert (changed.generated, changed.confidence, changed.derived_from) == (False, None, ())


def test_each_change_raises_the_version_of_the_project(store: Store) -> None:
    """Creating, changing and deleting a mapping raise the version; deleting a missing mapping does not."""
    tenant = factories.new_tenant(store)
    draft = MappingDraft(tenant.project, tenant.repository, "lib/", "lib/", "main", generated=True)
    with store.write() as tx:
        versions = [version_of(tx, tenant)]
        saved = link_queries.create(tx, tenant.id, draft, factories.NOW)
        versions.append(version_of(tx, tenant))
        changed = link_queries.update(tx, tenant.id, saved.id, replace(draft, source_root="new/"))
        versions.append(version_of(tx, tenant))
        deleted = [link_queries.delete(tx, tenant.id, saved.id) for _ in range(2)]
        versions.append(version_of(tx, tenant))
    assert versions == [1, 2, 3, 4]
    assert changed == replace(saved, source_root="new/")
    assert deleted == [True, False]


def test_moved_mapping_raises_the_versions_of_both_projects(store: Store) -> None:
    """A mapping that moves to another project changes both."""
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
        pages = [link_queries.page(tx, tenant.id, factories.EVERYTHING, **filter_) for filter_ in filters]
        owned = link_queries.page(tx, tenant.id, factories.EVERYTHING, installation_id=tenant.installation)
    both = [tenant.mapping, second.id]
    assert [[it.id for it in page.items] for page in (*pages, owned)] == [both, both, [], [tenant.mapping]]


ROOTS = (
    "",
    "/",
    "/srv/app/",
    "/srv/app",
    "\\srv\\app\\",
    "C:\\app",
    "/srv/*/app/",
    "App*",
    "App",
    "100%/",
    "a_b/",
    "./src",
)
PATHS = (
    "/srv/app/a.py",
    "\\srv\\app\\a.py",
    "/srv/application/a.py",
    "C:/app/a.cs",
    "/srv/x/app/a.py",
    "App.swift",
    "AppDelegate.m",
    "1000/a.py",
    "100%/a.py",
    "aXb/a.py",
    "./src/a.py",
    "b/\u00fc.py",
)


def test_projects_of_a_path_are_all_whose_mappings_match_it(store: Store) -> None:
    """No mapping that matches is left out, and few others are found; the projects are listed by slug."""
    tenant = factories.new_tenant(store)
    projects = {root: factories.new_project(store, tenant.id, f"p{number:02}") for number, root in enumerate(ROOTS)}
    with store.write() as tx:
        for root, project in projects.items():
            link_queries.create(
                tx, tenant.id, MappingDraft(project, tenant.repository, root, root, None), factories.NOW
            )
    with store.read() as tx:
        for path in PATHS:
            found = link_queries.projects_of_paths(tx, tenant.id, [path], 100)
            matching = {
                projects[root]
                for root in ROOTS
                if any(rule.source_path(path) for rule in rules_of_mapping(1, root, root, generated=False))
            }
            assert matching <= set(found), path
            assert found == sorted(found)
            assert projects["100%/"] not in found or path.startswith("100%")
            assert projects["a_b/"] not in found
        assert link_queries.projects_of_paths(tx, tenant.id, ["/srv/app/a.py"], 2) == [projects[""], projects["/"]]
        assert link_queries.projects_of_paths(tx, tenant.id + 1, PATHS, 100) == []
