"""``scmhost people``: who may sign in to the pages, on the machine of the service.

There is no API for it: a token could otherwise make itself a person, who stays when the token is revoked.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from scmhost.infra.errors import InvalidInput

from .context import (
    CommandContext,
    OpenedHost,
    database_options,
    echo,
    echo_error,
    echo_json,
    json_option,
    organization_named,
)
from .resources import Resource, ResourceGroup

if TYPE_CHECKING:
    from scmhost.organizations.people import Invitation
    from scmhost.plugins import Settings
    from scmhost.services import Services

F = TypeVar("F", bound=Callable[..., Any])

_ALL_ADDRESSES: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on

PEOPLE: Final = Resource(
    noun="person",
    path="",
    label="name",
    columns={"NAME": "name", "ROLES": "roles", "HOST": "hostAdmin", "LAST SIGN-IN": "dateSignedIn", "ID": "id"},
    details={"SUBJECT": "subject", "SINCE": "dateCreated"},
)

people: Final = ResourceGroup(
    "people", "Invite people to the pages of the service, and change what they may do.", PEOPLE
)

_role_option: Final = click.option(
    "--role", type=click.Choice(["member", "admin"]), help="Members read; admins change."
)
_person_argument: Final = click.argument("name", metavar="NAME|ID")


@people.command(name="list")
@click.option("--org", metavar="SLUG", help="Only those of this organization.")
@database_options
@json_option
@click.pass_obj
def list_all(
    context: CommandContext, *, org: str | None, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """List the people of the host, with their roles by organization."""
    with _opened(context, config, database_url) as host:
        slug = organization_named(host.services, org).slug if org else None
        rows = [row for row in _rows(host.services) if slug is None or slug in row["roles"]]
    people.show(rows, as_json=as_json)


@people.command(name="show")
@_person_argument
@database_options
@json_option
@click.pass_obj
def show(context: CommandContext, *, name: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Show a person."""
    with _opened(context, config, database_url) as host:
        found = _find(host.services, name)
    people.show(found, as_json=as_json)


