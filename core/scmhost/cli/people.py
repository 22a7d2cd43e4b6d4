"""``scmhost people``: invite people to the pages of the service."""

from typing import TYPE_CHECKING

import click

from .context import CommandContext, database_options, echo, echo_json, json_option, organization_named

if TYPE_CHECKING:
    from scmhost.services import Services


@click.group(name="people")
def people() -> None:
    """Invite people to the pages of the service."""


@people.command(name="invite")
@click.option("--org", metavar="SLUG", help="The organization's slug; an administrator of the host needs none.")
@click.option("--name", required=True, metavar="NAME", help="The person's name, as others read it.")
@click.option(
    "--role",
    type=click.Choice(["member", "admin"]),
    default="member",
    show_default=True,
    help="Members read; admins change too.",
)
@click.option("--host-admin", is_flag=True, help="Let the person administer the host and all its organizations.")
@database_options
@json_option
@click.pass_obj
def invite(
    context: CommandContext,
    *,
    org: str | None,
    name: str,
    role: str,
    host_admin: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Add a person, and print a link to sign in with. It works once, and for a day."""
    # Use cases load SQLAlchemy, which the help texts of this module do not need.
    from scmhost.organizations import people as usecases

    with context.open_host(config, database_url, plugins=False) as host:
        organization = organization_named(host.services, org) if org else None
        invited = usecases.invite(
            host.services, organization, name, role="admin" if role == "admin" else "member", host_admin=host_admin
        )
        url = sign_in_url(host.services.url or "http://127.0.0.1:8000", invited.text)
    if as_json:
        expires = invited.expires_at.isoformat()
        echo_json({"id": str(invited.person.id), "name": invited.person.name, "url": url, "expiresAt": expires})
    else:
        echo(url)


def first_link(services: "Services") -> str | None:
    """Return the text of a link for the first administrator, until somebody has signed in."""
    from scmhost.organizations.people import first_invitation

    return first_invitation(services) if services.web.enabled else None


def echo_first_link(service: str, link: str) -> None:
    """Print the link for the first administrator of the service at this address."""
    echo(f"Nobody has signed in yet. Open this link once, within a day: {sign_in_url(service, link)}")


def sign_in_url(service: str, link: str) -> str:
    """Return the address of the sign-in with a link. Its text is in the query, which no log of scmhost has."""
    return f"{service}/sign-in?link={link}"
