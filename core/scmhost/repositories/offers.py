"""Offer repositories to add, in pages: those of the plugin, without those that the installation has.

The host's cursor contains the plugin's cursor, and where the page begins among the plugin's offers at that cursor: a
plugin may return more offers at once than an answer may have.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.installations.install import get_installation
from scmhost.plugins.calls import refusals
from scmhost.sdk import Offer, Organization, Repository
from scmhost.services import Services

from . import queries

MAX_CURSOR: Final = 8_000
"""The longest cursor, in characters: a plugin's cursor of a thousand characters fits into it in any script."""

_MAX_START: Final = 10**9


@dataclass(frozen=True, slots=True)
class OfferedPage:
    """A page of offers.

    Attributes:
        offers: the repositories that may be added. An empty page is not the last one if it has a next one.
        next: the cursor of the next page; None on the last one.
        notes: what was left out.
    """

    offers: Sequence[Offer]
    next: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The cursor of the plugin, and the number of its offers there that are before the page."""

    plugins: str = ""
    start: int = 0

    def __str__(self) -> str:
        text = json.dumps([self.plugins, self.start], ensure_ascii=False, separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def offer_repositories(
    services: Services, organization: Organization, installation_id: int, search: str, cursor: str = ""
) -> OfferedPage:
    """Return a page of what the provider offers, without the repositories that the installation has.

    Raises:
        InvalidInput: the cursor is not one of an earlier page.
        ProviderOff: the provider is not on for this organization.
        ProviderRefused: the plugin refuses, such as for a cursor that is too old.
    """
    place = _read(cursor)
    most = services.limits.offers
    installation = get_installation(services, organization, installation_id).installation
    calls = services.plugins.calls_for(installation.provider, organization)
    with services.store.read() as tx:
        unclaimed, notes = _unclaimed(tx, organization, search, most)
        owned = queries.of_installation(tx, organization.id, installation_id)
    with refusals():
        page = calls.offer_repositories(installation, unclaimed, search, place.plugins)
    # Plugins offer ids or names as identifiers; either may have become the name or the external id.
    taken = {name for repository in owned for name in (repository.name, repository.external_id)}
    offers, end = _free(page.offers, taken, place.start, most)
    if end < len(page.offers):
        return OfferedPage(offers, str(_Cursor(place.plugins, end)), notes)
    return OfferedPage(offers, str(_Cursor(page.next)) if page.next else None, notes)


def _free(offers: Sequence[Offer], taken: AbstractSet[str | None], start: int, most: int) -> tuple[list[Offer], int]:
    """Return the offers from a position on that are not taken, up to a limit, and the position after them."""
    free: list[Offer] = []
    for position, offer in enumerate(offers[start:], start):
        if len(free) == most:
            return free, position
        if not {offer.identifier, offer.name} & taken:
            free.append(offer)
    return free, len(offers)


def _unclaimed(
    tx: Transaction, organization: Organization, search: str, most: int
) -> tuple[list[Repository], tuple[str, ...]]:
    """Return the unclaimed repositories that the plugin gets, and a note if there are more."""
    found = queries.unclaimed(tx, organization.id, most + 1)
    if len(found) > most and search:
        # Otherwise a search could not find those that the plugin does not get.
        found = queries.unclaimed(tx, organization.id, most + 1, query=search)
    if len(found) <= most:
        return found, ()
    note = (
        f"The organization has more than {most} unclaimed repositories (limits.offers), and the provider got the first "
        f"{most} by name; search by name for the others."
    )
    return found[:most], (note,)


def _read(cursor: str) -> _Cursor:
    """Return a cursor as it was given out.

    Raises:
        InvalidInput: it is malformed.
    """
    if not cursor:
        return _Cursor()
    try:
        # "=" is missing at the end; more than needed does no harm.
        text = urlsafe_b64decode(f"{cursor[:MAX_CURSOR]}===").decode()
        plugins, start = json.loads(text)
        # JSON may contain half of a surrogate pair, which no plugin has to expect.
        plugins.encode()
        if isinstance(plugins, str) and type(start) is int and 0 <= start <= _MAX_START and len(cursor) <= MAX_CURSOR:
            return _Cursor(plugins, start)
    except (AttributeError, Base64Error, ValueError, TypeError, RecursionError):
        pass
    raise InvalidInput(f"cursor {cursor[:40]!r} is not valid; begin without a cursor", "cursor")
