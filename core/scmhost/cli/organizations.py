"""``scmhost organizations``, ``projects`` and ``people``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .api_client import OrganizationApi, segment
from .context import CommandContext, database_options, echo, echo_json, json_option, organization_named
from .resources import Resource, ResourceGroup, confirm_option, confirm_removal, org_option, removal_text
from .targets import TargetOptions, target_options

if TYPE_CHECKING:
    from scmhost.services import Services

ORGANIZATIONS: Final = Resource(
    noun="organization",
    path="/api/0/organizations/",
    label="slug",
    columns={"SLUG": "slug", "NAME": "name", "ID": "id"},
    details={"SINCE": "dateCreated"},
    key="slug",
)

organizations: Final = ResourceGroup(
    "organizations", "List, add, remove, export and import organizations.", ORGANIZATIONS
)

PROJECTS: Final = Resource(
    noun="project",
    path="projects/",
    label="slug",
    columns={"SLUG": "slug", "NAME": "name", "PLATFORM": "platform", "ID": "id"},
    details={"SINCE": "dateCreated"},
    key="slug",
)

projects: Final = ResourceGroup("projects", "List, add and remove projects of an organization.", PROJECTS)


@organizations.command(name="list")
@target_options("org:read")
@json_option
@click.pass_obj
def list_organizations(context: CommandContext, *, where: TargetOptions, as_json: bool) -> None:
    """List the organizations of the database, or that of the token."""
    if where.url:
        with where.api(context, None, writes=False) as api:
            rows = ORGANIZATIONS.all(api)
    else:
        from scmhost.admin.configuration import list_organizations as use_case
        from scmhost.services import check_database

        with context.open_host(where.config, where.database_url, plugins=False, inspect_only=True) as host:
            check_database(host.services)
            rows = [{"slug": one.slug, "name": one.name, "id": str(one.id)} for one in use_case(host.services)]
    organizations.show(rows, as_json=as_json)


@organizations.verb("show", "org:read", writes=False)
def show_organization(api: OrganizationApi) -> Any:
    """Show an organization: that of --org, of the token, or the only one."""
    return api.get(f"{ORGANIZATIONS.path}{segment(api.slug)}/")


@organizations.command(name="add")
@click.argument("slug", metavar="SLUG")
@click.option("--name", metavar="NAME", help="Its name for people (default: the slug).")
@database_options
@json_option
@click.pass_obj
def add_organization(
    context: CommandContext, *, slug: str, name: str | None, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Create an organization in the local database, or show the existing one. The first one creates the database."""
    from scmhost.organizations.create import create_organization

    with context.open_host(config, database_url, plugins=False, creates=True) as host:
        made = create_organization(host.services, slug, name)
    if as_json:
        echo_json({"id": str(made.id), "slug": made.slug, "name": made.name})
    else:
        echo(f"Organization {made.slug} is there (id {made.id}).")


