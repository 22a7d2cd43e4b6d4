"""A code host unlike git: a depot with numbered changelists, labels, nested paths, and no branches.

A repository is a folder of the depot, such as ``//depot/main``; another one may be inside of it. A changelist has one
number in the whole depot, and changes files of several repositories.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Create,
    Existence,
    Feature,
    FileChange,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Provider,
    ProviderError,
    ProviderForbidden,
    Push,
    Refusal,
    Repository,
    RepositoryPages,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
    check_signature,
    check_web_url,
    escaping,
    hookimpl,
    join_url,
    preset,
    read_any_url,
)

PAGES = preset("helix_swarm").pages
OFFERS_PER_PAGE: Final = 2


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    server: str = "https://swarm.example.com"

    @field_validator("server")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)


PROVIDER = Provider(
    key="depot",
    name="Depot",
    features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK, Feature.COMPARE_COMMITS}),
    requires_feature_flag=False,
    install_form=Form,
)


@dataclass
class Depot:
    """The content of the depot. ``reset`` restores it."""

    folders: dict[str, str] = field(default_factory=dict)
    """The id of each folder that can be a repository, by its path."""
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The changed files of each changelist, which have the whole path in the depot."""
    labels: dict[str, int] = field(default_factory=dict)
    obliterated: set[str] = field(default_factory=set)
    """The ids of folders that the depot does not have any more."""

    def reset(self) -> None:
        self.folders = {"//depot/main": "1", "//depot/main/lib": "2", "//depot/tools": "3"}
        self.changes = {
            1040: ("//depot/main/shop/cart.py", "//depot/main/lib/money.py"),
            1041: ("//depot/tools/build.py",),
            1042: ("//depot/main/lib/money.py",),
        }
        self.labels = {"release-1.0": 1040}
        self.obliterated = set()

    def changes_of(self, folder: str) -> list[int]:
        """Return the changelists with files of a folder, the newest first."""
        return [number for number in sorted(self.changes, reverse=True) if _inside(folder, self.changes[number])]


depot = Depot()
depot.reset()


class Delivery(BaseModel):
    """The body of the trigger that runs when a changelist is submitted."""

    change: int
    files: tuple[str, ...]


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return (PROVIDER,)


@hookimpl
def scm_install(form: Form) -> InstallationDraft:
    name = form.server.partition("://")[2].partition("/")[0]
    return InstallationDraft(
        name=name[:200], external_id=name[:64], metadata={"domain_name": form.server, "server": form.server}
    )


@hookimpl
def scm_offer_repositories(search: str, cursor: str) -> OfferPage:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise ProviderError("There is no such page.")
    start = int(cursor or 0)
    found = [folder for folder in sorted(depot.folders) if search in folder]
    end = start + OFFERS_PER_PAGE
    offers = tuple(Offer(identifier=folder, name=folder) for folder in found[start:end])
    return OfferPage(offers=offers, next=str(end) if end < len(found) else None)


@hookimpl
def scm_dispatch_repository(
    installation: Installation, request: AddRequest, candidate: Repository | None
) -> Claim | Create | Refusal:
    if request.identifier not in depot.folders:
        return Refusal(reason="not_found", message=f"The depot has no folder {request.identifier!r}.")
    url, id_ = _url(installation, request.identifier), depot.folders[request.identifier]
    if candidate is not None:
        return Claim(external_id=id_, url=url)
    return Create(name=request.identifier, external_id=id_, url=url)


@hookimpl
def scm_sync_repositories(installation: Installation, repositories: Sequence[Repository]) -> Sequence[RepositoryUpdate]:
    paths = {id_: folder for folder, id_ in depot.folders.items()}
    updates = []
    for one in repositories:
        folder = paths.get(one.external_id or "")
        if one.external_id in depot.obliterated:
            updates.append(RepositoryUpdate(repository_id=one.id, state="deleted"))
        elif folder is not None:
            url = _url(installation, folder)
            updates.append(RepositoryUpdate(repository_id=one.id, name=folder, url=url, state="active"))
    return updates


