"""``scmhost token``."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, json_option, organization_named, say, say_json

if TYPE_CHECKING:
    from scmhost.organizations.values import Token


@click.group(name="token")
def command() -> None:
    """Create, list and revoke access tokens."""


@command.command(name="create")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, required=True, metavar="SCOPE", help="Such as org:ci; repeatable.")
@click.option("--days", type=click.IntRange(min=1, max=3650), help="Valid for so many days (default: until revoked).")
@database_options
@json_option
@click.pass_obj
def create(
    context: CommandContext,
    *,
    org: str,
    name: str,
    scopes: tuple[str, ...],
    days: int | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Create a token and print it, once."""
    from scmhost.organizations.tokens import create_token

    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    with context.open_host(config, database_url) as host:
        organization = organization_named(host.services, org)
        token, secret = create_token(host.services, organization, name, scopes, expires)
    if as_json:
        say_json({**_described(token), "token": secret})
    else:
        say(secret)


@command.command(name="list")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@database_options
@json_option
@click.pass_obj
def list_all(context: CommandContext, *, org: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """List an organization's tokens, without their secrets."""
    from scmhost.organizations.tokens import list_tokens

    with context.open_host(config, database_url) as host:
        tokens = list_tokens(host.services, organization_named(host.services, org))
    if as_json:
        say_json([_described(token) for token in tokens])
        return
    for token in tokens:
        state = "revoked" if token.revoked_at else "valid"
        say(f"{token.id:<8}...{token.hint}  {state:<8}{token.name}  [{', '.join(sorted(token.scopes))}]")


@command.command(name="revoke")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.argument("token_id", type=int)
@database_options
@click.pass_obj
def revoke(context: CommandContext, *, org: str, token_id: int, config: str | None, database_url: str | None) -> None:
    """Make a token worthless, at once. TOKEN_ID is the number that `scmhost token list` shows."""
    from scmhost.organizations.tokens import revoke_token

    with context.open_host(config, database_url) as host:
        revoke_token(host.services, organization_named(host.services, org), token_id)
    say(f"Token {token_id} is revoked.")


def _described(token: "Token") -> dict[str, object]:
    return {
        "id": str(token.id),
        "name": token.name,
        "hint": token.hint,
        "scopes": sorted(token.scopes),
        "expiresAt": token.expires_at.isoformat() if token.expires_at else None,
        "revokedAt": token.revoked_at.isoformat() if token.revoked_at else None,
    }
