"""Earlier names and URLs of repositories, which still find them, and URLs in any spelling.

A current name or URL always comes first: the old name may belong to another repository now.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from scmhost.infra.db.base import KEY_BYTES
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches, in_values, insert_into
from scmhost.sdk import Repository, RepositoryStatus, TemplateError, UrlError, read_remote

from .queries import COLUMNS, HOLDERS, IS_ACTIVE, IS_CLAIMED, name_key, repository_of
from .tables import REPOSITORIES, REPOSITORY_ALIASES

_NAME: Final = "name"
_URL: Final = "url"

_OF_REPOSITORY: Final = and_(
    REPOSITORIES.c.organization_id == REPOSITORY_ALIASES.c.organization_id,
    REPOSITORIES.c.id == REPOSITORY_ALIASES.c.repository_id,
)


def save(tx: Transaction, before: Repository, after: Repository, now: datetime) -> None:
    """Keep the name and the URL that a repository had before a change, where they differ."""
    rows = [row for row in _rows(before) if row not in _rows(after)]
    # A repository that gets an earlier name back has it as its name.
    for kind, key, _, _ in _rows(after):
        own = _is_alias(after.organization_id, kind, [key]) & (REPOSITORY_ALIASES.c.repository_id == after.id)
        tx.execute(delete(REPOSITORY_ALIASES).where(own))
    for kind, key, path, url in rows:
        row: dict[str, Any] = {
            "organization_id": after.organization_id,
            "kind": kind,
            "key": key,
            "repository_id": after.id,
            "path": path,
            "url": url,
            "created_at": now,
        }
        # Of two repositories that had a name, it means the one that had it last.
        new = insert_into(tx, REPOSITORY_ALIASES).values(row)
        keys = list(REPOSITORY_ALIASES.primary_key)
        changed = {name: row[name] for name in ("repository_id", "path", "url", "created_at")}
        tx.execute(new.on_conflict_do_update(index_elements=keys, set_=changed))


def named(tx: Transaction, organization_id: int, names: Iterable[str]) -> dict[str, Repository]:
    """Return the active and hidden repositories that had these names before, by casefolded name."""
    found = _find(tx, organization_id, _NAME, {name_key(name) for name in names})
    return {key: repository for key, (repository, _) in found.items()}


def at_addresses(
    tx: Transaction, organization_id: int, addresses: Collection[str]
) -> dict[str, tuple[Repository, str]]:
    """Return the active and hidden repositories that were at these addresses before, each with its URL then.

    An address is the host and the path of a URL, as ``address_of`` returns it.
    """
    return _find(tx, organization_id, _URL, addresses)


def called(tx: Transaction, organization_id: int, texts: Collection[str]) -> dict[str, Repository]:
    """Return the active and hidden repositories that texts meant before: by name, or else by the path of their URL.

    A path that was that of several repositories means none.
    """
    table = REPOSITORY_ALIASES.c
    by_name: dict[str, Repository] = {}
    by_path: dict[str, dict[int, Repository]] = {}
    for piece in batches(_keys(texts)):
        meant = or_(_is_alias(organization_id, _NAME, piece), table.path.in_(piece))
        query = _query(organization_id).add_columns(table.key.label("alias_key"), table.path.label("alias_path"))
        for row in tx.execute(query.where(meant)):
            if row.alias_path is None:
                by_name[row.alias_key] = repository_of(row)
            else:
                by_path.setdefault(row.alias_path, {})[row.id] = repository_of(row)
    only = {path: next(iter(found.values())) for path, found in by_path.items() if len(found) == 1}
    return only | by_name


def keys_of(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, set[str]]:
    """Return the earlier names and addresses of repositories, as they are compared, by the id of the repository."""
    found: dict[int, set[str]] = {}
    table = REPOSITORY_ALIASES.c
    query = select(table.repository_id, table.key).where(table.organization_id == organization_id)
    for piece in batches(ids):
        for row in tx.execute(query.where(table.repository_id.in_(piece))):
            found.setdefault(row.repository_id, set()).add(row.key)
    return found


def _find(tx: Transaction, organization_id: int, kind: str, keys: Iterable[str]) -> dict[str, tuple[Repository, str]]:
    columns = (REPOSITORY_ALIASES.c.key.label("alias_key"), REPOSITORY_ALIASES.c.url.label("alias_url"))
    found: dict[str, tuple[Repository, str]] = {}
    for piece in batches(_keys(keys)):
        query = _query(organization_id).add_columns(*columns).where(_is_alias(organization_id, kind, piece))
        for row in tx.execute(query):
            found[row.alias_key] = repository_of(row), row.alias_url or ""
    return found


def _query(organization_id: int) -> Any:
    return (
        select(*COLUMNS)
        .join(REPOSITORY_ALIASES, _OF_REPOSITORY)
        .where(REPOSITORIES.c.organization_id == organization_id, REPOSITORIES.c.status.in_(HOLDERS))
        .order_by(REPOSITORIES.c.id)
    )


def _is_alias(organization_id: int, kind: str, keys: Collection[str]) -> ColumnElement[bool]:
    table = REPOSITORY_ALIASES.c
    return and_(table.organization_id == organization_id, table.kind == kind, table.key.in_(keys))


def _rows(repository: Repository) -> list[tuple[str, str, str | None, str | None]]:
    """Return the kind, the key, the path and the URL of the aliases that a repository would leave behind."""
    rows: list[tuple[str, str, str | None, str | None]] = [(_NAME, name_key(repository.name), None, None)]
    address = address_of(repository.url or "")
    # A longer one does not fit into an index.
    if address and len(address.encode()) <= KEY_BYTES:
        rows.append((_URL, address, path_of(repository.url or ""), repository.url))
    return rows


def _keys(keys: Iterable[str]) -> list[str]:
    """Return the texts that can be keys at all, sorted: equal requests give equal statements."""
    return sorted({key for key in keys if key and len(key.encode("utf-8", "replace")) <= KEY_BYTES})


def address_of(url: str) -> str:
    """Return the host and the path of a URL in lower case, without ``.git``, to compare URLs; empty for other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = parts.path.strip("/").casefold().removesuffix(".git")
    return f"{parts.hostname}/{path}".casefold() if parts.hostname else ""


