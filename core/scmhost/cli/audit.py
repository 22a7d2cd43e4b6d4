"""``scmhost audit``."""

from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, json_option, organization_named, say, say_json

if TYPE_CHECKING:
    from scmhost.audit.queries import AuditEntry


@click.command(name="audit")
@click.option("--org", metavar="SLUG", help="Of this organization (default: of the host as a whole).")
@click.option("--event", metavar="EVENT", help="Only of this kind, such as token.create.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="The newest so many.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    org: str | None,
    event: str | None,
    limit: int,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Say who changed what, the newest first: in an organization, or in plugins.toml."""
    from scmhost.audit.record import list_entries
    from scmhost.infra.paging import PageRequest
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, look=True) as host:
        check_database(host.services)
        organization = organization_named(host.services, org) if org else None
        entries = list_entries(host.services, organization, PageRequest(size=limit), action=event).items
    if as_json:
        say_json([_described(entry) for entry in entries])
        return
    for entry in entries:
        moment = entry.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        say(f"{moment}  {entry.action:<22}{entry.target}  by {_who(entry)}")
        for name, value in entry.details.items():
            say(f"{'':<22}{name}: {_told(value)}")
    if not entries:
        say("Nothing is noted.")


def _who(entry: "AuditEntry") -> str:
    return f"{entry.actor.kind} {entry.actor.name}" if entry.actor.kind != entry.actor.name else entry.actor.name


def _told(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} +{counts['on']} -{counts['off']}" for name, counts in value.items()) or "nobody"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "nothing" if value is None else str(value)


def _described(entry: "AuditEntry") -> dict[str, object]:
    return {
        "id": str(entry.id),
        "dateCreated": entry.created_at.isoformat().replace("+00:00", "Z"),
        "event": entry.action,
        "actor": {"kind": entry.actor.kind, "id": entry.actor.id, "name": entry.actor.name},
        "target": {"id": entry.target_id, "name": entry.target},
        "data": entry.details,
    }
