"""Find and read the CODEOWNERS file of a checkout."""

import os
from collections.abc import Collection
from typing import Final, NamedTuple

from scmhost.infra.errors import ScmhostError
from scmhost.owners import OWN_PLACES, PLACES, CodeOwners, OwnersDialect, OwnersNotSupported, dialect_of
from scmhost.sdk import TemplateError, UrlError, read_remote

from .changed_files import read_regular_file
from .git import git_output
from .worktree import Checkout

_MAX_BYTES: Final = 16_000_000
_DIALECTS: Final = ", ".join(OwnersDialect)


class OwnersError(ScmhostError):
    """There is no CODEOWNERS file, its dialect is not known, or it cannot be read."""


class OwnersFile(NamedTuple):
    """A CODEOWNERS file.

    Attributes:
        path: the file, relative to the root of the repository.
        owners: what is in it.
    """

    path: str
    owners: CodeOwners


def read_owners(checkout: Checkout, dialect: OwnersDialect | None = None) -> OwnersFile:
    """Return the CODEOWNERS file of the commit that is checked out.

    Raises:
        OwnersError: there is none, or its dialect is not known.
        GitError: git cannot read the file.
    """
    dialect = dialect or checkout_dialect(checkout, frozenset(checkout.files))
    files = frozenset(checkout.files)
    path = next((place for place in PLACES[dialect] if place in files), None)
    if path is None:
        raise OwnersError(_missing(dialect, f"commit {checkout.head[:12]}"))
    blob = f"{checkout.head}:{path}"
    if int(git_output(checkout.root, "cat-file", "-s", blob)) > _MAX_BYTES:
        raise OwnersError(f"{path} has more than {_MAX_BYTES:,} bytes")
    text = git_output(checkout.root, "cat-file", "blob", blob)
    return OwnersFile(path, parse_owners(dialect, text.encode(errors="surrogateescape").decode(errors="replace")))


def read_edited_owners(checkout: Checkout, dialect: OwnersDialect | None = None) -> OwnersFile:
    """Return the CODEOWNERS file as it is on disk, perhaps with changes that are not committed.

    Raises:
        OwnersError: there is none, or its dialect is not known.
    """
    places = {place for places in PLACES.values() for place in places}
    present = {place for place in places if os.path.isfile(f"{checkout.root}/{place}")}  # noqa: PTH113 - as in links
    dialect = dialect or checkout_dialect(checkout, present)
    path = next((place for place in PLACES[dialect] if place in present), None)
    content = read_regular_file(f"{checkout.root}/{path}") if path else None
    if path is None or content is None:
        raise OwnersError(_missing(dialect, "this checkout"))
    return OwnersFile(path, parse_owners(dialect, content.decode(errors="replace")))


def checkout_dialect(checkout: Checkout, files: Collection[str]) -> OwnersDialect:
    """Return the dialect of the checkout's code host, else that of a folder that only one host looks into.

    Raises:
        OwnersError: neither shows the dialect.
    """
    kind = None
    if checkout.remote:
        try:
            kind = read_remote(checkout.remote, checkout.kind).kind
        except (UrlError, TemplateError):
            kind = checkout.kind
    dialect = dialect_of(kind or checkout.kind)
    found = dialect or next((dialect for place, dialect in OWN_PLACES.items() if place in files), None)
    if found is None:
        host = f"hosts of the kind {kind} read no CODEOWNERS" if kind else "the kind of code host is not known"
        raise OwnersError(f"the dialect of CODEOWNERS is not known, because {host}; add --dialect, one of {_DIALECTS}")
    return found


def parse_owners(dialect: OwnersDialect, text: str) -> CodeOwners:
    """Return a parsed CODEOWNERS file.

    Raises:
        OwnersError: the dialect needs a package that is not installed.
    """
    try:
        return CodeOwners(dialect, text)
    except OwnersNotSupported as error:
        raise OwnersError(str(error)) from error


def _missing(dialect: OwnersDialect, where: str) -> str:
    return f"{where} has no CODEOWNERS; {dialect} looks for {', '.join(PLACES[dialect])}"
