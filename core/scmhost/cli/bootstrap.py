"""``scmhost bootstrap``."""

import click

from .context import CommandContext, database_options, json_option, say, say_json


@click.command(name="bootstrap")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug, such as acme.")
@click.option("--project", required=True, metavar="SLUG", help="The project's slug, such as web.")
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="NAME=URL",
    help="A repository and its web URL; may be repeated. NAME alone leaves the URL open.",
)
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    org: str,
    project: str,
    repositories: tuple[str, ...],
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Set up an organization, a project and repositories, and print a token with all scopes.

    May be run again: what is there stays. The token is new each time, because only its hash is stored.
    """
    from scmhost.admin.bootstrap import bootstrap

    pairs = [_pair(text) for text in repositories]
    with context.open_host(config, database_url) as host:
        done = bootstrap(host.services, org, project, pairs)
    answer = {
        "organization": {"id": str(done.organization.id), "slug": done.organization.slug},
        "project": {"id": str(done.project.id), "slug": done.project.slug},
        "token": done.token,
        "repositories": [{"id": str(item.id), "name": item.name} for item in done.repositories],
    }
    if as_json:
        say_json(answer)
        return
    say(f"organization  {done.organization.slug} (id {done.organization.id})")
    say(f"project       {done.project.slug} (id {done.project.id})")
    for item in done.repositories:
        say(f"repository    {item.name} (id {item.id})")
    say(f"token         {done.token}")
    say("\nKeep the token: it is not shown again. Next: scmhost serve")


def _pair(text: str) -> tuple[str, str | None]:
    name, _, url = text.partition("=")
    if not name:
        raise click.BadParameter(f"{text!r} is not NAME=URL", param_hint="--repository")
    return name, url or None
