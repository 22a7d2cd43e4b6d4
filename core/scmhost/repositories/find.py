"""Find a repository by a URL in any spelling."""

from collections.abc import Collection, Mapping

from scmhost.infra.db.engine import Transaction
from scmhost.sdk import Repository, RepositoryStatus, TemplateError, UrlError, read_remote

from . import alias_queries, queries
from .alias_queries import address_of


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
    for repository in queries.with_url_name(tx, organization_id, names):
        there.setdefault(address_of(repository.url or ""), []).append(repository)
    left = {address for own in addresses.values() if not own & there.keys() for address in own}
    if left:
        for address, (repository, _) in alias_queries.at_addresses(tx, organization_id, left).items():
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
