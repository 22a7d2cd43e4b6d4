"""Two organizations in one database never see or touch each other's rows."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import factories
from factories import EVERYTHING, NOW, PROVIDER, Tenant
from scmhost.kernel.errors import ScmhostError
from scmhost.sdk import Claim
from scmhost.store import (
    audit,
    authors,
    code_mappings,
    commits,
    deploys,
    ids,
    installations,
    jobs,
    known_files,
    projects,
    release_files,
    releases,
    repositories,
    tokens,
    webhook_secrets,
)
from scmhost.store.engine import Store, Transaction
from scmhost.store.values import MappingDraft, ReleaseDraft
from scmhost.store.work_tables import ALL_TABLES

Query = Callable[[Transaction, int, Tenant], Any]

# Each asks, in the name of one organization, for what belongs to the other.
READS: dict[str, Query] = {
    "project": lambda tx, me, it: projects.find(tx, me, str(it.project)),
    "projects": lambda tx, me, it: projects.get_many(tx, me, [it.project]),
    "project page": lambda tx, me, it: projects.page(tx, me, EVERYTHING).items,
    "token": lambda tx, me, it: tokens.by_digest(tx, me, "d1"),
    "tokens": lambda tx, me, it: tokens.all_(tx, me),
    "installation": lambda tx, me, it: installations.get(tx, me, it.installation),
    "installation page": lambda tx, me, it: installations.page(tx, me, EVERYTHING).items,
    "repository": lambda tx, me, it: repositories.get(tx, me, it.repository),
    "repositories": lambda tx, me, it: repositories.get_many(tx, me, [it.repository]),
    "repository by name": lambda tx, me, it: repositories.by_name(tx, me, "acme/web"),
    "repository page": lambda tx, me, it: repositories.page(tx, me, EVERYTHING).items,
    "unclaimed": lambda tx, me, it: repositories.unclaimed(tx, me, 100),
    "of installation": lambda tx, me, it: repositories.of_installation(tx, me, it.installation),
    "has commits": lambda tx, me, it: repositories.has_commits(tx, me, it.repository),
    "commit": lambda tx, me, it: commits.find(tx, me, it.repository, factories.sha(2), with_changes=True),
    "commits": lambda tx, me, it: commits.get_many(tx, me, [it.commit]),
    "commit ids": lambda tx, me, it: commits.ids_of(tx, me, it.repository, [factories.sha(2)]),
    "commit page": lambda tx, me, it: commits.page(tx, me, it.repository, EVERYTHING).items,
    "authors": lambda tx, me, it: authors.get_many(tx, me, authors_of(tx, it)),
    "latest sha": lambda tx, me, it: commits.latest_sha(tx, me, it.repository),
    "file changes": lambda tx, me, it: commits.file_changes(tx, me, [it.commit]),
    "releases of a commit": lambda tx, me, it: commits.releases_of(tx, me, [it.commit]),
    "release": lambda tx, me, it: releases.find(tx, me, "1.0"),
    "release page": lambda tx, me, it: releases.page(tx, me, EVERYTHING, project_ids=[it.project]).items,
    "release commits": lambda tx, me, it: releases.commits_page(tx, me, it.release, EVERYTHING).items,
    "heads": lambda tx, me, it: releases.heads(tx, me, it.release),
    "head": lambda tx, me, it: releases.head_of(tx, me, "1.0", it.repository),
    "mapping": lambda tx, me, it: code_mappings.get(tx, me, it.mapping),
    "mappings": lambda tx, me, it: code_mappings.for_project(tx, me, it.project),
    "mapping count": lambda tx, me, it: code_mappings.count(tx, me, it.project),
    "mapping page": lambda tx, me, it: code_mappings.page(tx, me, EVERYTHING, installation_id=it.installation).items,
    "files": lambda tx, me, it: release_files.page(tx, me, it.release, EVERYTHING).items,
    "holders": lambda tx, me, it: commits.holders(tx, me, [it.repository], [factories.sha(2)]),
    "active": lambda tx, me, it: repositories.active_ids(tx, me, 10),
    "mapped": lambda tx, me, it: code_mappings.repository_ids(tx, me, [it.project]),
    "mappings of root": lambda tx, me, it: code_mappings.with_root(tx, me, it.project, "app/"),
    "standing files": lambda tx, me, it: known_files.standing(tx, me, {it.repository: ["README"]}),
    "named files": lambda tx, me, it: known_files.named(tx, me, ["README"], 10),
    "deploy page": lambda tx, me, it: deploys.page(tx, me, it.release, EVERYTHING).items,
    "deploys": lambda tx, me, it: deploys.of_releases(tx, me, [it.release]),
    "jobs": lambda tx, me, it: jobs.beginning_with(tx, me, "work", ""),
    "audit": lambda tx, me, it: audit.page(tx, me, EVERYTHING, action=None, actor_id=it.token).items,
    "audit key": lambda tx, me, it: audit.has_key(tx, me, "k1"),
    "secrets": lambda tx, me, it: webhook_secrets.live(tx, me, it.installation, NOW),
}

WRITES: dict[str, Query] = {
    "touch": lambda tx, me, it: projects.touch_mappings(tx, me, it.project),
    "revoke": lambda tx, me, it: tokens.revoke(tx, me, it.token, NOW),
    "configure": lambda tx, me, it: installations.set_configuration(tx, me, it.installation, {"x": 1}),
    "uninstall": lambda tx, me, it: installations.delete(tx, me, it.installation),
    "claim": lambda tx, me, it: repositories.claim(tx, me, it.repository, PROVIDER, it.installation, Claim()),
    "unclaim": lambda tx, me, it: repositories.unclaim(tx, me, it.repository),
    "update": lambda tx, me, it: repositories.update(tx, me, it.repository, {"name": "mine"}),
    "schedule": lambda tx, me, it: repositories.schedule_deletion(tx, me, it.repository, NOW),
    "delete": lambda tx, me, it: repositories.delete_now(tx, me, it.repository),
    "save": lambda tx, me, it: commits.save(tx, me, it.repository, [factories.draft(77)], NOW),
    "change release": lambda tx, me, it: releases.update(tx, me, it.release, ReleaseDraft(ref="mine")),
    "attach": lambda tx, me, it: releases.attach_projects(tx, me, it.release, [it.project]),
    "set commits": lambda tx, me, it: releases.set_commits(tx, me, it.release, it.repository, []),
    "clear": lambda tx, me, it: releases.clear_commits(tx, me, it.release),
    "refresh": lambda tx, me, it: releases.refresh(tx, me, it.release),
    "set head": lambda tx, me, it: releases.set_head(tx, me, it.release, it.repository, "mine", None),
    "delete release": lambda tx, me, it: releases.delete(tx, me, it.release),
    "map": lambda tx, me, it: code_mappings.create(tx, me, MappingDraft(it.project, it.repository, "x", "", None), NOW),
    "deploy": lambda tx, me, it: deploys.create(tx, me, it.release, factories.deploy("mine"), [it.project], NOW),
    "detach": lambda tx, me, it: releases.detach_project(tx, me, it.release, it.project),
    "add commits": lambda tx, me, it: releases.add_commits(tx, me, it.release, it.repository, [it.commit]),
    "put job": lambda tx, me, it: jobs.put(tx, me, "work", f"{it.release}:1", {"mine": True}, NOW),
    "new secret": lambda tx, me, it: webhook_secrets.create(tx, me, it.installation, NOW),
    "expire secret": lambda tx, me, it: webhook_secrets.expire(tx, me, it.installation, NOW),
    "delete secret": lambda tx, me, it: webhook_secrets.delete_one(tx, me, it.installation, it.secret),
    "note": lambda tx, me, it: audit.add(tx, me, factories.note(it.token), NOW),
    "list files": lambda tx, me, it: known_files.take_in(tx, me, it.repository, 0, it.commit),
    "unmap": lambda tx, me, it: code_mappings.delete(tx, me, it.mapping),
}


def authors_of(tx: Transaction, tenant: Tenant) -> list[int]:
    """The ids of the authors of a tenant's commit."""
    author = commits.get_many(tx, tenant.id, [tenant.commit])[tenant.commit].author
    return [author.id] if author else []


