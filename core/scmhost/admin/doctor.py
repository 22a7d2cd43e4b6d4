"""``scmhost plugins doctor``: run all checks; the checks of the database and its rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Final

from scmhost.commits.complete import COMPLETE_PUSH
from scmhost.infra.db.replicas import ReplicatedStore
from scmhost.infra.db.schema import PROBLEMS, SERVED
from scmhost.infra.errors import ScmhostError
from scmhost.installations import queries as installation_queries
from scmhost.installations.sealing import attention_reasons
from scmhost.installations.webhooks import REGISTER_WEBHOOKS
from scmhost.links import queries as link_queries
from scmhost.links.resolve import index_mappings
from scmhost.links.values import CodeMapping
from scmhost.mapping import Rule
from scmhost.mapping.code_mapping import normalize_slashes
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ConfigError, FlagDecision, Settings
from scmhost.repositories.webhooks import SYNC_WEBHOOK
from scmhost.sdk.validation import did_you_mean
from scmhost.services import Services

from . import host_checks
from . import queries as admin_queries
from .background import OVERDUE_AFTER
from .host_checks import CONFIGURATION, DATABASE, SEVERITIES, Check, Finding, Findings, each
from .queries import TenantRow

__all__ = ["Finding", "config_error_findings", "error_finding", "run_checks", "worst_first"]

# Includes the duration of the queries between the two readings.
_MAX_CLOCK_DIFFERENCE: Final = timedelta(seconds=5)
# The clocks of two machines may differ a little, so that new rows may seem to come from the future.
_FUTURE: Final = timedelta(minutes=5)
_MAX_DELAY: Final = timedelta(minutes=1)
_EXPIRES_SOON: Final = timedelta(days=7)
_EXAMPLES: Final = 3
_FAILED_REMEDIES: Final = {
    COMPLETE_PUSH: "fix the cause, and let the code host send the push again",
    SYNC_WEBHOOK: host_checks.REGISTER_AGAIN,
    REGISTER_WEBHOOKS: host_checks.REGISTER_AGAIN,
}
# A file name that no stack root contains.
_UNMAPPED_NAME: Final = "scmhost-doctor"


def run_checks(services: Services) -> list[Finding]:
    """Return all findings, the worst first. Nothing is changed."""
    findings = list(chain.from_iterable(check(services) for check in _HOST_CHECKS))
    # SQLite would create a file that is missing; check_database_file has reported it.
    if services.store.file is None or services.store.file.exists():
        # Checks of rows would fail one after the other on tables of another version.
        of_database = list(check_database(services))
        unusable = any(finding.severity == "error" for finding in of_database)
        findings += of_database + ([] if unusable else _check_rows(services))
    return worst_first(findings)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by severity, otherwise in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def config_error_findings(error: ConfigError) -> list[Finding]:
    """Return the findings of a plugins.toml that is invalid."""
    return [
        Finding(
            "error",
            f"setting {item.key}" if item.key else CONFIGURATION,
            item.problem,
            item.hint,
            item.file if item.line is None else f"{item.file}:{item.line}",
        )
        for item in error.problems
    ]


def error_finding(subject: str, error: ScmhostError) -> Finding:
    """Return the finding of a check that failed. The text of such an error has the next step."""
    return Finding("error", subject, str(error))


def _check_rows(services: Services) -> list[Finding]:
    try:
        return list(chain.from_iterable(check(services) for check in _ROW_CHECKS))
    except ScmhostError as error:
        # The database went down during the checks.
        return [error_finding(DATABASE, error)]


def check_database(services: Services) -> Findings:
    """Report a database that does not answer, has other tables, or is not writable."""
    try:
        services.store.check()
        state = services.store.schema_state()
    except ScmhostError as error:
        yield error_finding(DATABASE, error)
        return
    if state not in SERVED:
        problem, _, remedy = PROBLEMS[state].partition("; ")
        yield Finding("error", DATABASE, problem, remedy)
        return
    if state == "compatible":
        problem = "its tables are of a newer version of scmhost, which this version can serve"
        yield Finding("note", DATABASE, problem, "install the newer version here too, when the upgrade is complete")
    try:
        with services.store.write() as tx:
            admin_queries.check_write_access(tx)
    except ScmhostError as error:
        yield error_finding(DATABASE, error)


def check_replica(services: Services) -> Findings:
    """Report a replica that cannot be used, or that is far behind: the primary server answers for it."""
    if not isinstance(services.store, ReplicatedStore):
        return
    try:
        delay = services.store.replica_delay()
    except ScmhostError as error:
        yield Finding("warning", "the replica", f"it is not used: {error}", "check host.read_url, and that it runs")
        return
    if delay > _MAX_DELAY.total_seconds():
        problem = f"it is {delay:.0f} s behind, so that organizations that write read from the primary server"
        yield Finding("warning", "the replica", problem, "find what holds it up: a long query, a pause, or its disk")


def check_clocks(services: Services) -> Findings:
    """Report clocks that differ: expiry times and leases of jobs are compared across machines."""
    with services.store.read() as tx:
        database_time, newest = admin_queries.database_time(tx), admin_queries.newest_row_time(tx)
    now = services.clock.now()
    remedy = "synchronize the clocks of all machines with NTP"
    if database_time and abs(database_time - now) > _MAX_CLOCK_DIFFERENCE:
        seconds = round((database_time - now).total_seconds())
        problem = f"the database's clock differs from this machine's by {seconds:+} s"
        yield Finding("warning", "the clock", problem, remedy)
    if newest and newest - now > _FUTURE:
        problem = f"rows were created at {newest.isoformat(timespec='seconds')}, which is still to come on this machine"
        yield Finding("warning", "the clock", problem, remedy)


def check_organization_names(services: Services) -> Findings:
    """Report organizations in plugins.toml that do not exist."""
    with services.store.read() as tx:
        known = organization_queries.all_organizations(tx)
    # plugins.toml may name an organization by its slug or by its id.
    existing = {organization.slug for organization in known} | {organization.id for organization in known}
    for path, names in _organization_lists(services.plugins.settings):
        for name in names:
            if name not in existing:
                yield Finding(
                    "warning",
                    ".".join(path),
                    f"there is no organization {name!r}",
                    did_you_mean(str(name), (item.slug for item in known)) if known else "create it first",
                    services.plugins.settings.source.place(*path),
                )


def _organization_lists(settings: Settings) -> Iterator[tuple[tuple[str, ...], Sequence[str | int]]]:
    yield ("host", "operators"), settings.host.operators
    yield ("limits", "quotas", "organizations"), tuple(settings.limits.quotas.organizations)
    for name, own in settings.plugins.items():
        yield ("plugins", name, "allow"), own.allow.organizations
        yield ("plugins", name, "deny"), own.deny.organizations


def check_tokens(services: Services) -> Findings:
    """Report tokens that expire soon or have expired."""
    now = services.clock.now()
    with services.store.read() as tx:
        expiring = admin_queries.tokens_expiring(tx, now + _EXPIRES_SOON)
    expired = [token for token in expiring if token.moment and token.moment <= now]
    # First those that still work: there is time to replace them before a build fails.
    soon = [token for token in expiring if token not in expired]
    yield from each(soon, _expires_soon)
    yield from each(expired, _expired)


def _expires_soon(token: TenantRow) -> Finding:
    remedy = "create a new token, and replace this one where it is used"
    return Finding("warning", _subject("token", token), f"{token.name!r} expires at {_when(token)}", remedy)


def _expired(token: TenantRow) -> Finding:
    remedy = f"scmhost token revoke {token.id} --org {token.organization}"
    return Finding("note", _subject("token", token), f"{token.name!r} expired at {_when(token)}", remedy)


def check_installations(services: Services) -> Findings:
    """Report installations whose provider is off for their organization."""
    with services.store.read() as tx:
        known = {organization.slug: organization for organization in organization_queries.all_organizations(tx)}
        rows = admin_queries.all_installations(tx)
    decisions = [(row, services.plugins.decide(row.detail, known[row.organization])) for row in rows]
    yield from each([(row, decision) for row, decision in decisions if not decision.on], _idle_installation)


def check_twins(services: Services) -> Findings:
    """Report installations of a provider that have the same name and configuration."""
    with services.store.read() as tx:
        known = {organization.slug: organization.id for organization in organization_queries.all_organizations(tx)}
        rows = admin_queries.all_installations(tx)
        stored = {
            id_: one
            for organization in known.values()
            for id_, one in installation_queries.get_many(tx, organization, [row.id for row in rows]).items()
        }
    alike: defaultdict[tuple[str, str, str, str], list[TenantRow]] = defaultdict(list)
    for row in rows:
        one = stored[row.id].installation
        alike[row.organization, row.detail, row.name, repr(one.configuration)].append(row)
    yield from each([twins for twins in alike.values() if len(twins) > 1], _twins)


def _twins(rows: Sequence[TenantRow]) -> Finding:
    ids = ", ".join(str(row.id) for row in rows)
    return Finding(
        "note",
        _subject("installation", rows[0]),
        f"{rows[0].name!r} of {rows[0].detail} exists {len(rows)} times, with the same configuration: {ids}",
        f"scmhost installations remove {rows[-1].id} --org {rows[0].organization}, unless both are needed",
    )


def check_credentials(services: Services) -> Findings:
    """Report installations that need attention, and secrets that should be encrypted with the first key."""
    with services.store.read() as tx:
        known = organization_queries.all_organizations(tx)
        listed: defaultdict[str, list[TenantRow]] = defaultdict(list)
        for row in admin_queries.all_installations(tx):
            listed[row.organization].append(row)
        sealed = installation_queries.count_sealed(tx)
    for organization in known:
        rows = listed[organization.slug]
        with services.store.read() as tx:
            stored = installation_queries.get_many(tx, organization.id, [row.id for row in rows])
        reasons = attention_reasons(services, organization, [item.installation for item in stored.values()])
        yield from each(
            [(row, reasons[row.id]) for row in rows if row.id in reasons],
            lambda item: Finding("error", _subject("installation", item[0]), f"{item[0].name!r}: {item[1]}"),
        )
    older = sum(count for key, count in sealed.items() if key != services.secret_box.key_id)
    if older and services.secret_box.key_id:
        problem = f"installations whose secrets are not encrypted with the first of host.secret_keys: {older}"
        yield Finding("note", "secrets", problem, "scmhost secrets rotate")


def _idle_installation(item: tuple[TenantRow, FlagDecision]) -> Finding:
    row, decision = item
    return Finding(
        "warning",
        _subject("installation", row),
        f"{row.name!r} is idle, because {row.detail} is off: {decision.reason}",
        "turn the provider on for this organization, or delete the installation",
        decision.source,
    )


def check_repositories(services: Services) -> Findings:
    """Report unclaimed repositories, and mapped ones that have no URL or are not active."""
    with services.store.read() as tx:
        unclaimed = admin_queries.unclaimed_repositories(tx)
        without_url = admin_queries.repositories_without_url(tx)
        inactive = admin_queries.inactive_repositories(tx)
    yield from _mapped_repositories(unclaimed, "is unclaimed", "claim it through an installation of its provider")
    yield from _mapped_repositories(without_url, "has no URL", "give it its web URL")
    yield from _mapped_repositories(inactive, "is not active", "make it active again, or delete its code mappings")
    # Sending commits creates repositories, so that many without an installation are normal: one note, not a list.
    unmapped = [row for row in unclaimed if not row.count]
    if unmapped:
        names = ", ".join(f"{row.organization}/{row.name}" for row in unmapped[:_EXAMPLES])
        more = f" and {len(unmapped) - _EXAMPLES} more" if len(unmapped) > _EXAMPLES else ""
        yield Finding("note", "repositories", f"unclaimed: {names}{more}", "claim them, so that they can be linked to")


def _mapped_repositories(rows: Sequence[TenantRow], problem: str, remedy: str) -> Findings:
    yield from each(
        [row for row in rows if row.count],
        lambda row: Finding(
            "warning",
            f"repository {row.id} of {row.organization}",
            f"{row.name!r} {problem}, so frames that are mapped to it get no link; code mappings to it: {row.count}",
            remedy,
        ),
    )


def check_mapping_order(services: Services) -> Findings:
    """Report code mappings that are rarely used, because another one always matches before them."""
    with services.store.read() as tx:
        projects = admin_queries.projects_with_several_mappings(tx)
    for organization, organization_id, project_id, slug in projects:
        # A short transaction for each project: a long one would keep PostgreSQL from cleaning up old rows.
        with services.store.read() as tx:
            rows = link_queries.for_project(tx, organization_id, project_id)
        yield from each(list(_shadowed(rows)), partial(_shadowed_mapping, f"{organization}/{slug}"))


def _shadowed(rows: Sequence[CodeMapping]) -> Iterator[tuple[CodeMapping, Rule]]:
    """Yield the code mappings before which another one always matches, each with that other one."""
    index = index_mappings(0, rows).index
    for row in rows:
        for first in index.candidates(_frame_below(row.stack_root))[:1]:
            # Between several source roots of one stack root, the existing files decide.
            if normalize_slashes(first.stack_root).rstrip("/") != normalize_slashes(row.stack_root).rstrip("/"):
                yield row, first


def _shadowed_mapping(project: str, item: tuple[CodeMapping, Rule]) -> Finding:
    row, first = item
    why = ", and was made by hand" if row.generated and not first.generated else ""
    return Finding(
        "note",
        f"mapping {row.id} of {project}",
        f"{row.stack_root!r} comes after mapping {first.id} ({first.stack_root!r}), which matches all of its "
        f"frames{why}: it is used only where the file of that one is known to be missing",
        "keep it if this is intended; otherwise delete it, or create it by hand with the longer stack root",
    )


def _frame_below(stack_root: str) -> str:
    """Return a path that a stack root matches, in a file that no longer stack root names."""
    root = normalize_slashes(stack_root)
    start = root[:-1] if root.endswith("*") else root.rstrip("/") + "/" if root else ""
    return start.replace("*", _UNMAPPED_NAME) + f"{_UNMAPPED_NAME}.py"


def check_jobs(services: Services) -> Findings:
    """Report jobs that no worker takes, and jobs that failed."""
    now = services.clock.now()
    with services.store.read() as tx:
        overdue, failed = admin_queries.overdue_jobs(tx, now, now - OVERDUE_AFTER), admin_queries.failed_jobs(tx)
    if overdue:
        problem = f"{len(overdue)} are due, the first since {_when(overdue[0])}, and no worker takes them"
        yield Finding("error", "jobs", problem, "check that scmhost serve runs with this database")
    yield from each(failed, _failed_job)


def _failed_job(job: TenantRow) -> Finding:
    remedy = _FAILED_REMEDIES.get(job.name.partition(" ")[0], "fix the cause, and set the refs of the release again")
    return Finding("warning", _subject("job", job), f"{job.name} failed and is not tried again: {job.detail}", remedy)


def _subject(kind: str, row: TenantRow) -> str:
    return f"{kind} {row.id} of {row.organization}"


def _when(row: TenantRow) -> str:
    return row.moment.isoformat(timespec="minutes").replace("+00:00", "Z") if row.moment else "an unknown time"


_HOST_CHECKS: Final[Sequence[Check]] = (
    host_checks.check_plugin_states,
    host_checks.check_plugins_serve_someone,
    host_checks.check_address,
    host_checks.check_overrides,
    host_checks.check_file_mode,
    host_checks.check_key_files,
    host_checks.check_telemetry_packages,
    host_checks.check_agents_package,
    host_checks.check_database_file,
)
_ROW_CHECKS: Final[Sequence[Check]] = (
    check_replica,
    check_clocks,
    check_organization_names,
    host_checks.check_webhook_key,
    host_checks.check_registered_webhooks,
    check_installations,
    check_twins,
    check_credentials,
    check_repositories,
    check_mapping_order,
    check_tokens,
    check_jobs,
)