@hookimpl
def scm_url_templates(repository: Repository) -> UrlTemplates | None:
    return RepositoryPages(pages=PAGES, repository=repository).templates


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    return RepositoryPages(pages=PAGES, repository=repository).view(location)


@hookimpl
def scm_commit_url(installation: Installation, sha: str) -> str:
    # A changelist has one page for the whole depot.
    return join_url(str(installation.metadata["server"]), f"changes/{escaping.segment(sha)}")


@hookimpl
def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
    # The innermost folder comes first: a file of //depot/main/lib is also one of //depot/main.
    inner_first = sorted(repositories, key=lambda one: -len(one.url or ""))
    return read_any_url(url, PAGES, inner_first)


@hookimpl
def scm_resolve_ref(repository: Repository, ref: str | None) -> ResolvedRef | None:
    folder = _folder(repository)
    if ref is None:
        newest = next(iter(depot.changes_of(folder)), None)
        return ResolvedRef(name=str(newest), kind="commit", sha=str(newest)) if newest else None
    if ref in depot.labels:
        return ResolvedRef(name=ref, kind="tag", sha=str(depot.labels[ref]))
    if ref.isascii() and ref.isdigit() and len(ref) < 10 and int(ref) in depot.changes:
        return ResolvedRef(name=ref, kind="commit", sha=ref)
    return None


@hookimpl
def scm_file_exists(repository: Repository, location: Location) -> Existence:
    path = f"{_folder(repository)}/{location.path}"
    return Existence.YES if any(path in files for files in depot.changes.values()) else Existence.NO


@hookimpl
def scm_compare_commits(repository: Repository, base: str | None, head: str) -> Sequence[CommitDraft]:
    # There are no branches: a name that is no label means the newest changelist.
    first, last = _number(base, 0), _number(head, max(depot.changes))
    folder = _folder(repository)
    return [
        _draft(folder, number, depot.changes[number]) for number in depot.changes_of(folder) if first < number <= last
    ]


@hookimpl
def scm_read_push(
    headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    if not check_signature(secret, body, headers.get("x-depot-signature", "")):
        raise ProviderForbidden("The signature is wrong.")
    try:
        sent = Delivery.model_validate_json(body)
    except ValidationError:
        raise ProviderError("The body is not a changelist.") from None
    # The body has no repository: each one whose folder has a changed file gets the changelist.
    return [
        Push(repository=one.external_id, commits=(_draft(_folder(one), sent.change, sent.files),))
        for one in repositories
        if one.external_id and _inside(_folder(one), sent.files)
    ]


def _url(installation: Installation, folder: str) -> str:
    return join_url(str(installation.metadata["server"]), f"files/{escaping.path(folder.removeprefix('//'))}")


def _folder(repository: Repository) -> str:
    """Return the folder of a repository, whose name a user may have changed."""
    paths = {id_: folder for folder, id_ in depot.folders.items()}
    return paths.get(repository.external_id or "", repository.name)


def _inside(folder: str, files: Sequence[str]) -> list[str]:
    """Return the files of a folder, from the folder."""
    return [file.removeprefix(f"{folder}/") for file in files if file.startswith(f"{folder}/")]


def _number(ref: str | None, default: int) -> int:
    """Return the number of a changelist or of a label."""
    if ref in depot.labels:
        return depot.labels[ref]
    return int(ref) if ref and ref.isascii() and ref.isdigit() and len(ref) < 10 else default


def _draft(folder: str, number: int, files: Sequence[str]) -> CommitDraft:
    changes = tuple(FileChange(path=path[:4096], type="M") for path in _inside(folder, files) if path)
    moment = datetime(2026, 1, 1, 0, number % 60, tzinfo=UTC)
    return CommitDraft(sha=str(number)[:64], message=f"Change {number}", timestamp=moment, changes=changes)