def path_of(url: str) -> str:
    """Return the path of a URL in lower case, without ``.git``: the name of the repository on its host."""
    return address_of(url).partition("/")[2]


def with_url_name(tx: Transaction, organization_id: int, url_names: Iterable[str]) -> list[Repository]:
    """Return the active repositories whose URL ends in one of these names, without regard to case and ``.git``.

    A name is the last segment of the URL's path. The oldest repository is first.
    """
    # SQL compares only the last segment, because databases cannot split a URL; callers compare the whole path.
    last_segments = {f"{name.lower()}{suffix}" for name in url_names for suffix in ("", ".git")}
    url = func.rtrim(func.lower(REPOSITORIES.c.url), "/")
    parent_length = func.length(func.rtrim(url, func.replace(url, "/", "")))
    rows = select(*COLUMNS).where(
        REPOSITORIES.c.organization_id == organization_id,
        IS_ACTIVE,
        in_values(tx, func.substr(url, parent_length + 1), last_segments),
    )
    return [repository_of(row) for row in tx.execute(rows.order_by(REPOSITORIES.c.id))]


def claimed_at(tx: Transaction, organization_id: int, urls: Collection[str]) -> list[Repository]:
    """Return the claimed, active repositories with one of these URLs, which are in lower case, the oldest first."""
    url = func.lower(REPOSITORIES.c.url)
    rows = select(*COLUMNS).where(
        REPOSITORIES.c.organization_id == organization_id, IS_ACTIVE, IS_CLAIMED, url.in_(urls)
    )
    return [repository_of(row) for row in tx.execute(rows.order_by(REPOSITORIES.c.id))]


def installations_below(tx: Transaction, organization_id: int, urls: Collection[str]) -> set[int]:
    """Return the ids of installations with an active repository whose URL starts with one of these, in any case."""
    url = func.lower(REPOSITORIES.c.url)
    below = or_(*(url.startswith(start, autoescape=True) for start in urls))
    claimed = (REPOSITORIES.c.organization_id == organization_id, IS_ACTIVE, IS_CLAIMED)
    return set(tx.scalars(select(REPOSITORIES.c.installation_id).where(*claimed, below).distinct()))


def find_by_remote(tx: Transaction, organization_id: int, url: str) -> Repository | None:
    """Return the active repository that a web, clone or SSH URL means; None where there is none, or more than one.

    Scheme, user, port, case and ``.git`` do not count. A claimed repository comes before one that is not, and one that
    is at the URL before one that has moved from there.
    """
    return find_by_remotes(tx, organization_id, [url]).get(url)


def find_by_remotes(tx: Transaction, organization_id: int, urls: Collection[str]) -> dict[str, Repository]:
    """Find the repository of each URL, as ``find_by_remote`` does, in a fixed number of statements.

    Returns:
        The repositories by URL; a URL that means none, or more than one, has no entry.
    """
    addresses = {url: addresses_of(url) for url in urls}
    names = {address.rpartition("/")[2] for own in addresses.values() for address in own if "/" in address}
    if not names:
        return {}
    there: dict[str, list[Repository]] = {}
    for repository in with_url_name(tx, organization_id, names):
        there.setdefault(address_of(repository.url or ""), []).append(repository)
    left = {address for own in addresses.values() if not own & there.keys() for address in own}
    if left:
        for address, (repository, _) in at_addresses(tx, organization_id, left).items():
            if repository.status is RepositoryStatus.ACTIVE:
                there[address] = [repository]
    return {url: only for url, own in addresses.items() if (only := _only(own, there))}


def _only(addresses: Collection[str], there: Mapping[str, Collection[Repository]]) -> Repository | None:
    # Several addresses of a URL may lead to the same repository.
    found = {repository.id: repository for address in addresses for repository in there.get(address, ())}
    chosen = [repository for repository in found.values() if not repository.unclaimed] or [*found.values()]
    return chosen[0] if len(chosen) == 1 else None


def addresses_of(url: str) -> set[str]:
    """Return the host and path of a URL, and of the web page that it leads to."""
    try:
        remote = read_remote(url)
    except (UrlError, TemplateError):
        return {address_of(url)} - {""}
    by_host = f"{remote.host}/{remote.path}".casefold() if remote.host else ""
    return {address_of(url), address_of(remote.web_url or ""), by_host} - {""}
