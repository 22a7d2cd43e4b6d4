"""Save what a code host reports about its repositories: name, URL, state and the plugin's data.

What cannot be saved becomes a note, and the rest is saved.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from scmhost.audit.queries import Details, record
from scmhost.infra.db.base import checked_text, dump_json
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import BadText
from scmhost.infra.errors import InvalidInput
from scmhost.sdk import Installation, Organization, Repository, RepositoryUpdate
from scmhost.services import Services

from . import alias_queries, queries, sync_queries
from .claim import checked_name, checked_url

Fields = dict[str, Any]


def apply_updates(
    tx: Transaction,
    services: Services,
    organization: Organization,
    installation: Installation,
    asked: Sequence[Repository],
    updates: Sequence[RepositoryUpdate],
) -> tuple[list[Repository], list[str]]:
    """Save the changes of repositories that the plugin got. The same updates again change nothing.

    Returns:
        The repositories that have changed, and notes about what was not saved.
    """
    host_names = sync_queries.host_names(tx, organization.id, [one.id for one in asked])
    # Since the plugin got them, somebody may have given them to another installation.
    known = {
        id_: repository
        for id_, repository in queries.get_many(tx, organization.id, host_names).items()
        if repository.installation_id == installation.id and repository.status in queries.HOLDERS
    }
    notes: list[str] = []
    changes: dict[int, Fields] = {}
    for update in _usable(asked, updates, notes):
        if update.repository_id in known:
            repository = known[update.repository_id]
            changes[repository.id] = _changes(repository, update, host_names[repository.id], notes)
    _refuse_taken_names(tx, organization, known, changes, notes)
    return _save(tx, services, organization, known, changes), notes


def _usable(
    asked: Sequence[Repository], updates: Sequence[RepositoryUpdate], notes: list[str]
) -> Iterator[RepositoryUpdate]:
    """Yield the first update of each repository that the plugin got."""
    left = {repository.id for repository in asked}
    for update in updates:
        if update.repository_id in left:
            left.remove(update.repository_id)
            yield update
        else:
            notes.append(
                f"The provider reported repository {update.repository_id}, which it did not get, or a second time; "
                "this was left out."
            )


def _changes(repository: Repository, update: RepositoryUpdate, host_name: str | None, notes: list[str]) -> Fields:
    """Return the columns that change. What cannot be stored becomes a note."""
    fields: Fields = {}
    for what, read in _READERS:
        try:
            fields |= read(repository, update)
        except (InvalidInput, BadText) as error:
            notes.append(f"Repository {repository.name!r}: its new {what} was left out: {error}")
    # A name that the code host has reported already is not new: a user has changed it here since.
    if fields.get("host_name") == host_name:
        fields.pop("host_name", None)
        fields.pop("name", None)
    return fields


def _new_name(repository: Repository, update: RepositoryUpdate) -> Fields:
    if update.name is None:
        return {}
    name = checked_text(checked_name(update.name))
    return {"host_name": name} if name == repository.name else {"host_name": name, "name": name}


def _new_url(repository: Repository, update: RepositoryUpdate) -> Fields:
    if update.url is None:
        return {}
    url = checked_url(update.url)
    if url is None:
        # Without a URL there would be no links.
        raise InvalidInput("it is blank.")
    return {} if checked_text(url) == repository.url else {"url": url}


def _new_configuration(repository: Repository, update: RepositoryUpdate) -> Fields:
    if update.configuration is None or update.configuration == repository.configuration:
        return {}
    fields: Fields = update.model_dump(include={"configuration"})
    dump_json(fields)
    return fields


def _new_state(repository: Repository, update: RepositoryUpdate) -> Fields:
    return {} if update.state in (None, repository.state) else {"state": update.state}


_READERS: Final[Sequence[tuple[str, Callable[[Repository, RepositoryUpdate], Fields]]]] = (
    ("name", _new_name),
    ("URL", _new_url),
    ("configuration", _new_configuration),
    ("state", _new_state),
)


def _refuse_taken_names(
    tx: Transaction,
    organization: Organization,
    known: Mapping[int, Repository],
    changes: dict[int, Fields],
    notes: list[str],
) -> None:
    """Remove the new names that another repository has and keeps. Repositories may exchange their names."""
    wanted: dict[str, int] = {}
    for id_, fields in changes.items():
        if "name" in fields and wanted.setdefault(queries.name_key(fields["name"]), id_) != id_:
            _refuse_name(known[id_], fields, notes)
    holders = queries.by_names(tx, organization.id, wanted)
    refused = True
    # Each refusal keeps a name taken that another repository may have waited for.
    while refused:
        refused = False
        for key, id_ in list(wanted.items()):
            holder = holders.get(key)
            if holder is not None and holder.id != id_ and "name" not in changes.get(holder.id, {}):
                _refuse_name(known[id_], changes[id_], notes)
                del wanted[key]
                refused = True


def _refuse_name(repository: Repository, fields: Fields, notes: list[str]) -> None:
    # Without the name of the host, the next synchronization tries again.
    del fields["host_name"]
    notes.append(
        f"Repository {repository.name!r} has the name {fields.pop('name')!r} at its code host, which another "
        "repository has here; it keeps its name until the other one is renamed or deleted."
    )


def _save(
    tx: Transaction,
    services: Services,
    organization: Organization,
    known: Mapping[int, Repository],
    changes: Mapping[int, Fields],
) -> list[Repository]:
    sync_queries.free_names(tx, organization.id, [id_ for id_, fields in changes.items() if "name" in fields])
    changed = []
    for id_, fields in changes.items():
        if not fields:
            continue
        saved = queries.update_repository(tx, organization.id, id_, fields)
        # The name that the host reported is no change that anybody can see.
        if saved == known[id_]:
            continue
        alias_queries.save(tx, known[id_], saved, services.clock.now())
        details: Details = {name: fields.get(name) for name in sorted({"name", "url", "state"} & fields.keys())}
        record(tx, services, organization, "repository.sync", (id_, known[id_].name), details)
        changed.append(saved)
    return changed
