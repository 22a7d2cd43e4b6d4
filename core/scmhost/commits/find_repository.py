"""Find the repository of commits by its name, by their shas and by the code mappings of their projects."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scmhost.infra.db.engine import Transaction
from scmhost.repositories import alias_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.alias_queries import address_of, addresses_of, find_by_remotes, path_of
from scmhost.sdk import Organization, Remote, Repository, RepositoryStatus, TemplateError, UrlError, read_remote

from . import queries

REMOTES: Final = ("origin", "upstream")
"""Names of git remotes. Clients without a configured repository send them for any checkout."""

# A URL with a scheme, or git's short form for SSH. A group on GitLab may have a dot, so a dot alone makes no host.
_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]{0,20}://|[^\s/@:]{1,100}@[^\s/@:]{1,253}[:/]|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}:",
    re.IGNORECASE,
)

# With more repositories than this, only those that the projects are mapped to are candidates.
_MAX_CANDIDATES: Final = 1_000
# The newest and the oldest shas of a list that are searched for.
_SHAS_AT_EACH_END: Final = 10


@dataclass(frozen=True, slots=True)
class ResolvedRepository:
    """The repository of commits.

    Attributes:
        repository: the repository.
        is_placeholder: whether it is a placeholder, which may contain commits of several repositories.
        assumed_for: the name of the git remote that the sender gave, where the repository is the only possible one.
    """

    repository: Repository
    is_placeholder: bool = False
    assumed_for: str | None = None


@dataclass(frozen=True, slots=True)
class RepositoryHints:
    """The projects and the shas of commits, which help to find their repository."""

    project_ids: Collection[int] = ()
    shas: Sequence[str] = ()


def resolve_repositories(
    tx: Transaction, organization: Organization, hints: Mapping[str, RepositoryHints], now: datetime
) -> dict[str, ResolvedRepository]:
    """Return the repository that each name or URL means. Those that do not exist are created, unclaimed.

    The name of a git remote means the only repository that its hints allow, or else a placeholder of that name.
    The number of statements does not depend on the number of names.
    """
    known = find_repositories_named(tx, organization, hints.keys())
    # sentry-cli in local mode sends the name of the remote for each commit, and not its path.
    remotes = [
        name
        for name, repository in known.items()
        if name.casefold() in REMOTES and (repository is None or is_placeholder(repository))
    ]
    only = {name: only_possible_repository(tx, organization, hints[name]) for name in remotes}
    missing = [name for name, repository in known.items() if repository is None and not only.get(name)]
    known |= _create_missing(tx, organization, missing, now)
    resolved = {}
    for name, repository in known.items():
        if assumed := only.get(name):
            resolved[name] = ResolvedRepository(assumed, assumed_for=name)
        elif repository:
            resolved[name] = ResolvedRepository(repository, is_placeholder=name in only)
    return resolved


def find_named(tx: Transaction, organization: Organization, name: str) -> Repository | None:
    """Return the repository of this name, in any case, or else the only one whose URL has this path, or host and path.

    A URL, in any spelling, is the repository at it, or else one without a URL whose name is the path.

    Without such a repository, it is the one that had the name, or the path in its URL, before it was renamed or moved.
    """
    return find_repositories_named(tx, organization, [name])[name]


def find_repositories_named(
    tx: Transaction, organization: Organization, names: Collection[str]
) -> dict[str, Repository | None]:
    """Find the repository of each name, as ``find_named`` does, in a fixed number of statements.

    Returns:
        An entry for each name as it was given; None where no repository, or more than one, can be meant.
    """
    # sentry-cli sends the path of the remote in lower case. Sentry compares exactly, and creates a second repository.
    remotes = {name: remote for name in names if (remote := remote_of(name))}
    by_url = find_by_remotes(tx, organization.id, remotes)
    by_name = repository_queries.by_names(tx, organization.id, [*names, *(each.path for each in remotes.values())])
    unknown = {key for name in names if name not in by_url and (key := name.casefold()) not in by_name}
    by_path: dict[str, list[Repository]] = {}
    if unknown:
        last_segments = {key.rpartition("/")[2] for key in unknown}
        for repository in alias_queries.with_url_name(tx, organization.id, last_segments):
            # Some clients send the URL without its scheme.
            for key in (path_of(repository.url or ""), address_of(repository.url or "")):
                by_path.setdefault(key, []).append(repository)
    # The same path on two hosts may be two projects or a mirror; choosing one would mix their commits.
    found = {path: same[0] for path, same in by_path.items() if len(same) == 1} | by_name
    # An ambiguous path stays ambiguous.
    old = unknown - found.keys() - by_path.keys()
    if old:
        found |= alias_queries.called(tx, organization.id, old)
    # A repository whose name is the URL was made by a sender before the one at the URL was known.
    found |= {name.casefold(): repository for name, repository in by_url.items()}
    for name, remote in remotes.items():
        same_path = by_name.get(remote.path.casefold())
        if name.casefold() not in found and same_path and _may_be_at(same_path, name):
            found[name.casefold()] = same_path
    return {name: found.get(name.casefold()) for name in names}


def remote_of(name: str) -> Remote | None:
    """Return the repository that a client names by a URL; None if it is a name."""
    if not _URL.match(name):
        return None
    try:
        remote = read_remote(name)
    except (UrlError, TemplateError):
        return None
    return remote if remote.host else None


def _may_be_at(repository: Repository, url: str) -> bool:
    """Return whether a repository with the path of a URL as its name may be at the URL, also if it is hidden."""
    return repository.url is None or address_of(repository.url) in addresses_of(url)


def only_possible_repository(tx: Transaction, organization: Organization, hints: RepositoryHints) -> Repository | None:
    """Return the one repository that commits can belong to, or None when several are possible.

    The candidates are reduced in this order: a repository that has one of the commits; one that a code mapping of
    the projects leads to; the only one of the organization.
    """
    mapped = queries.mapped_repository_ids(tx, organization.id, hints.project_ids)
    active_ids = repository_queries.active_ids(tx, organization.id, _MAX_CANDIDATES)
    ids = active_ids if len(active_ids) < _MAX_CANDIDATES else mapped
    candidates = repository_queries.get_many(tx, organization.id, ids)
    left = [row.id for row in candidates.values() if row.status is RepositoryStatus.ACTIVE and not is_placeholder(row)]
    # Of a history that continues, the oldest commits may be known.
    shas = [*hints.shas[:_SHAS_AT_EACH_END], *hints.shas[-_SHAS_AT_EACH_END:]]
    for likely in (queries.holders(tx, organization.id, left, shas), mapped):
        left = [id_ for id_ in left if id_ in likely] or left
    return candidates[left[0]] if len(left) == 1 else None


def is_placeholder(repository: Repository) -> bool:
    """Return whether a repository is a placeholder for commits whose repository could not be found."""
    return repository.name.casefold() in REMOTES and repository.unclaimed and repository.url is None


def placeholder_note(organization: Organization, repository: Repository) -> str:
    """Return the note for the sender of commits that went into a placeholder."""
    return (
        f"The commits name their repository {repository.name!r}, a git remote, and organization {organization.slug!r} "
        f"has no single repository that fits: they are kept in a repository of that name. To correct "
        f"this, set SENTRY_VCS_REMOTE to the URL of the remote, or map the project's code to its repository; "
        f"what is stored already can be renamed with PUT .../repos/{repository.id}/."
    )


def assumed_note(name: str, repository: Repository) -> str:
    """Return the note for the sender of commits that were saved in the only repository that fits."""
    return (
        f"The commits name their repository {name!r}, a git remote: they are saved in {repository.name!r}, the only "
        "repository that fits. If they are of another one, set SENTRY_VCS_REMOTE to the URL of its remote."
    )


def _create_missing(
    tx: Transaction, organization: Organization, names: Sequence[str], now: datetime
) -> dict[str, Repository]:
    """Create the repository of each name or URL, unclaimed. URLs of one repository create one."""
    if not names:
        return {}
    remotes = {name: remote for name in sorted(names) if (remote := remote_of(name))}
    taken = repository_queries.by_names(tx, organization.id, [remote.path for remote in remotes.values()])
    stored = {name: name for name in names if name not in remotes}
    urls: dict[str, str | None] = {}
    named_at: dict[str, str] = {}
    for url, remote in remotes.items():
        addresses = addresses_of(url)
        name = next((named_at[address] for address in addresses if address in named_at), None)
        if name is None:
            # Not the URL as the name: it may contain a password, and the next sender spells it differently.
            is_free = remote.path.casefold() not in taken and remote.path.casefold() not in urls
            name = remote.path if is_free else f"{remote.host}/{remote.path}"
            urls.setdefault(name.casefold(), remote.web_url)
        named_at |= dict.fromkeys(addresses, name)
        stored[url] = name
    # Those of URLs last, so that a name is stored as it was sent.
    created = repository_queries.ensure(tx, organization.id, stored.values(), now, urls)
    for key, web_url in urls.items():
        # Another sender may have created it by its name meanwhile.
        if web_url and not created[key].url:
            created[key] = repository_queries.update_repository(tx, organization.id, created[key].id, {"url": web_url})
    return {name: created[own.casefold()] for name, own in stored.items()}
