"""``scmhost bootstrap``, ``migrate``, ``token``, ``secrets`` and ``audit``: administration."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from .context import (
    CommandContext,
    SuggestingGroup,
    database_options,
    echo,
    echo_json,
    fail,
    json_option,
    open_to_create,
    organization_named,
)
from .resources import Resource, org_option, show_table

if TYPE_CHECKING:
    from scmhost.audit.queries import AuditEntry
    from scmhost.organizations.queries import Token


@click.command(name="migrate")
@database_options
@click.pass_obj
def migrate(context: CommandContext, *, config: str | None, database_url: str | None) -> None:
    """Update the database schema. Safe to run again, and on several machines at once."""
    with open_to_create(context, config, database_url) as host:
        echo(f"{host.services.store.url_without_password} is up to date.")


@click.command(name="bootstrap")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug, such as acme.")
@click.option("--project", required=True, metavar="SLUG", help="The project's slug, such as web.")
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="NAME=URL",
    help="A repository and its web URL; repeatable. NAME alone leaves the URL empty.",
)
@database_options
@json_option
@click.pass_obj
def bootstrap(
    context: CommandContext,
    *,
    org: str,
    project: str,
    repositories: tuple[str, ...],
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Create an organization, a project and repositories, and print a token with all scopes but code:read.

    Safe to run again: what exists is kept. An organization that has a valid token gets no other one.
    """
    # Before the database is created: wrong usage must leave nothing behind.
    pairs = [_repository_pair(text) for text in repositories]
    from scmhost.admin import bootstrap as usecase

    with open_to_create(context, config, database_url) as host:
        done = usecase.bootstrap(host.services, org, project, pairs)
    if as_json:
        echo_json(
            {
                "organization": {"id": str(done.organization.id), "slug": done.organization.slug},
                "project": {"id": str(done.project.id), "slug": done.project.slug},
                "token": done.token or None,
                "repositories": [{"id": str(item.id), "name": item.name} for item in done.repositories],
            }
        )
        return
    echo(f"organization  {done.organization.slug} (id {done.organization.id})")
    echo(f"project       {done.project.slug} (id {done.project.id})")
    for item in done.repositories:
        echo(f"repository    {item.name} (id {item.id})")
    if done.token:
        echo(f"token         {done.token}")
        echo("\nKeep the token: it is not shown again. Next: scmhost serve")
    else:
        echo("token         there is one already; scmhost token create makes another")


def _repository_pair(text: str) -> tuple[str, str | None]:
    name, _, url = text.partition("=")
    if not name:
        raise click.BadParameter(f"{text!r} is not NAME=URL", param_hint="--repository")
    return name, url or None


def read_moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """Return the time that an option names: a date, or so many hours, days or weeks from now."""
    if text is None:
        return None
    if span := _SPAN.fullmatch(text):
        units = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
        return datetime.now(UTC) + int(span[1]) * units[span[2]]
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a time such as 90d or 2027-01-31") from error
    if moment <= datetime.now(UTC):
        raise click.BadParameter(f"{text!r} is in the past")
    return moment


@click.group(name="token", cls=SuggestingGroup)
def token() -> None:
    """Create, list and revoke access tokens."""


