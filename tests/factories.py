"""Create rows for tests, with values that matter only where a test gives them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select

from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import AuditDraft
from scmhost.commits import bulk_queries
from scmhost.infra.db import jobs
from scmhost.infra.db.base import VERSIONS
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.infra.paging import PageQuery
from scmhost.installations import delivery_queries, pending_queries
from scmhost.installations import queries as installation_queries
from scmhost.installations.delivery_queries import DeliveryDraft
from scmhost.installations.pending_queries import PendingDraft
from scmhost.links import queries as link_queries
from scmhost.links import shared_queries
from scmhost.links.shared_queries import TraceDraft
from scmhost.links.values import MappingDraft
from scmhost.organizations import people_queries
from scmhost.organizations import queries as organization_queries
from scmhost.redirects import queries as redirect_queries
from scmhost.redirects.queries import RedirectKeyDraft
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import DeployDraft, ReleaseDraft
from scmhost.repositories import alias_queries, file_index_queries, sync_queries, webhook_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitDraft, FileChange, InstallationDraft
from scmhost.services import SYSTEM, Actor

T = TypeVar("T")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROVIDER = "custom_scm"
EVERYTHING = PageQuery()
NOBODY = 2**52
"""An id that no row has."""


@dataclass(frozen=True)
class Tenant:
    """An organization with one row of each kind."""

    id: int
    project: int
    token: int
    installation: int
    repository: int
    commit: int
    release: int
    mapping: int
    secret: int


def sha(number: int) -> str:
    """Return a commit's sha."""
    return f"{number:040x}"


def draft(number: int = 1, **fields: Any) -> CommitDraft:
    """Return a complete commit. A higher number is a later time."""
    defaults = {
        "message": f"Change {number}",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "timestamp": NOW + timedelta(minutes=number),
        "changes": (FileChange(path=f"src/{number}.py", type="A"), FileChange(path="README", type="M")),
    }
    return CommitDraft(sha=sha(number), **(defaults | fields))


def deploy(environment: str = "production", **fields: Any) -> DeployDraft:
    """Return a deploy that ended now."""
    return DeployDraft(environment, **({"finished_at": NOW} | fields))


def new_organization(store: Store, slug: str = "acme") -> int:
    """Create an organization, and return its id."""
    with store.write() as tx:
        return organization_queries.create_organization(tx, slug, slug.title(), NOW).id


def new_organization_in(tx: Transaction) -> int:
    """Create an organization with a unique slug, and return its id."""
    return organization_queries.create_organization(tx, f"org-{uuid4().hex}", "Any", NOW).id


def new_repository(store: Store, organization_id: int, name: str = "acme/web", **details: Any) -> int:
    """Create a repository, and return its id. It is unclaimed by default."""
    with store.write() as tx:
        return repository_queries.create(tx, organization_id, name, NOW, **details).id


def new_installation(store: Store, organization_id: int, external_id: str = "one") -> int:
    """Create an installation, and return its id."""
    with store.write() as tx:
        new = InstallationDraft(name=f"Forge {external_id}", external_id=external_id)
        return installation_queries.create(tx, organization_id, PROVIDER, new, NOW).installation.id


def new_project(store: Store, organization_id: int, slug: str = "web") -> int:
    """Create a project, and return its id."""
    with store.write() as tx:
        return organization_queries.create_project(tx, organization_id, slug, slug.title(), "python", NOW).id


def new_token(tx: Transaction, organization_id: int, digest: str = "d1", **fields: Any) -> int:
    """Create a token, and return its id."""
    values: dict[str, Any] = {"name": "ci", "hint": "abcd", "scopes": ["org:read"], "now": NOW} | fields
    return organization_queries.create_token(tx, organization_id, digest=digest, **values).id


def index_commits(tx: Transaction, organization_id: int, repository: int, first: int, last: int) -> int | None:
    """Index the files of a repository's commits in a range of ids. Return the first id that one job would leave."""
    changes, next_id = file_index_queries.newest_changes(tx, organization_id, repository, first, last)
    file_index_queries.save_newest(tx, organization_id, changes)
    return next_id