@pytest.mark.parametrize("name", READS)
def test_reads_stay_inside(store: Store, name: str) -> None:
    """An organization that asks for another's rows gets nothing, and the other gets them."""
    theirs, me = factories.new_tenant(store), factories.new_organization(store, "me")
    factories.new_repository(store, theirs.id, "unclaimed")
    with store.read() as tx:
        assert READS[name](tx, theirs.id, theirs)
        assert not READS[name](tx, me, theirs)


@pytest.mark.parametrize("name", WRITES)
def test_writes_stay_inside(store: Store, name: str) -> None:
    """An organization that tries to change another's rows changes nothing of it."""
    theirs, me = factories.new_tenant(store), factories.new_tenant(store, "me")
    before = factories.rows_of(store, theirs.id)
    with suppress(ScmhostError), store.write() as tx:
        WRITES[name](tx, me.id, theirs)
    assert factories.rows_of(store, theirs.id) == before


def test_the_same_rows_stand_side_by_side(store: Store) -> None:
    """Two organizations may hold the same names, shas, versions and roots."""
    first, second = factories.new_tenant(store), factories.new_tenant(store, "other")
    for rows in (factories.rows_of(store, first.id), factories.rows_of(store, second.id)):
        assert all(rows.values())


def test_no_id_is_used_twice(store: Store) -> None:
    """An id belongs to one row of one kind in one organization, so that a mixed-up id finds nothing."""
    factories.new_tenant(store)
    factories.new_tenant(store, "other")
    rows = factories.all_rows(store)
    # What is noted has a series of its own, and is looked for by nobody's id.
    tables = [table for table in ALL_TABLES.sorted_tables if table.name != "audit_entries"]
    keyed = [table for table in tables if "id" in table.primary_key.columns]
    found = [row[table.c.keys().index("id")] for table in keyed for row in rows[table.name]]
    assert len(found) == len(set(found)) > len(keyed)


def test_ids_rise_and_never_return(store: Store) -> None:
    """Ids that are taken at once are new to each taker, and each taker's rise."""

    def take(_: int) -> list[int]:
        with store.write() as tx:
            return list(ids.take(tx, 7))

    taken = factories.at_once(12, take)
    assert all(block == sorted(block) for block in taken)
    assert len({number for block in taken for number in block}) == 7 * 12


def test_no_ids_can_be_taken(store: Store) -> None:
    """Taking none takes none."""
    with store.write() as tx:
        assert list(ids.take(tx, 0)) == []
