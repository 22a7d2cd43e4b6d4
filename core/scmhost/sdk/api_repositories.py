"""Repositories of code hosts with an API: offered in pages, found by what a user wrote, added, and kept up to date."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, Field

from .api_hosts import for_each
from .errors import ProviderError, ProviderUnavailable, UrlError
from .execution import remaining_seconds
from .urls.remotes import read_remote
from .urls.safety import join_url
from .values import AddRequest, Claim, Create, HostState, Offer, OfferPage, Refusal, Repository, RepositoryUpdate

if TYPE_CHECKING:
    from .http import ApiClient

T = TypeVar("T")

_LONGEST_NAME: Final = 200
# The time for one more page, in seconds.
_RESERVE: Final = 4.0
FULL_NAME: Final = r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}"
"""A regular expression of ``ApiRepository.full_name``."""

_HINT: Final = "write its whole name, such as owner/name, or its URL"
_PAGE: Final = re.compile(r"[1-9][0-9]{0,8}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_SCP: Final = re.compile(r"[\w.-]+@[\w.-]+:")


async def offer_page(  # noqa: PLR0913 - the parts of a list
    api: "ApiClient",
    kind: type[T],
    show: Callable[[T], "HostRepository | None"],
    *,
    cursor: str,
    params: Mapping[str, Any],
    enough: int = 1,
    by: Sequence[str] = ("page",),
) -> OfferPage:
    """Return a page of the repositories that a code host lists, for ``scm_offer_repositories``.

    While ``show`` leaves out too many, further pages are read, as long as there is time.

    Args:
        api: the client of the list, such as ``api.below("user", "repos")``.
        kind: the type of one item of the list.
        show: returns a repository, or None to leave it out.
        cursor: what the hook got. It comes back from a user, who must not add other parameters.
        params: the query of the list.
        enough: how many offers suffice; 1 stands for those of one page.
        by: the parameters that lead from one page to the next. One with the name ``page`` is a number.

    Raises:
        ProviderError: the cursor is none of this list; or the error of a request.
    """
    query: dict[str, Any] = {**params, **_read_cursor(cursor, by)}
    found: dict[str, HostRepository] = {}
    while True:
        answer = await api.request("GET", params=query, conditional=False)
        for one in map(show, answer.items(kind)):
            if one is not None:
                found[one.external_id] = one
        following = answer.next_params or {}
        cursor = urlencode({name: following[name] for name in by if name in following})
        # A host that names the same page again would never end.
        is_last = not cursor or all(following.get(name) == answer.params.get(name) for name in by)
        if is_last or len(found) >= enough or remaining_seconds() < _RESERVE:
            offers = tuple(one.offer() for one in found.values())
            return OfferPage(offers=offers, next=None if is_last else cursor)
        query = following


def _read_cursor(cursor: str, by: Sequence[str]) -> dict[str, str]:
    params = dict(parse_qsl(cursor))
    is_page = _PAGE.fullmatch(params.get("page", "1")) is not None
    if not is_page or not params.keys() <= set(by) or bool(params) != bool(cursor):
        raise ProviderError(f"{cursor[:40]!r} is no cursor of this list; begin again without one.")
    return params


async def add_repository(  # noqa: PLR0913 - the parts of a decision
    request: AddRequest,
    candidate: Repository | None,
    find: Callable[[str], Awaitable["HostRepository | None"]],
    *,
    base_url: str,
    names: str = r".+",
    fields: Sequence[str] = (),
    ssh_host: str = "",
    within: str = "",
) -> Claim | Create | Refusal:
    """Decide about a request to add a repository, for ``scm_dispatch_repository``.

    Args:
        request: what the hook got.
        candidate: what the hook got.
        find: returns the repository with a name that the installation may use; None if there is none.
        base_url: see ``requested_names``, as ``fields`` and ``ssh_host``.
        names: a regular expression of the names that a repository may have at the code host.
        fields: see ``requested_names``.
        ssh_host: see ``requested_names``.
        within: to what the installation is limited, for the refusal, such as ``the group team``.
    """
    wanted = requested_names(request, candidate, base_url, fields=fields, ssh_host=ssh_host)
    # Clients and servers resolve such segments, so that another place would be asked.
    possible = [name for name in wanted if re.fullmatch(names, name) and {".", ".."}.isdisjoint(name.split("/"))]
    for name in possible:
        found = await find(name)
        if found is not None:
            return found.decision(candidate)
    shown = " or ".join(repr(name[:_LONGEST_NAME]) for name in wanted) or repr(request.identifier[:_LONGEST_NAME])
    place = f" in {within}" if within else ""
    if not possible:
        return Refusal(reason="invalid", message=f"{shown} is no repository of {base_url}; {_HINT}.")
    return Refusal(reason="not_found", message=f"{base_url} shows no {shown}{place} to this installation; {_HINT}.")


def requested_names(
    request: AddRequest, candidate: Repository | None, base_url: str, *, fields: Sequence[str] = (), ssh_host: str = ""
) -> list[str]:
    """Return the full names at a code host that a request to add a repository may mean, the most certain first.

    A user may write a name, the URL of a page, or a clone URL with or without a user, a password or a token. The names
    are those below ``base_url``, and not validated: a number may be an id. URLs of other hosts are left out.

    Args:
        request: what ``scm_dispatch_repository`` got.
        candidate: what ``scm_dispatch_repository`` got.
        base_url: the URL of the code host's web pages.
        fields: fields of the request that name the repository; nothing else counts if one is there.
        ssh_host: the host of clone URLs of SSH, if it is another one.
    """
    explicit = [str(request.fields[name]) for name in fields if isinstance(request.fields.get(name) or None, str | int)]
    # With a candidate, the identifier is its name, or its id, which is no number of the code host.
    others = [candidate.url, candidate.name] if candidate else [request.identifier]
    stored = [text for text in others if text and not (candidate and text.isdecimal())]
    names = [_name_at(text, base_url, ssh_host) for text in explicit[:1] or stored]
    return list(dict.fromkeys(name for name in names if name))


def _name_at(text: str, base_url: str, ssh_host: str) -> str | None:
    # GitLab separates the path of a repository from that of its pages by it.
    text = text.strip().partition("/-/")[0]
    if "://" not in text and not _SCP.match(text):
        name = text.strip("/").removesuffix(".git")
        return name if name not in ("", ".", "..") else None
    try:
        # With a kind, whole paths are read for unknown hosts, too.
        remote = read_remote(text, "gitlab")
    except UrlError:
        return None
    place = urlsplit(base_url)
    prefix, host = place.path.strip("/"), (place.hostname or "").lower()
    found = {urlsplit(remote.base_url or "").hostname, (remote.host or "").lower()}
    if not found & {host, ssh_host.lower() or host}:
        return None
    return remote.path.removeprefix(f"{prefix}/") if prefix else remote.path


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


async def follow_repositories(
    repositories: Sequence[Repository],
    find: Callable[[Repository], Awaitable[HostRepository | None]],
    *,
    name_field: str,
) -> list[RepositoryUpdate]:
    """Return the changes of repositories at their code host, for ``scm_sync_repositories``.

    Those without a number as external id were not added by this plugin, and are left out; so are those that cannot be
    read now, unless there is nothing else.

    Args:
        repositories: what the hook got.
        find: returns what the code host shows for the external id of a repository; None if it is deleted.
        name_field: the field of the configuration that has the full name.

    Raises:
        ProviderError: that of ``find``.
        ProviderUnavailable: the code host answered with another repository.
    """

    async def update(repository: Repository) -> RepositoryUpdate | None:
        found = await find(repository)
        if found and found.external_id != repository.external_id:
            raise ProviderUnavailable(f"The code host answered with another repository than {repository.external_id}.")
        return repository_update(repository, found, repository.configuration.get(name_field))

    known = [repository for repository in repositories if _NUMBER.fullmatch(repository.external_id or "")]
    return [one for _, one in await for_each(update, known, reserve=0.0) if one is not None]


class ApiRepository(BaseModel):
    """A repository in the form of the APIs of GitHub, Forgejo and Gitea, with its owner in ``full_name``.

    Attributes:
        id: its number, which a rename does not change.
        full_name: owner and name, with a slash. Other text could not be a part of a URL.
        default_branch: its default branch.
        archived: whether it is archived.
    """

    id: Annotated[int, Field(ge=1, lt=2**63)]
    full_name: Annotated[str, Field(pattern=rf"^{FULL_NAME}$")]
    default_branch: str | None = None
    archived: bool = False

    def found(self, base_url: str) -> HostRepository:
        """Return it for the host, with the URL of its instance: that of the answer may be on another host."""
        return HostRepository(
            external_id=str(self.id),
            name=self.full_name,
            url=join_url(base_url, self.full_name),
            configuration={"full_name": self.full_name},
            state="archived" if self.archived else "active",
            default_branch=self.default_branch,
        )

    @classmethod
    async def follow(
        cls, api: "ApiClient", repositories: Sequence[Repository], base_url: str
    ) -> list[RepositoryUpdate]:
        """Return the changes of repositories, for ``scm_sync_repositories``; see ``follow_repositories``.

        Args:
            api: the client of the place where the host has repositories by number: ``api.below("repositories")``.
            repositories: what the hook got.
            base_url: see ``found``.
        """

        async def find(repository: Repository) -> HostRepository | None:
            one = await api.find(cls, str(repository.external_id))
            return one.found(base_url) if one else None

        return await follow_repositories(repositories, find, name_field="full_name")


def owner_and_name(repository: Repository) -> tuple[str, str]:
    """Return owner and name of a repository that was added as an ``ApiRepository``.

    Raises:
        ProviderError: it was not.
    """
    full_name = str(repository.configuration.get("full_name", ""))
    if not re.fullmatch(FULL_NAME, full_name):
        raise ProviderError(f"Repository {repository.name!r} was not added by this plugin; add it again.")
    owner, _, name = full_name.partition("/")
    return owner, name
