"""All looks, in the order in which they help: without a database nothing is said of its rows."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from scmhost.kernel.errors import ScmhostError
from scmhost.usecases.services import Services

from . import database, machine, plugins, rows
from .findings import SEVERITIES, Check, Finding, of_error

_AROUND: Final[Sequence[Check]] = (
    plugins.plugins_are_well,
    plugins.plugins_are_on_for_somebody,
    plugins.switches_that_surprise,
    machine.secrets_are_kept,
    machine.telemetry_is_installed,
    machine.database_file,
)
_ROWS: Final[Sequence[Check]] = (
    database.clocks_agree,
    rows.named_organizations_exist,
    rows.webhooks_have_a_key,
    rows.installations_are_on,
    rows.repositories_can_be_linked,
    rows.mappings_have_their_turn,
    rows.tokens_end,
    rows.jobs_get_done,
)


def examine(services: Services) -> list[Finding]:
    """Everything that was found, the worst first. Nothing is changed."""
    found = list(chain.from_iterable(check(services) for check in _AROUND))
    if database.may_be_looked_into(services):
        broken = list(database.database_works(services))
        found += broken or _rows(services)
    return in_order(found)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """The worst first; what is equally bad stays in the order of the looks."""
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _rows(services: Services) -> list[Finding]:
    try:
        return list(chain.from_iterable(check(services) for check in _ROWS))
    except ScmhostError as error:
        # It went away while it was looked into.
        return [of_error("the database", error)]
