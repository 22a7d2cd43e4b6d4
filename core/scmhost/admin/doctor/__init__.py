"""Run all checks of the doctor."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from scmhost.infra.errors import ScmhostError
from scmhost.services import Services

from . import database, machine
from .findings import SEVERITIES, Check, Finding, of_error

_AROUND: Final[Sequence[Check]] = (
    machine.plugins_are_well,
    machine.plugins_are_on_for_somebody,
    machine.switches_that_surprise,
    machine.secrets_are_kept,
    machine.telemetry_is_installed,
    machine.database_file,
)
_ROWS: Final[Sequence[Check]] = (
    database.clocks_agree,
    database.named_organizations_exist,
    database.webhooks_have_a_key,
    database.installations_are_on,
    database.repositories_can_be_linked,
    database.mappings_have_their_turn,
    database.tokens_end,
    database.jobs_get_done,
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
