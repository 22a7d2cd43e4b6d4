"""An organization can neither read nor change another organization's rows."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

import factories
from factories import EVERYTHING, NOW, PROVIDER, Tenant
from scmhost.audit import queries as audit_queries
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.infra.db import jobs, statements
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.infra.errors import ScmhostError
from scmhost.installations import delivery_queries, pending_queries
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links import shared_queries
from scmhost.links.values import MappingDraft
from scmhost.organizations import queries as organization_queries
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import ReleaseDraft
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Claim

pytestmark = pytest.mark.thorough

Query = Callable[[Transaction, int, Tenant], Any]

# Each reads, in the name of one organization (me), what belongs to the other one (it).
EARLIER = NOW - timedelta(seconds=1)

READS: dict[str, Query] = {
    "project": lambda tx, me, it: organization_queries.find_project(tx, me, str(it.project)),
    "projects": lambda tx, me, it: organization_queries.get_projects(tx, me, [it.project]),
    "project page": lambda tx, me, it: organization_queries.project_page(tx, me, EVERYTHING).items,
    "token": lambda tx, me, it: organization_queries.token_by_digest(tx, me, "d1"),
    "tokens": lambda tx, me, it: organization_queries.all_tokens(tx, me),
    "installation": lambda tx, me, it: installation_queries.get(tx, me, it.installation),
    "deliveries": lambda tx, me, it: delivery_queries.newest(tx, me, it.installation),
    "refused deliveries": lambda tx, me, it: delivery_queries.has_refused_since(tx, me, it.installation, EARLIER),
    "shared traces": lambda tx, me, it: shared_queries.of_project(tx, me, it.project, EARLIER),
    "installation page": lambda tx, me, it: installation_queries.page(tx, me, EVERYTHING).items,
    "repository": lambda tx, me, it: repository_queries.get(tx, me, it.repository),
    "repositories": lambda tx, me, it: repository_queries.get_many(tx, me, [it.repository]),
    "repository by name": lambda tx, me, it: repository_queries.by_name(tx, me, "acme/web"),
    "repository page": lambda tx, me, it: repository_queries.page(tx, me, EVERYTHING).items,
    "unclaimed": lambda tx, me, it: repository_queries.unclaimed(tx, me, 100),
    "of installation": lambda tx, me, it: repository_queries.of_installation(tx, me, it.installation),
    "has commits": lambda tx, me, it: repository_queries.with_commits(tx, me, [it.repository]),
    "has mappings": lambda tx, me, it: repository_queries.with_mappings(tx, me, [it.repository]),
    "missing frames": lambda tx, me, it: link_queries.most_frequent_missing(tx, me, NOW.date(), 10),
    "commit": lambda tx, me, it: commit_queries.find(tx, me, it.repository, factories.sha(2), with_changes=True),
    "commits": lambda tx, me, it: commit_queries.get_many(tx, me, [it.commit]),
    "commit ids": lambda tx, me, it: bulk_queries.ids_of(tx, me, it.repository, [factories.sha(2)]),
    "commit page": lambda tx, me, it: commit_queries.page(tx, me, it.repository, EVERYTHING).items,
    "authors": lambda tx, me, it: commit_queries.get_authors(tx, me, authors_of(tx, it)),
    "file changes": lambda tx, me, it: commit_queries.file_changes(tx, me, [it.commit]),
    "releases of a commit": lambda tx, me, it: commit_queries.releases_of(tx, me, [it.commit]),
    "release": lambda tx, me, it: release_queries.find(tx, me, "1.0"),
    "release page": lambda tx, me, it: release_queries.page(tx, me, EVERYTHING, project_ids=[it.project]).items,
    "release commits": lambda tx, me, it: content_queries.commits_page(tx, me, it.release, EVERYTHING).items,
    "heads": lambda tx, me, it: content_queries.heads(tx, me, it.release),
    "head": lambda tx, me, it: content_queries.head_of(tx, me, "1.0", it.repository),
    "mapping": lambda tx, me, it: link_queries.get(tx, me, it.mapping),
    "mappings": lambda tx, me, it: link_queries.for_project(tx, me, it.project),
    "mapping count": lambda tx, me, it: link_queries.count(tx, me, it.project),
    "mapping page": lambda tx, me, it: link_queries.page(tx, me, EVERYTHING, installation_id=it.installation).items,
    "files": lambda tx, me, it: release_queries.file_page(tx, me, it.release, EVERYTHING).items,
    "holders": lambda tx, me, it: commit_queries.holders(tx, me, [it.repository], [factories.sha(2)]),
    "active": lambda tx, me, it: repository_queries.active_ids(tx, me, 10),
    "mapped": lambda tx, me, it: commit_queries.mapped_repository_ids(tx, me, [it.project]),
    "mappings of root": lambda tx, me, it: link_queries.with_root(tx, me, it.project, "app/"),
    "standing files": lambda tx, me, it: file_queries.file_states(tx, me, {it.repository: ["README"]}),
    "named files": lambda tx, me, it: file_queries.paths_by_name(tx, me, ["README"], 10),
    "deploy page": lambda tx, me, it: release_queries.deploy_page(tx, me, it.release, EVERYTHING).items,
    "deploys": lambda tx, me, it: release_queries.deploys_of_releases(tx, me, [it.release]),
    "jobs": lambda tx, me, it: jobs.with_key_prefix(tx, me, "work", ""),
    "audit": lambda tx, me, it: audit_queries.page(tx, me, EVERYTHING, action=None, actor_id=it.token).items,
    "audit key": lambda tx, me, it: audit_queries.has_key(tx, me, "k1"),
    "secrets": lambda tx, me, it: installation_queries.live_secrets(tx, me, it.installation, NOW),
    "credentials": lambda tx, me, it: installation_queries.sealed_secrets(tx, me, [it.installation]),
    "pending": lambda tx, me, _it: pending_queries.by_digest(tx, me, "digest"),
    "waiting": lambda tx, me, _it: pending_queries.count_waiting(tx, me, EARLIER),
}

WRITES: dict[str, Query] = {
    "touch": lambda tx, me, it: organization_queries.touch_mappings(tx, me, it.project),
    "revoke": lambda tx, me, it: organization_queries.revoke_token(tx, me, it.token, NOW),
    "configure": lambda tx, me, it: installation_queries.set_configuration(tx, me, it.installation, {"x": 1}),
    "uninstall": lambda tx, me, it: installation_queries.delete_installation(tx, me, it.installation),
    "claim": lambda tx, me, it: repository_queries.claim(tx, me, it.repository, PROVIDER, it.installation, Claim()),
    "unclaim": lambda tx, me, it: repository_queries.unclaim(tx, me, it.repository),
    "update": lambda tx, me, it: repository_queries.update_repository(tx, me, it.repository, {"name": "mine"}),
    "schedule": lambda tx, me, it: repository_queries.schedule_deletion(tx, me, it.repository, NOW),
    "delete": lambda tx, me, it: content_queries.delete_repository(tx, me, it.repository),
    "save": lambda tx, me, it: bulk_queries.save(tx, me, it.repository, [factories.draft(77)], NOW),
    "change release": lambda tx, me, it: release_queries.update(tx, me, it.release, ReleaseDraft(ref="mine")),
    "attach": lambda tx, me, it: release_queries.attach_projects(tx, me, it.release, [it.project]),
    "set commits": lambda tx, me, it: content_queries.set_commits(tx, me, it.release, it.repository, []),
    "clear": lambda tx, me, it: content_queries.clear_commits(tx, me, it.release),
    "refresh": lambda tx, me, it: content_queries.refresh(tx, me, it.release),
    "set head": lambda tx, me, it: content_queries.set_head(tx, me, it.release, it.repository, "mine", None),
    "delete release": lambda tx, me, it: release_queries.delete(tx, me, it.release),
    "map": lambda tx, me, it: link_queries.create(tx, me, MappingDraft(it.project, it.repository, "x", "", None), NOW),
    "deploy": lambda tx, me, it: release_queries.create_deploy(
        tx, me, it.release, factories.deploy("mine"), [it.project], NOW
    ),
    "detach": lambda tx, me, it: release_queries.detach_project(tx, me, it.release, it.project),
    "add commits": lambda tx, me, it: content_queries.add_commits(tx, me, it.release, it.repository, [it.commit]),
    "put job": lambda tx, me, it: jobs.put(tx, me, "work", f"{it.release}:1", {"mine": True}, NOW),
    "new secret": lambda tx, me, it: installation_queries.create_secret(tx, me, it.installation, NOW),
    "expire secret": lambda tx, me, it: installation_queries.expire_secrets(tx, me, it.installation, NOW),
    "delete secret": lambda tx, me, it: installation_queries.delete_secret(tx, me, it.installation, it.secret),
    "note": lambda tx, me, it: audit_queries.add(tx, me, factories.note(it.token), NOW),
    "list files": lambda tx, me, it: factories.index_commits(tx, me, it.repository, 0, it.commit),
    "unshare": lambda tx, me, it: shared_queries.remove(
        tx, me, shared_queries.of_project(tx, it.id, it.project, EARLIER)[0].id
    ),
    "unmap": lambda tx, me, it: link_queries.delete(tx, me, it.mapping),
}


def authors_of(tx: Transaction, tenant: Tenant) -> list[int]:
    """Return the ids of the authors of a tenant's commit."""
    author = commit_queries.get_many(tx, tenant.id, [tenant.commit])[tenant.commit].author
    return [author.id] if author else []