@organizations.command(name="export")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@org_option
@database_options
@json_option
@click.pass_obj
def export_to_file(
    context: CommandContext, *, file: Path, org: str | None, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Write all rows of an organization to FILE, for another database.

    Tokens, redirect keys and webhooks stay behind: their texts and addresses have the ids of this database. Secrets of
    installations are encrypted with a key that is printed once.
    """
    from scmhost.admin.transfer import export_organization
    from scmhost.infra.db.backup import new_file

    if file.exists():
        raise click.BadParameter(f"{file} exists", param_hint="FILE")
    with context.open_host(config, database_url, plugins=False) as host:
        organization = organization_named(host.services, org)
        with new_file(file) as partial, partial.open("w", encoding="utf-8") as opened:
            done = export_organization(host.services, organization, opened.write)
    if as_json:
        echo_json({"organization": organization.slug, "rows": done.rows, "key": done.key})
        return
    echo(f"{organization.slug} is exported to {file}: {sum(done.rows.values())} rows.")
    if done.key:
        echo(f"Key of its secrets, for organizations import --key: {done.key}")


@organizations.command(name="import")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--slug", metavar="SLUG", help="Its slug here (default: the one that it had).")
@click.option(
    "--key", metavar="KEY", envvar="SCMHOST_EXPORT_KEY", help="The key that the export printed, if there are secrets."
)
@database_options
@json_option
@click.pass_obj
def import_from_file(
    context: CommandContext,
    *,
    file: Path,
    slug: str | None,
    key: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Create an organization with all rows of FILE. A slug that exists here is refused, and nothing is changed."""
    from scmhost.admin.transfer import import_organization

    with context.open_host(config, database_url, plugins=False, creates=True) as host:
        organization, rows = import_organization(host.services, file, slug, key)
    if as_json:
        echo_json({"organization": organization.slug, "id": str(organization.id), "rows": rows})
        return
    echo(f"{organization.slug} is imported (id {organization.id}): {sum(rows.values())} rows.")
    echo("Make new tokens, redirect keys and webhook secrets: they were not moved.")


@organizations.command(name="remove")
@click.argument("name", metavar="NAME")
@confirm_option
@database_options
@json_option
@click.pass_obj
def remove_organization(
    context: CommandContext,
    *,
    name: str,
    confirm: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Delete an organization of the local database with all that it has, in an hour. The running service does it.

    Until then everything works, and `scmhost organizations keep` cancels it. Its audit log stays.
    """
    from scmhost.admin import removal

    with context.open_host(config, database_url, plugins=False) as host:
        organization = organization_named(host.services, name)
        confirm_removal(organization.slug, removal.removal_of(host.services, organization).counts, confirm)
        done = removal.remove_organization(host.services, organization)
    due = done.due_at.isoformat() if done.due_at else None
    if as_json:
        echo_json({"slug": organization.slug, "counts": dict(done.counts), "dateDeletion": due})
    else:
        echo(removal_text("organization", organization.slug, due))


@organizations.command(name="keep")
@click.argument("name", metavar="NAME")
@database_options
@json_option
@click.pass_obj
def keep_organization(
    context: CommandContext, *, name: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Keep an organization that is going to be deleted."""
    from scmhost.admin import removal

    with context.open_host(config, database_url, plugins=False) as host:
        organization = organization_named(host.services, name)
        removal.keep(host.services, organization)
    if as_json:
        echo_json({"slug": organization.slug, "dateDeletion": None})
    else:
        echo(f"Organization {organization.slug} stays.")


@projects.verb("add", "project:write", "Project {slug} is there (id {id}).")
@click.argument("slug", metavar="SLUG")
@click.option("--name", metavar="NAME", help="Its name for people (default: the slug).")
@click.option("--platform", metavar="NAME", help="The platform of its frames, such as python.")
def add_project(api: OrganizationApi, slug: str, name: str | None, platform: str | None) -> Any:
    """Create a project, or show the existing one of this slug."""
    return api.post(PROJECTS.path, {"slug": slug, "name": name or slug, "platform": platform})


projects.add_list("org:read")
projects.add_show("org:read")


def _removed(answer: Any) -> str:
    return removal_text("project", answer["slug"], answer["dateDeletion"])


@projects.verb("remove", "project:admin", _removed)
@click.argument("name", metavar="NAME")
@confirm_option
def remove_project(api: OrganizationApi, name: str, confirm: str | None) -> Any:
    """Delete a project with its code mappings: at once if it has nothing, else in an hour, by the running service.

    Until then everything works, and `scmhost projects keep` cancels it. Releases and commits stay.
    """
    slug = PROJECTS.find(api, name)["slug"]
    asked = api.get(api.project(slug, "deletion/"))
    confirm_removal(slug, asked["counts"], confirm)
    done = api.delete(api.project(slug)) or {"dateDeletion": None}
    return {"slug": slug, "counts": asked["counts"], "dateDeletion": done["dateDeletion"]}


@projects.verb("keep", "project:admin", "Project {slug} stays.")
@click.argument("name", metavar="NAME")
def keep_project(api: OrganizationApi, name: str) -> Any:
    """Keep a project that is going to be deleted."""
    slug = PROJECTS.find(api, name)["slug"]
    api.delete(api.project(slug, "deletion/"))
    return {"slug": slug, "dateDeletion": None}


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
