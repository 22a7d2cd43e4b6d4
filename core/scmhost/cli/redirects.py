"""``scmhost redirects``: create, list and revoke the keys of redirects."""

from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, echo, echo_json, json_option, organization_named

if TYPE_CHECKING:
    from scmhost.redirects.queries import RedirectKey


@click.group(name="redirects")
def redirects() -> None:
    """Create, list and revoke redirect keys, which other tools put into links to this service."""


@redirects.command(name="create")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--name", required=True, metavar="NAME", help="A name that shows what the key is for, such as sentry.")
@click.option("--bind", is_flag=True, help="Accept only the first sender, as installationId in Sentry's URLs names it.")
@database_options
@json_option
@click.pass_obj
def create(
    context: CommandContext,
    *,
    org: str,
    name: str,
    bind: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Create a key and print it once. The address of a redirect is /r/KEY below that of the service."""
    # Use cases load SQLAlchemy, which the help texts of this module do not need.
    from scmhost.redirects.keys import create_key

    with context.open_host(config, database_url, plugins=False) as host:
        created, text = create_key(host.services, organization_named(host.services, org), name, binds_sender=bind)
    if as_json:
        echo_json({**_described(created), "key": text})
    else:
        echo(text)


@redirects.command(name="list")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@database_options
@json_option
@click.pass_obj
def list_redirects(
    context: CommandContext, *, org: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """List an organization's keys, without their texts."""
    from scmhost.redirects.keys import list_keys
    from scmhost.services import check_database

    with context.open_host(config, database_url, plugins=False, inspect_only=True) as host:
        check_database(host.services)
        keys = list_keys(host.services, organization_named(host.services, org))
    if as_json:
        echo_json([_described(item) for item in keys])
        return
    # The hint is the end of the key, by which its owner recognizes it.
    for item in keys:
        echo(f"{item.id:<8}...{item.hint}  {'revoked' if item.revoked_at else 'valid':<8}{item.name}")


@redirects.command(name="revoke")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.argument("key_id", type=int)
@database_options
@click.pass_obj
def revoke(context: CommandContext, *, org: str, key_id: int, config: str | None, database_url: str | None) -> None:
    """Revoke a key immediately. KEY_ID is the number that `scmhost redirects list` prints."""
    from scmhost.redirects.keys import revoke_key

    with context.open_host(config, database_url, plugins=False) as host:
        revoke_key(host.services, organization_named(host.services, org), key_id)
    echo(f"Redirect key {key_id} is revoked.")


def _described(item: "RedirectKey") -> dict[str, object]:
    return {
        "id": str(item.id),
        "name": item.name,
        "hint": item.hint,
        "bindsSender": item.binds_sender,
        "sender": item.sender,
        "createdAt": item.created_at.isoformat(),
        "revokedAt": item.revoked_at.isoformat() if item.revoked_at else None,
    }
