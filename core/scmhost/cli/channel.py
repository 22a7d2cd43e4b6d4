"""``scmhost channel``: print what another tool needs for links to the source."""

import click

from .context import EXIT_CONFIGURATION, CommandContext, database_options, echo, fail, organization_named

_TOOLS = ("errbit", "grafana", "jaeger", "kibana", "otel", "sentry")


@click.group(name="channel")
def channel() -> None:
    """Show links to the source in other tools, such as Sentry."""


@channel.command(name="print")
@click.argument("tool", type=click.Choice(_TOOLS))
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--key", metavar="KEY", help="A key of scmhost redirects add (default: a new one with the tool's name).")
@click.option("--url", metavar="URL", help="The address of the service (default: url under [host] of plugins.toml).")
@database_options
@click.pass_obj
def print_channel(
    context: CommandContext,
    *,
    tool: str,
    org: str,
    key: str | None,
    url: str | None,
    config: str | None,
    database_url: str | None,
) -> None:
    """Print the settings of TOOL, ready to paste, with a redirect key of the organization."""
    from scmhost.redirects.channels import snippet
    from scmhost.redirects.keys import create_key

    with context.open_host(config, database_url, plugins=False) as host:
        url = url or host.services.url
        if url is None:
            fail("the address of the service is not known; give --url, or set url under [host]", EXIT_CONFIGURATION)
        organization = organization_named(host.services, org)
        text = key or create_key(host.services, organization, tool)[1]
    if key is None:
        click.echo(f"Made a redirect key with the name {tool}; scmhost redirects remove ends its links.\n", err=True)
    echo(snippet(tool, url.rstrip("/"), text).rstrip())