def test_reads_stay_inside(store: Store) -> None:
    """A query in the name of another organization returns nothing; the owner gets the rows."""
    theirs, me = factories.new_tenant(store), factories.new_organization(store, "me")
    factories.new_repository(store, theirs.id, "unclaimed")
    with store.read() as tx:
        assert [name for name, read in READS.items() if not read(tx, theirs.id, theirs)] == []
        assert [name for name, read in READS.items() if read(tx, me, theirs)] == []


class Undo(Exception):
    """Rolls a transaction back."""


Rows = dict[str, list[tuple[Any, ...]]]


def tried(store: Store, name: str, me: int, it: Tenant) -> tuple[Rows, set[int]] | None:
    """Return the rows of ``it`` after a write in the name of ``me``, and which organizations it marks as changed.

    The write is undone. None: it was refused.
    """
    found = None
    with suppress(ScmhostError, Undo), store.write() as tx:
        WRITES[name](tx, me, it)
        found = factories.rows_seen(tx, it.id), set(tx.changed)
        raise Undo
    return found


def test_writes_stay_inside(store: Store) -> None:
    """A change in the name of another organization leaves the owner's rows unchanged."""
    theirs, me = factories.new_tenant(store), factories.new_tenant(store, "me")
    before = factories.rows_of(store, theirs.id)
    outcomes = {name: tried(store, name, me.id, theirs) for name in WRITES}
    assert [name for name, outcome in outcomes.items() if outcome and outcome[0] != before] == []


