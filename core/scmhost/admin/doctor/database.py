"""Doctor checks of the database and its rows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from scmhost.admin import queries as admin_queries
from scmhost.admin.background import OVERDUE_AFTER
from scmhost.admin.queries import Seen
from scmhost.infra.errors import ScmhostError
from scmhost.links import queries as link_queries
from scmhost.links.link_targets import index_mappings
from scmhost.links.values import CodeMapping
from scmhost.mapping import Rule
from scmhost.mapping.code_mapping import normalize_slashes
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import FlagDecision, Settings
from scmhost.plugins.errors import did_you_mean
from scmhost.services import Services

from .findings import Finding, Findings, each, of_error

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
            admin_queries.write_nothing(tx)
    except ScmhostError as error:
        yield of_error(_SUBJECT, error)


def clocks_agree(services: Services) -> Findings:
    """Leases of jobs, ends of tokens and pauses of plugins are compared across machines."""
    with services.store.read() as tx:
        theirs, newest = admin_queries.clock(tx), admin_queries.newest_row(tx)
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


_SOON: Final = timedelta(days=7)


def named_organizations_exist(services: Services) -> Findings:
    """Whoever the switchboard names is there."""
    with services.store.read() as tx:
        known = organization_queries.all_organizations(tx)
    there = {organization.slug for organization in known} | {organization.id for organization in known}
    for path, named in _named(services.plugins.settings):
        for organization in named:
            if organization not in there:
                yield Finding(
                    "warning",
                    ".".join(path),
                    f"there is no organization {organization!r}",
                    did_you_mean(str(organization), (item.slug for item in known)) if known else "make it first",
                    services.plugins.settings.source.place(*path),
                )


def _named(settings: Settings) -> Iterator[tuple[tuple[str, ...], Sequence[str | int]]]:
    yield ("host", "operators"), settings.host.operators
    for name, own in settings.plugins.items():
        yield ("plugins", name, "allow"), own.allow.organizations
        yield ("plugins", name, "deny"), own.deny.organizations


def tokens_end(services: Services) -> Findings:
    """Before a token ends, somebody should know."""
    now = services.clock.now()
    with services.store.read() as tx:
        ending = admin_queries.tokens_ending(tx, now + _SOON)
    past = [token for token in ending if token.moment and token.moment <= now]
    soon = [token for token in ending if token not in past]
    yield from each(soon, _ends)
    yield from each(past, _ended)


def _ends(token: Seen) -> Finding:
    remedy = "make another, and give it to whoever uses this one"
    return Finding("warning", _of("token", token), f"{token.name!r} ends at {_when(token)}", remedy)


def _ended(token: Seen) -> Finding:
    remedy = f"scmhost token revoke {token.id} --org {token.organization}"
    return Finding("note", _of("token", token), f"{token.name!r} ended at {_when(token)}", remedy)


def webhooks_have_a_key(services: Services) -> Findings:
    """Secrets of webhooks are derived from the operator's key."""
    with services.store.read() as tx:
        count = admin_queries.webhooks(tx, services.clock.now())
    if count and services.webhook_key is None:
        yield Finding(
            "error",
            "webhooks",
            f"there is no webhook_key, so every delivery is answered 404; installations with a webhook: {count}",
            "set SCMHOST_WEBHOOK_KEY, or webhook_key under [host], to the key that they were made with",
            services.plugins.settings.source.place("host"),
        )


def installations_are_on(services: Services) -> Findings:
    """What is installed can be used."""
    with services.store.read() as tx:
        known = {organization.slug: organization for organization in organization_queries.all_organizations(tx)}
        rows = admin_queries.installed(tx)
    asked = [(row, services.plugins.decide(row.detail, known[row.organization])) for row in rows]
    yield from each([(row, switch) for row, switch in asked if not switch.on], _idle)


def _idle(item: tuple[Seen, FlagDecision]) -> Finding:
    row, switch = item
    return Finding(
        "warning",
        _of("installation", row),
        f"{row.name!r} is idle, because {row.detail} is off: {switch.reason}",
        "switch the provider on for this organization, or delete the installation",
        switch.source,
    )


