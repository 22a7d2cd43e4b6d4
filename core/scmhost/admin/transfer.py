"""Move an organization to another database: export all of its rows to a file, and import them from it.

The file has a line of JSON for its head, and one for each row. Ids are replaced by new ones at the import. Secrets of
installations are encrypted for the way with a key of their own, which is not in the file.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from scmhost import __version__
from scmhost.audit.queries import record
from scmhost.infra.db import schema
from scmhost.infra.db.drivers import long_statements
from scmhost.infra.db.statements import new_id
from scmhost.infra.errors import Conflict, InvalidInput
from scmhost.infra.secret_box import SecretBox, new_key
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import file_queries
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .queries import NewIds, Row

FORMAT: Final = 1
_END: Final = "end"
_SECRETS: Final = "installation_secrets"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: the number of rows of each table, and the key of the secrets, if there are any."""

    rows: Mapping[str, int]
    key: str | None


@long_statements()
def export_organization(services: Services, organization: Organization, write: Callable[[str], object]) -> Exported:
    """Write all rows of an organization, as lines.

    Raises:
        KeyLost: secrets cannot be decrypted with the keys of this host.
    """
    key, counts = new_key(), dict[str, int]()
    on_the_way = SecretBox([SecretStr(key)])
    with services.store.read() as tx:
        head = {
            "scmhost": __version__,
            "format": FORMAT,
            "revision": schema.revision(tx.connection()),
            "organization": queries.organization_row(tx, organization.id),
        }
        write(json.dumps(head) + "\n")
        for table in queries.moved_tables():
            for row in queries.rows_of(tx, table, organization.id):
                written = dict(row)
                if table.name == _SECRETS:
                    written["encrypted"] = on_the_way.encrypt(services.secret_box.decrypt(row["encrypted"]))
                write(json.dumps([table.name, written]) + "\n")
                counts[table.name] = counts.get(table.name, 0) + 1
        write(json.dumps([_END, counts]) + "\n")
    return Exported(counts, key if counts.get(_SECRETS) else None)


@long_statements()
def import_organization(
    services: Services, file: Path, slug: str | None = None, key: str | None = None
) -> tuple[Organization, Mapping[str, int]]:
    """Create an organization with all rows of a file, in one transaction. Return it with its rows by table.

    Args:
        services: the services.
        file: what ``export_organization`` wrote.
        slug: its slug here; by default the one that it had.
        key: the key of its secrets.

    Raises:
        InvalidInput: the file is no export of this version of scmhost, is not whole, or needs a key.
        Conflict: there is an organization of this slug.
        KeyLost: the key is not that of the file.
    """
    head = _head(services, file)
    own = {**head["organization"], "slug": slug or head["organization"]["slug"]}
    box = SecretBox([SecretStr(key)]) if key else None
    with services.store.write() as tx:
        if organization_queries.find_organization(tx, own["slug"]):
            raise Conflict(f"There is an organization {own['slug']!r} here; import it under another --slug.")
        organization = Organization(id=new_id(tx), slug=own["slug"], name=own["name"])
        queries.create_organization(tx, organization.id, own)
        tx.mark_changed(organization.id)
        tables = {table.name: table for table in queries.moved_tables()}
        # All ids first: a row may refer to one that stands further down.
        found: defaultdict[str, list[int]] = defaultdict(list)
        for name, row in _rows(file):
            if "id" in row:
                found[name].append(row["id"])
        unknown = sorted(found.keys() - tables.keys())
        if unknown:
            raise InvalidInput(f"{file} has rows of an unknown table {unknown[0]!r}")
        ids = NewIds(organization.id)
        for name, old in found.items():
            ids.add(tx, tables[name], old)
        counts = dict[str, int]()
        for name, group in groupby(_rows(file), key=lambda item: item[0]):
            rows = (_with_secrets(services, ids, row, box) if name == _SECRETS else row for _, row in group)
            rows = ({**row, "organization_id": organization.id} for row in rows)
            counts[name] = counts.get(name, 0) + queries.write_rows(tx, tables[name], rows, ids)
        # What waited to be indexed there has no job here.
        for repository_id, commits in queries.commits_by_repository(tx, organization.id).items():
            file_queries.schedule_indexing(tx, organization.id, repository_id, commits, services.clock.now())
        record(tx, services, organization, "org.import", (organization.id, organization.slug))
    return organization, counts


def _with_secrets(services: Services, ids: NewIds, row: Row, box: SecretBox | None) -> Row:
    """Return a row of secrets, encrypted with the key of this host for the installation here."""
    if box is None:
        raise InvalidInput("the file has secrets of installations: give the key that the export printed, with --key")
    stored = json.loads(box.decrypt(row["encrypted"]))
    stored["installation"] = [ids.organization_id, ids.common[row["installation_id"]]]
    if services.secret_box.key_id is None:
        raise InvalidInput("the file has secrets of installations, and this host has no secret_keys under [host]")
    encrypted = services.secret_box.encrypt(json.dumps(stored))
    return {**row, "encrypted": encrypted, "key_id": services.secret_box.key_id, "leased_until": None}


def _head(services: Services, file: Path) -> Mapping[str, Any]:
    head: Any = None
    with suppress(StopIteration):
        head = next(_lines(file))
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InvalidInput(f"{file} is no file of `scmhost organizations export`")
    with services.store.read() as tx:
        revision = schema.revision(tx.connection())
    if head["revision"] != revision:
        raise InvalidInput(
            f"{file} was written by scmhost {head['scmhost']} with other tables; export it with this version, after "
            "scmhost migrate"
        )
    return head


def _rows(file: Path) -> Iterator[tuple[str, Row]]:
    """Yield the name of the table and the row of each line.

    Raises:
        InvalidInput: the file is not whole.
    """
    lines = _lines(file)
    next(lines)
    counts: Counter[str] = Counter()
    for name, row in lines:
        if name == _END:
            if row == counts:
                return
            break
        counts[name] += 1
        yield name, row
    raise InvalidInput(f"{file} is not whole: rows are missing at its end")


def _lines(file: Path) -> Iterator[Any]:
    try:
        with file.open(encoding="utf-8") as opened:
            for number, line in enumerate(opened, start=1):
                yield _parsed(file, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error


def _parsed(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"{file}, line {number}: it is not JSON; the file is not whole") from error
