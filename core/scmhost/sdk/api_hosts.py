"""Code hosts with an API: shared clients, many calls at once, refs, and repositories as they are there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .errors import ProviderError, ProviderUnauthorized, RateLimited
from .execution import remaining_seconds
from .urls.ref_links import looks_like_commit, ref_problem
from .values import Claim, Create, HostState, Offer, RefKind, Repository, RepositoryUpdate, ResolvedRef

if TYPE_CHECKING:
    from .http import ApiClient

A = TypeVar("A")
T = TypeVar("T")

MOST_CLIENTS: Final = 1_000
"""How many addresses have open connections. The forms of some plugins may name any."""

LONGEST_COLLECTION: Final = 60.0
"""For how many seconds ``for_each`` collects what there is time for."""

_LONGEST_NAME: Final = 200
_SHORTEST_COMMIT: Final = 4
_LONGEST_COMMIT: Final = 64
_HEX: Final = frozenset("0123456789abcdefABCDEF")

_clients: Final[dict[str, "ApiClient"]] = {}
_lock: Final = Lock()


def shared_client(base_url: str, headers: Mapping[str, str] | None = None) -> "ApiClient":
    """Return a client of an address, whose connections stay open for the next calls.

    Args:
        base_url: the address of the API.
        headers: what is sent with each request, such as the credentials of an installation.
    """
    # Importing the client takes longer than importing a plugin may take.
    from .http import ApiClient  # noqa: PLC0415

    with _lock:
        # Taken out and put back: the first one in the dict is the one that was not used for the longest time.
        client = _clients.pop(base_url, None) or ApiClient(base_url)
        while len(_clients) >= MOST_CLIENTS:
            # Its event loop closes its connections.
            _clients.pop(next(iter(_clients)))
        _clients[base_url] = client
    return client.with_headers(headers) if headers else client


async def for_each(
    call: Callable[[A], Awaitable[T]], items: Iterable[A], *, at_once: int = 8, reserve: float | None = None
) -> list[tuple[A, T]]:
    """Return items with the results of calls, some of which run at the same time.

    Args:
        call: the function.
        items: its arguments.
        at_once: how many calls run at the same time.
        reserve: None, so that the first error ends all. Else as many results as there is time for: the calls end this
            many seconds before the budget of the hook does, and an item whose call fails is left out.

    Raises:
        ProviderError: that of a call; with ``reserve`` only if all calls fail, or the code host must not be asked more.
    """
    gate = asyncio.Semaphore(at_once)
    found: dict[int, T] = {}
    errors: list[ProviderError] = []

    async def one(place: int, item: A) -> None:
        async with gate:
            try:
                found[place] = await call(item)
            except ProviderError as error:
                if reserve is None or isinstance(error, RateLimited | ProviderUnauthorized):
                    raise
                errors.append(error)

    ordered = list(items)
    tasks = [asyncio.ensure_future(one(place, item)) for place, item in enumerate(ordered)]
    seconds = None if reserve is None else min(remaining_seconds() - reserve, LONGEST_COLLECTION)
    timer = asyncio.timeout(seconds)
    try:
        async with timer:
            await asyncio.gather(*tasks)
    except TimeoutError:
        # It may also be that of a call.
        if not timer.expired():
            raise
    finally:
        for task in tasks:
            task.cancel()
    if errors and not found:
        raise errors[0]
    return [(item, found[place]) for place, item in enumerate(ordered) if place in found]


async def resolve_ref(
    ref: str | None,
    sha_of: Callable[[RefKind, str], Awaitable[str | None]],
    default_branch: Callable[[], Awaitable[str | None]],
    kinds: tuple[RefKind, ...] = ("branch", "tag"),
) -> ResolvedRef | None:
    """Return what a ref means, for ``scm_resolve_ref``; None if the repository has no such ref.

    As for git, a full commit id is nothing else, and a name precedes the beginning of an id.

    Args:
        ref: what the hook got; None and ``HEAD`` stand for the default branch.
        sha_of: returns the full id of the commit of a branch, a tag or the beginning of an id; None if there is none.
        default_branch: returns the name of the default branch; None if there is none.
        kinds: the kinds of name, the one that takes precedence first.
    """
    is_default = ref is None or ref == "HEAD"
    name = await default_branch() if is_default else ref
    if not name or ref_problem(name):
        return None
    for kind in ("branch",) if is_default else () if looks_like_commit(name) else kinds:
        sha = await sha_of(kind, name)
        if sha:
            return ResolvedRef(name=name, kind=kind, sha=sha)
    if is_default or not (_SHORTEST_COMMIT <= len(name) <= _LONGEST_COMMIT and _HEX.issuperset(name)):
        return None
    sha = await sha_of("commit", name)
    # Code hosts accept names of refs here, too.
    return ResolvedRef(name=sha, kind="commit", sha=sha) if sha and sha.startswith(name.lower()) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRepository:
    """A repository as its code host shows it now.

    Attributes:
        external_id: its id there, which a rename does not change.
        name: its full name there, such as ``team/app``.
        url: the URL of its web page.
        configuration: what the plugin needs in later calls.
        state: its state there.
        default_branch: its default branch, if known.
    """

    external_id: str
    name: str
    url: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    state: HostState = "active"
    default_branch: str | None = None

    def offer(self) -> Offer:
        """Return it for ``scm_offer_repositories``. One whose name is too long is offered by its id."""
        identifier = self.name if len(self.name) <= _LONGEST_NAME else self.external_id
        return Offer(identifier=identifier, name=self.short_name, default_branch=self.default_branch or None)

    def decision(self, candidate: Repository | None) -> Claim | Create:
        """Return the decision of ``scm_dispatch_repository`` to add it, as the candidate if there is one."""
        facts = {"external_id": self.external_id, "url": self.url, "configuration": dict(self.configuration)}
        return Claim(**facts) if candidate else Create(name=self.short_name, **facts)

    @property
    def short_name(self) -> str:
        """The name, or the end of one that is too long for scmhost."""
        return self.name[-_LONGEST_NAME:].lstrip("/")


def repository_update(
    repository: Repository, found: HostRepository | None, old_name: object
) -> RepositoryUpdate | None:
    """Return what ``scm_sync_repositories`` reports of a repository; None if nothing has changed.

    A name that a user chose stays; one that was the name at the code host follows it.

    Args:
        repository: what scmhost stores of it.
        found: what its code host shows; None if it is deleted.
        old_name: its full name at the code host until now.
    """
    state = found.state if found else "deleted"
    changed: dict[str, Any] = {"state": state} if state != repository.state else {}
    if found and found.configuration != repository.configuration:
        changed["configuration"] = dict(found.configuration)
    if found and found.name != old_name:
        changed["url"] = found.url
        if repository.name.casefold() == str(old_name).casefold():
            changed["name"] = found.short_name
    return RepositoryUpdate(repository_id=repository.id, **changed) if changed else None