CACHED = {
    "code_mappings",
    "installations",
    "projects",
    "redirect_keys",
    "repositories",
    "repository_webhooks",
    "tokens",
}
"""The tables whose rows are cached by the version of their organization."""


def test_changes_of_cached_rows_raise_the_version(store: Store) -> None:
    """A change of a row that may be cached raises the version of its organization."""
    tenant = factories.new_tenant(store)
    before = factories.rows_of(store, tenant.id)
    outcomes = {name: tried(store, name, tenant.id, tenant) for name in WRITES}
    changing = {
        name: marked
        for name, (after, marked) in ((name, outcome) for name, outcome in outcomes.items() if outcome)
        if any(before[table] != after[table] for table in CACHED)
    }
    assert len(changing) > 5
    assert [name for name, marked in changing.items() if tenant.id not in marked] == []


def test_organizations_may_have_equal_rows(store: Store) -> None:
    """Two organizations may have the same names, shas, versions and roots."""
    first, second = factories.new_tenant(store), factories.new_tenant(store, "other")
    for rows in (factories.rows_of(store, first.id), factories.rows_of(store, second.id)):
        assert all(rows.values())


def test_no_id_is_used_twice(store: Store) -> None:
    """An id belongs to one row of one table, so that an id of the wrong kind matches nothing."""
    factories.new_tenant(store)
    factories.new_tenant(store, "other")
    rows = factories.all_rows(store)
    # Audit entries have a sequence of their own, and are not searched by id.
    tables = [table for table in ALL_TABLES.sorted_tables if table.name != "audit_entries"]
    keyed = [table for table in tables if "id" in table.primary_key.columns]
    found = [row[table.c.keys().index("id")] for table in keyed for row in rows[table.name]]
    assert len(found) == len(set(found)) > len(keyed)


def test_ids_ascend_and_are_unique(store: Store) -> None:
    """Ids that several threads take at once are unique, and ascend in each thread."""

    def take(_: int) -> list[int]:
        with store.write() as tx:
            return list(statements.new_ids(tx, 7))

    taken = factories.at_once(12, take)
    assert all(block == sorted(block) for block in taken)
    assert len({number for block in taken for number in block}) == 7 * 12


def test_zero_ids_can_be_taken(store: Store) -> None:
    """Taking zero ids returns none."""
    with store.write() as tx:
        assert list(statements.new_ids(tx, 0)) == []
