"""Whether this process may be sent requests."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import structlog

from scmhost.infra.errors import ScmhostError
from scmhost.infra.loops import Loops
from scmhost.services import Services

log = structlog.get_logger(__name__)

DatabaseState = Literal["ok", "unreachable", "not_migrated"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What readiness rests on, and what an operator should know besides.

    Neither a plugin in trouble nor a switchboard that cannot be read makes anything unready: the host works as it did,
    and another process would do no better.

    Attributes:
        database: whether it answers, with the tables of this version.
        plugins: how many plugins are in which state.
        suspended: the names of those that are suspended just now.
        generation: how often this process has taken settings.
        stuck: a sentence for each background loop that makes no progress.
        stale_since: since when the switchboard cannot be used as it is written, so that the last good one counts.
    """

    database: DatabaseState
    generation: int
    stale_since: datetime | None
    plugins: Mapping[str, int]
    suspended: tuple[str, ...]
    stuck: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether requests can be answered, and what belongs to them is done in the background."""
        return self.database == "ok" and not self.stuck

    @property
    def detail(self) -> str | None:
        """Why not, in a sentence; None when it is ready. It names neither address nor user: anybody may ask."""
        if self.stuck:
            return "Background work is stuck: " + "; ".join(self.stuck) + "."
        return _DETAILS.get(self.database)


_DETAILS: Final[Mapping[DatabaseState, str]] = {
    "unreachable": "The database does not answer; the log of this process says more.",
    "not_migrated": "The tables are not those of this version; run `scmhost migrate`.",
}


def readiness(services: Services) -> Readiness:
    """Look at the database and the plugins."""
    reports = services.plugins.plugins
    return Readiness(
        database=_database(services),
        generation=services.plugins.configuration_status.generation,
        stale_since=services.plugins.configuration_status.stale_since,
        plugins=Counter(report.state for report in reports),
        suspended=tuple(report.name for report in reports if report.state == "suspended"),
        stuck=tuple(services.shared(Loops).stuck),
    )


def _database(services: Services) -> DatabaseState:
    try:
        return "ok" if services.store.is_current() else "not_migrated"
    except ScmhostError as error:
        log.warning("not ready", error=str(error))
        return "unreachable"