@token.command(name="create")
@org_option
@click.option("--note", "--name", "note", required=True, metavar="TEXT", help="What the token is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("org:ci",),
    show_default=True,
    metavar="SCOPE",
    help="Such as project:read or code:read; repeatable.",
)
@click.option(
    "--expires",
    metavar="TIME",
    callback=read_moment,
    help="Such as 12h, 90d, 8w, or a date (default: never).",
)
@click.option(
    "--sntrys",
    "with_service",
    is_flag=True,
    help="Make a token that names the service ([host] url) and the organization: a build then needs no SENTRY_URL and "
    "SENTRY_ORG.",
)
@database_options
@json_option
@click.pass_obj
def create(
    context: CommandContext,
    *,
    org: str | None,
    note: str,
    scopes: tuple[str, ...],
    expires: datetime | None,
    with_service: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Create a token and print it once."""
    # Use cases load SQLAlchemy, which the help texts of this module do not need.
    from scmhost.organizations.tokens import create_token

    with context.open_host(config, database_url) as host:
        organization = organization_named(host.services, org)
        created, secret = create_token(host.services, organization, note, scopes, expires, with_service=with_service)
    # The only time that the secret is printed: the database has its hash.
    if as_json:
        echo_json({**_described_token(created), "token": secret})
    else:
        echo(secret)


_TOKEN_COLUMNS: Final = {
    "ID": "id",
    "HINT": "hint",
    "STATE": "state",
    "NOTE": "name",
    "EXPIRES": "expiresAt",
    "LAST USED": "lastUsedAt",
    "SCOPES": "scopes",
}
_TOKENS: Final = Resource(noun="token", path="", label="name", columns=_TOKEN_COLUMNS)


@token.command(name="list")
@org_option
@database_options
@json_option
@click.pass_obj
def list_tokens(
    context: CommandContext, *, org: str | None, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """List an organization's tokens, without their secrets. A hint is the end of the secret."""
    from scmhost.organizations import tokens as usecases
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database(host.services)
        tokens = usecases.list_tokens(host.services, organization_named(host.services, org))
    if as_json:
        echo_json([_described_token(item) for item in tokens])
        return
    show_table(_TOKEN_COLUMNS, list(map(_described_token, tokens)), "No tokens.")


@token.command(name="revoke")
@org_option
@click.argument("token", metavar="NOTE|ID")
@database_options
@json_option
@click.pass_obj
def revoke(
    context: CommandContext,
    *,
    org: str | None,
    token: str,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Revoke a token, by its note or the id that `scmhost token list` prints; within a second no process accepts it."""
    from scmhost.organizations import tokens as usecases

    with context.open_host(config, database_url) as host:
        organization = organization_named(host.services, org)
        rows = [_described_token(item) for item in usecases.list_tokens(host.services, organization)]
        # A token that replaced another one mostly has its note.
        valid = [row for row in rows if row["state"] == "valid"]
        found = _TOKENS.among(valid if any(row["name"] == token for row in valid) else rows, token)
        usecases.revoke_token(host.services, organization, int(found["id"]))
    if as_json:
        echo_json({"id": found["id"], "revoked": True})
    else:
        echo(f"Token {found['id']} is revoked.")


def _described_token(item: "Token") -> dict[str, object]:
    return {
        "id": str(item.id),
        "name": item.name,
        "hint": item.hint,
        "scopes": sorted(item.scopes),
        "state": _state(item, datetime.now(UTC)),
        **{
            name: moment.isoformat(timespec="seconds") if moment else None
            for name, moment in (
                ("expiresAt", item.expires_at),
                ("lastUsedAt", item.last_used_at),
                ("revokedAt", item.revoked_at),
            )
        },
    }


def _state(item: "Token", now: datetime) -> str:
    return "revoked" if item.revoked_at else "valid" if item.is_valid(now) else "expired"


_SPAN: Final = re.compile(r"(\d{1,4})([hdw])", re.ASCII)


@click.group(name="secrets", cls=SuggestingGroup)
def secrets() -> None:
    """Make keys for the secrets of installations, and change the key."""


@secrets.command(name="new-key")
def new_key() -> None:
    """Print a new key, for secret_keys under [host] of plugins.toml."""
    from scmhost.infra import secret_box

    echo(secret_box.new_key())


@secrets.command(name="rotate")
@database_options
@json_option
@click.pass_obj
def rotate(context: CommandContext, *, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Encrypt the secrets of all installations with the first of secret_keys.

    Safe to run again, and while the service runs. The exit code is 1 if some cannot be decrypted.
    """
    from scmhost.installations.sealing import rotate_secrets

    with context.open_host(config, database_url, plugins=False) as host:
        done = rotate_secrets(host.services)
    if as_json:
        echo_json({"rotated": done.rotated, "current": done.current, "lost": done.lost})
    else:
        echo(f"{done.rotated} encrypted again with the first key, {done.current} were already.")
    if done.lost:
        fail(f"{done.lost} cannot be decrypted: their key is not among secret_keys. They are unchanged.")


@click.command(name="audit")
@click.option("--org", metavar="SLUG", help="Entries of this organization (default: of the host, as for plugins.toml).")
@click.option("--event", metavar="EVENT", help="Only this kind of entry, such as token.create.")
@click.option(
    "--limit", metavar="N", default=50, show_default=True, type=click.IntRange(1, 1000), help="Number of entries."
)
@database_options
@json_option
@click.pass_obj
def audit(
    context: CommandContext,
    *,
    org: str | None,
    event: str | None,
    limit: int,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Show who changed what in an organization or in plugins.toml, newest first."""
    from scmhost.audit.queries import list_entries
    from scmhost.infra.paging import PageQuery
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database(host.services)
        organization = organization_named(host.services, org) if org else None
        entries = list_entries(host.services, organization, PageQuery(size=limit), action=event).items
    if as_json:
        echo_json([_described_entry(entry) for entry in entries])
        return
    for entry in entries:
        moment = entry.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        kind, name = entry.actor.kind, entry.actor.name
        echo(f"{moment}  {entry.action:<22}{entry.target}  by {name if kind == name else f'{kind} {name}'}")
        for key, value in entry.details.items():
            echo(f"{'':<22}{key}: {_detail(value)}")
    if not entries:
        echo("No audit entries.")


def _detail(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "nothing" if value is None else str(value)


def _described_entry(entry: "AuditEntry") -> dict[str, object]:
    return {
        "id": str(entry.id),
        "dateCreated": entry.created_at.isoformat().replace("+00:00", "Z"),
        "event": entry.action,
        "actor": {"kind": entry.actor.kind, "id": entry.actor.id, "name": entry.actor.name},
        "target": {"id": entry.target_id, "name": entry.target},
        "data": entry.details,
    }
