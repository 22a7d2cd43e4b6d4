"""Find a repository by a URL in any spelling."""

from scmhost.infra.db.engine import Transaction
from scmhost.sdk import Repository, RepositoryStatus, TemplateError, UrlError, read_remote

from . import alias_queries, queries
from .alias_queries import address_of


def find_by_remote(tx: Transaction, organization_id: int, url: str) -> Repository | None:
    """Return the active repository that a web, clone or SSH URL means; None where there is none, or more than one.

    Scheme, user, port, case and ``.git`` do not count. A claimed repository comes before one that is not, and one that
    is at the URL before one that has moved from there.
    """
    addresses = _addresses(url)
    names = {address.rpartition("/")[2] for address in addresses if "/" in address}
    if not names:
        return None
    listed = queries.with_url_name(tx, organization_id, names)
    found = [repository for repository in listed if address_of(repository.url or "") in addresses]
    if not found:
        moved = alias_queries.at_addresses(tx, organization_id, addresses).values()
        # Both addresses of a URL may lead to the same repository.
        active = {one.id: one for one, _ in moved if one.status is RepositoryStatus.ACTIVE}
        found = list(active.values())
    chosen = [repository for repository in found if not repository.unclaimed] or found
    return chosen[0] if len(chosen) == 1 else None


def _addresses(url: str) -> set[str]:
    """Return the host and path of a URL, and of the web page that it leads to."""
    try:
        remote = read_remote(url)
    except (UrlError, TemplateError):
        return {address_of(url)} - {""}
    by_host = f"{remote.host}/{remote.path}".casefold() if remote.host else ""
    return {address_of(url), address_of(remote.web_url or ""), by_host} - {""}
