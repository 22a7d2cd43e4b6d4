"""Code hosts with an API: shared clients, many calls at once, refs, and webhooks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import AliasChoices, AliasPath, BaseModel, Field

from .errors import ProviderError, ProviderUnauthorized, RateLimited
from .execution import remaining_seconds
from .urls.ref_links import looks_like_commit, ref_problem
from .values import RefKind, ResolvedRef
from .webhooks import RegisteredWebhook

if TYPE_CHECKING:
    from .http import ApiClient

A = TypeVar("A")
T = TypeVar("T")

MOST_CLIENTS: Final = 1_000
"""How many addresses have open connections. The forms of some plugins may name any."""

MOST_WEBHOOKS: Final = 500
"""Among how many webhooks of a repository ``put_webhook`` looks for the one with the address."""

LONGEST_COLLECTION: Final = 60.0
"""For how many seconds ``for_each`` collects what there is time for."""

_SHORTEST_COMMIT: Final = 4
_LONGEST_COMMIT: Final = 64
_HEX: Final = frozenset("0123456789abcdefABCDEF")


class _ListedWebhook(BaseModel):
    id: int | str
    url: str | None = Field(None, validation_alias=AliasChoices(AliasPath("config", "url"), "url"))


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
    default_branch: "Callable[[], Awaitable[str | None]] | ApiClient",
    kinds: tuple[RefKind, ...] = ("branch", "tag"),
) -> ResolvedRef | None:
    """Return what a ref means, for ``scm_resolve_ref``; None if the repository has no such ref.

    As for git, a full commit id is nothing else, and a name precedes the beginning of an id.

    Args:
        ref: what the hook got; None and ``HEAD`` stand for the default branch.
        sha_of: returns the full id of the commit of a branch, a tag or the beginning of an id; None if there is none.
        default_branch: returns the name of the default branch; None if there is none. Or the client of the
            repository, if its host answers there with a field ``default_branch``.
        kinds: the kinds of name, the one that takes precedence first.
    """
    is_default = ref is None or ref == "HEAD"
    name = await _default_branch(default_branch) if is_default else ref
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


class _Branch(BaseModel):
    default_branch: str | None = None


async def _default_branch(given: "Callable[[], Awaitable[str | None]] | ApiClient") -> str | None:
    if callable(given):
        return await given()
    found = await given.find(_Branch)
    return found.default_branch if found else None


def stable_id(*parts: object) -> str:
    """Return an external id that is the same for the same parts, such as the URL of a host and the number of a user.

    So an installation that is made twice has the same id, and the host refuses the second one.
    """
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()


async def put_webhook(
    api: "ApiClient",
    address: str,
    body: Mapping[str, Any],
    *,
    update: str = "PUT",
    params: Mapping[str, Any] | None = None,
) -> RegisteredWebhook:
    """Change the webhook that has an address, or make one, for ``scm_register_webhook``.

    Args:
        api: the client of the list of webhooks, such as ``api.below("repos", owner, name, "hooks")``.
        address: what the hook got.
        body: what describes the webhook, with the address and the secret.
        update: the method that changes a webhook.
        params: the query of the list, such as the size of its pages.
    """
    async for known in api.items(_ListedWebhook, params=params, most=MOST_WEBHOOKS):
        if known.url == address:
            await api.request(update, str(known.id), json=body)
            return RegisteredWebhook(external_id=str(known.id))
    made = (await api.request("POST", json=body)).read(_ListedWebhook)
    return RegisteredWebhook(external_id=str(made.id))