@people.command(name="invite")
@click.option("--org", metavar="SLUG", help="The organization's slug; an administrator of the host needs none.")
@click.option("--name", required=True, metavar="NAME", help="The person's name, as others read it.")
@_role_option
@click.option("--host-admin", is_flag=True, help="Let the person administer the host and all its organizations.")
@database_options
@json_option
@click.pass_obj
def invite(
    context: CommandContext,
    *,
    org: str | None,
    name: str,
    role: str | None,
    host_admin: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Add a person, and print a link to sign in with. It works once, and for a day. The role is member by default."""
    # Use cases load SQLAlchemy, which the help texts of this module do not need.
    from scmhost.organizations import people as usecases

    with _opened(context, config, database_url) as host:
        organization = organization_named(host.services, org) if org else None
        invited = usecases.invite(
            host.services, organization, name, role="admin" if role == "admin" else "member", host_admin=host_admin
        )
        _echo_invitation(host, invited, as_json=as_json)


@people.command(name="link")
@_person_argument
@database_options
@json_option
@click.pass_obj
def link(context: CommandContext, *, name: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Print a new link to sign in with, in place of an earlier one."""
    from scmhost.organizations.people import new_link

    with _opened(context, config, database_url) as host:
        _echo_invitation(host, new_link(host.services, _id(host.services, name)), as_json=as_json)


@people.command(name="change")
@_person_argument
@click.option("--org", metavar="SLUG", help="The organization of --role; the person is added to it if necessary.")
@_role_option
@click.option("--rename", metavar="NAME", help="The person's name, as others read it.")
@click.option("--host-admin/--no-host-admin", default=None, help="Give or take the administration of the host.")
@database_options
@json_option
@click.pass_obj
def change(
    context: CommandContext,
    *,
    name: str,
    org: str | None,
    role: str | None,
    rename: str | None,
    host_admin: bool | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Rename a person, or change what the person may do. With a new organization or right, the person signs in anew."""
    from scmhost.organizations.people import change_person, give_role

    if org and role is None:
        raise click.UsageError("--org needs --role member or --role admin")
    if role is None and rename is None and host_admin is None:
        raise click.UsageError("give --role, --rename, --host-admin or --no-host-admin")
    with _opened(context, config, database_url) as host:
        person_id = _id(host.services, name)
        if role is not None:
            organization = organization_named(host.services, org)
            give_role(host.services, organization, person_id, "admin" if role == "admin" else "member")
        change_person(host.services, person_id, name=rename, host_admin=host_admin)
        people.show(_find(host.services, str(person_id)), as_json=as_json)


@people.command(name="sign-out")
@_person_argument
@database_options
@json_option
@click.pass_obj
def sign_out(
    context: CommandContext, *, name: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """End all sessions of a person, and a link that is not used yet."""
    from scmhost.organizations.people import sign_out_everywhere

    with _opened(context, config, database_url) as host:
        found = _find(host.services, name)
        sign_out_everywhere(host.services, int(found["id"]))
    people.show(found, "{name} is signed out everywhere.", as_json=as_json)


@people.command(name="remove")
@_person_argument
@click.option("--org", metavar="SLUG", help="Only out of this organization; without it, the person is deleted.")
@database_options
@json_option
@click.pass_obj
def remove(
    context: CommandContext, *, name: str, org: str | None, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Take a person out of an organization, or delete the person, whose sessions end.

    Somebody whom a proxy or an identity provider names comes back with the next sign-in there.
    """
    from scmhost.organizations.people import remove_member, remove_person

    with _opened(context, config, database_url) as host:
        found = _find(host.services, name)
        if org:
            remove_member(host.services, organization_named(host.services, org), int(found["id"]))
        else:
            remove_person(host.services, int(found["id"]))
    people.show(found, "{name} is removed.", as_json=as_json)


def _opened(context: CommandContext, config: str | None, database_url: str | None) -> OpenedHost:
    return context.open_host(config, database_url, plugins=False)


def _rows(services: "Services") -> list[dict[str, Any]]:
    from scmhost.organizations.people import list_people

    return [
        {
            "id": str(each.person.id),
            "name": each.person.name,
            "roles": dict(each.roles),
            "hostAdmin": each.person.host_admin,
            "subject": each.person.subject,
            "dateCreated": each.person.created_at.isoformat(timespec="seconds"),
            "dateSignedIn": each.person.signed_in_at.isoformat(timespec="seconds")
            if each.person.signed_in_at
            else None,
        }
        for each in list_people(services)
    ]


def _find(services: "Services", name: str) -> dict[str, Any]:
    found: dict[str, Any] = PEOPLE.among(_rows(services), name)
    return found


def _id(services: "Services", name: str) -> int:
    return int(_find(services, name)["id"])


def _echo_invitation(host: OpenedHost, invited: "Invitation", *, as_json: bool) -> None:
    if not host.services.web.enabled:
        echo_error("The pages are off ([web] enabled = false): the link works when they are on.")
    url = sign_in_url(host.services.url or _local_address(host.settings), invited.text)
    if as_json:
        expires = invited.expires_at.isoformat()
        echo_json({"id": str(invited.person.id), "name": invited.person.name, "url": url, "expiresAt": expires})
    else:
        echo(url)


def _local_address(settings: "Settings") -> str:
    """Return the address of the service on this machine: `scmhost serve` has the same settings and variables."""
    host, port = (os.environ.get(name) for name in ("SCMHOST_HOST", "SCMHOST_PORT"))
    if port and not (port.isascii() and port.isdigit()):
        raise InvalidInput(f"SCMHOST_PORT is {port!r}, which is no port")
    return browser_address(host or settings.server.host, int(port or settings.server.port))


def browser_address(host: str, port: int) -> str:
    """Return the address of a service that listens on a host, for a browser on the same machine."""
    # No browser has an address that stands for all of them, and the service would refuse it as its host.
    name = "127.0.0.1" if host in _ALL_ADDRESSES else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


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