def new_tenant(store: Store, slug: str = "acme") -> Tenant:
    """Create an organization with one row of each kind, which refer to each other."""
    organization_id = new_organization(store, slug)
    project, installation = new_project(store, organization_id), new_installation(store, organization_id)
    owner: dict[str, Any] = {"provider": PROVIDER, "installation_id": installation, "external_id": "r1"}
    repository = new_repository(store, organization_id, **owner)
    with store.write() as tx:
        token = new_token(tx, organization_id)
        kept = repository_queries.get_many(tx, organization_id, [repository])[repository]
        bulk_queries.save(tx, organization_id, repository, [draft(2), draft(1)], NOW)
        commit = bulk_queries.ids_of(tx, organization_id, repository, [sha(2)])[sha(2)]
        index_commits(tx, organization_id, repository, 0, commit)
        release, _ = release_queries.upsert(tx, organization_id, "1.0", ReleaseDraft(ref="main"), NOW)
        release_queries.attach_projects(tx, organization_id, release.id, [project])
        content_queries.set_commits(tx, organization_id, release.id, repository, [commit])
        content_queries.set_head(tx, organization_id, release.id, repository, sha(2), sha(1))
        new = MappingDraft(project, repository, "app/", "src/", "main")
        mapping = link_queries.create(tx, organization_id, new, NOW).id
        link_queries.link_repository(tx, organization_id, project, repository, NOW)
        release_queries.create_deploy(tx, organization_id, release.id, deploy(), [project], NOW)
        jobs.put(tx, organization_id, "work", f"{release.id}:1", {}, NOW)
        secret = installation_queries.create_secret(tx, organization_id, installation, NOW).id
        owner_of_secrets = installation_queries.get_many(tx, organization_id, [installation])[installation].installation
        installation_queries.save_secrets(tx, owner_of_secrets, "encrypted", "key", None)
        begun = PendingDraft("custom_scm", "digest", "https://scmhost.example/", "sealed", SYSTEM, NOW, NOW)
        pending_queries.add(tx, organization_id, begun)
        delivery_queries.add(tx, organization_id, installation, DeliveryDraft("push", "refused", "not signed"), NOW)
        webhook_queries.request(tx, installation, [kept], NOW)
        sync_queries.schedule(tx, [((organization_id, installation), NOW)])
        alias_queries.save(tx, kept.model_copy(update={"name": "acme/old"}), kept, NOW)
        key = link_queries.MissingKey(organization_id, NOW.date(), project, "stack_root_mismatch", "/opt/")
        link_queries.add_missing(tx, {key: 1}, 10, "...")
        shared_queries.add(tx, organization_id, TraceDraft(project, "a trace", None, None, SYSTEM, NOW, NOW))
        redirect_queries.create(tx, organization_id, RedirectKeyDraft("sentry", f"{organization_id}-key"), NOW)
        audit_queries.add(tx, organization_id, note(token), NOW)
        person = people_queries.create_person(tx, "Ada", NOW)
        people_queries.set_role(tx, organization_id, person.id, "admin", NOW)
    return Tenant(organization_id, project, token, installation, repository, commit, release.id, mapping, secret)


HOST_TABLES = frozenset({"host_keys", "people", "person_sessions", "sign_in_links"})
"""The tables whose rows belong to the host: a person may be in several organizations."""


def note(token: int, **fields: Any) -> AuditDraft:
    """Return an audit entry of a change by a token."""
    defaults = {"action": "repository.add", "target": "app", "target_id": 1, "details": {}, "key": "k1"}
    return AuditDraft(actor=Actor("token", "ci", token), **{**defaults, **fields})


def all_rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all stored rows by table, without the counters of changes.

    Also without the last use of tokens, which the housekeeping of an open service saves at any time, and without the
    record of deliveries, in which each of them has a row.
    """
    with store.read() as tx:
        return _rows(tx) | {"webhook_deliveries": []}


def _rows(tx: Transaction) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: [
            tuple(row)
            for row in tx.execute(
                select(*(column for column in table.c if column.name != "last_used_at")).order_by(*table.primary_key)
            )
        ]
        for table in ALL_TABLES.sorted_tables
        if table is not VERSIONS
    }


def rows_of(store: Store, organization_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return all stored rows of one organization by table."""
    with store.read() as tx:
        return rows_seen(tx, organization_id)


def rows_seen(tx: Transaction, organization_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of one organization by table, as a transaction sees them."""
    tables = {name: rows for name, rows in _rows(tx).items() if name not in HOST_TABLES}
    return {name: [row for row in rows if row[0] == organization_id] for name, rows in tables.items()}


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Return the results of the work in several threads that start at the same time."""
    start = Barrier(count)

    def run(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
