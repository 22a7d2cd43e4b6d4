"""What is wrong with the database itself."""

from datetime import timedelta
from typing import Final

from scmhost.kernel.errors import ScmhostError
from scmhost.store import inspection
from scmhost.usecases.services import Services

from .findings import Finding, Findings, of_error

_SUBJECT: Final = "the database"
_DRIFT: Final = timedelta(seconds=5)
_FUTURE: Final = timedelta(minutes=5)


def may_be_looked_into(services: Services) -> bool:
    """Whether there is one. SQLite would make a file that is missing, and a look shall leave nothing behind."""
    return services.store.file is None or services.store.file.exists()


def database_works(services: Services) -> Findings:
    """It answers, has the tables of this version, and may be written to."""
    try:
        current = services.store.is_current()
    except ScmhostError as error:
        yield of_error(_SUBJECT, error)
        return
    if not current:
        yield Finding("error", _SUBJECT, "its tables are not those of this version", "run scmhost migrate")
        return
    try:
        with services.store.write() as tx:
            inspection.write_nothing(tx)
    except ScmhostError as error:
        yield of_error(_SUBJECT, error)


def clocks_agree(services: Services) -> Findings:
    """Leases of jobs, ends of tokens and pauses of plugins are compared across machines."""
    with services.store.read() as tx:
        theirs, newest = inspection.clock(tx), inspection.newest_row(tx)
    now = services.clock.now()
    remedy = "let NTP set the clocks of all machines"
    if theirs and abs(theirs - now) > _DRIFT:
        seconds = round((theirs - now).total_seconds())
        yield Finding(
            "warning", "the clock", f"that of the database is {seconds:+} s from that of this machine", remedy
        )
    if newest and newest - now > _FUTURE:
        told = f"rows were made at {newest.isoformat(timespec='seconds')}, which is still to come on this machine"
        yield Finding("warning", "the clock", told, remedy)