def repositories_can_be_linked(services: Services) -> Findings:
    """A repository with code mappings has an installation, a URL, and is active."""
    with services.store.read() as tx:
        unclaimed, nameless, inactive = (
            admin_queries.unclaimed(tx),
            admin_queries.without_url(tx),
            admin_queries.inactive(tx),
        )
    yield from _mapped(unclaimed, "is unclaimed", "claim it through an installation of its provider")
    yield from _mapped(nameless, "has no URL", "give it its web URL")
    yield from _mapped(inactive, "is not active", "make it active again, or delete its code mappings")
    free = [row for row in unclaimed if not row.count]
    if free:
        names = ", ".join(f"{row.organization}/{row.name}" for row in free[:3])
        more = f" and {len(free) - 3} more" if len(free) > 3 else ""  # noqa: PLR2004
        yield Finding("note", "repositories", f"unclaimed: {names}{more}", "claim them, so that they can be linked to")


def _mapped(rows: Sequence[Seen], problem: str, remedy: str) -> Findings:
    yield from each(
        [row for row in rows if row.count],
        lambda row: Finding(
            "warning",
            f"repository {row.id} of {row.organization}",
            f"{row.name!r} {problem}, so frames that are mapped to it get no link; code mappings to it: {row.count}",
            remedy,
        ),
    )


def mappings_have_their_turn(services: Services) -> Findings:
    """A code mapping before which another always matches is asked only where that one's file is known to be missing."""
    with services.store.read() as tx:
        projects = admin_queries.mapped_projects(tx)
    for organization, organization_id, project_id, slug in projects:
        with services.store.read() as tx:
            rows = link_queries.for_project(tx, organization_id, project_id)
        yield from each(list(_hidden(rows)), partial(_without_turn, f"{organization}/{slug}"))


def _hidden(rows: Sequence[CodeMapping]) -> Iterator[tuple[CodeMapping, Rule]]:
    """The code mappings before which another always comes, each with that other."""
    index = index_mappings(0, rows).index
    for row in rows:
        for first in index.candidates(_frame_below(row.stack_root))[:1]:
            # Of one stack root with several source roots the files decide.
            if normalize_slashes(first.stack_root).rstrip("/") != normalize_slashes(row.stack_root).rstrip("/"):
                yield row, first


def _without_turn(project: str, item: tuple[CodeMapping, Rule]) -> Finding:
    row, first = item
    why = ", and was made by hand" if row.generated and not first.generated else ""
    return Finding(
        "note",
        f"mapping {row.id} of {project}",
        f"{row.stack_root!r} comes after {first.id} ({first.stack_root!r}), which fits all of its frames{why}: it has "
        "a turn only where that one's file is known to be missing",
        "leave it if that is meant; else delete it, or make it by hand, with a longer stack root than the other's",
    )


def _frame_below(stack_root: str) -> str:
    """The path of a frame that a stack root matches, in a file of which no other root speaks."""
    root = normalize_slashes(stack_root)
    start = root[:-1] if root.endswith("*") else root.rstrip("/") + "/" if root else ""
    return start.replace("*", _UNHEARD_OF) + f"{_UNHEARD_OF}.py"


_UNHEARD_OF: Final = "scmhost-doctor"


def jobs_get_done(services: Services) -> Findings:
    """Background work is taken up, and comes to an end."""
    now = services.clock.now()
    with services.store.read() as tx:
        overdue, failed = admin_queries.overdue_jobs(tx, now, now - OVERDUE_AFTER), admin_queries.failed_jobs(tx)
    if overdue:
        problem = f"{len(overdue)} are due, the first since {_when(overdue[0])}, and no worker takes them"
        yield Finding("error", "jobs", problem, "see that scmhost serve runs on this database")
    yield from each(failed, _given_up)


def _given_up(job: Seen) -> Finding:
    remedy = "mend the cause, and set the refs of the release again"
    return Finding("warning", _of("job", job), f"{job.name} was given up: {job.detail}", remedy)


def _of(kind: str, row: Seen) -> str:
    return f"{kind} {row.id} of {row.organization}"


def _when(row: Seen) -> str:
    return row.moment.isoformat(timespec="minutes").replace("+00:00", "Z") if row.moment else "a time unknown"
