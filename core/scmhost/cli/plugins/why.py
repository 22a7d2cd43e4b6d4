"""``scmhost plugins why``."""

import click

from scmhost.cli.context import CommandContext, database_options, json_option, organization_named, say, say_json


@click.command(name="why")
@click.argument("provider")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext, *, provider: str, org: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Say whether PROVIDER is on for an organization, by which rule, and where that rule is written."""
    with context.open_host(config, database_url) as host:
        switch = host.services.plugins.decide(provider, organization_named(host.services, org))
    if as_json:
        say_json({"provider": provider, "on": switch.on, "reason": switch.reason, "source": switch.source})
    else:
        say(f"{provider} is {'on' if switch.on else 'off'} for {org}: {switch.reason} ({switch.source})")
