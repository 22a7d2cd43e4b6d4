"""``scmhost mcp``: tools for agents, over standard input and output."""

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from .targets import TIMEOUT_SECONDS, ServerClient

if TYPE_CHECKING:
    from mcp.server import MCPServer

_OF_CHECKOUT: Final = ("remote", "kind", "template", "ref", "maps")


@click.command(name="mcp")
@click.option("--remote", metavar="NAME|URL", help="The remote to link to (default: the branch's or origin).")
@click.option("--kind", metavar="KIND", help="The kind of code host, if its host name does not show it.")
@click.option("--template", metavar="TEMPLATE", help="The URL of a file's page, for a host of an unknown kind.")
@click.option("--ref", metavar="REF", help="The commit, branch or tag to link to (default: HEAD).")
@click.option("--map", "maps", multiple=True, metavar="STACK=SOURCE", help="Replace the path prefix STACK by SOURCE.")
@click.option("--url", metavar="URL", help="Use the projects of a service instead of the checkout.")
@click.option("--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="A token for --url, with project:read.")
@click.option("--org", metavar="SLUG", help="With --url: the organization (default: the token's).")
@click.option("--project", metavar="SLUG", help="With --url: the project of calls that name none.")
def mcp(**options: Any) -> None:
    """Serve links to agents, over the Model Context Protocol.

    An agent starts this command itself, in a git checkout, and talks to it over standard input and output. Its tools
    find the source of stack traces, as "scmhost link" does.
    """
    server = _service_server(options) if options["url"] else _checkout_server(options)
    server.run("stdio")


def _checkout_server(options: dict[str, Any]) -> "MCPServer[Any]":
    given = next((name for name in ("org", "project") if options[name]), None)
    if given:
        raise click.UsageError(f"--{given} needs --url.")
    from scmhost.agents.checkout_tools import CheckoutTools
    from scmhost.checkout.links import CheckoutLinks, LinkOverrides
    from scmhost.checkout.suspects import HistoryOptions

    from .link_sources import read_mapping

    fields = {name: options[name] for name in ("remote", "kind", "template", "ref")}
    overrides = LinkOverrides(**fields, mappings=tuple(map(read_mapping, options["maps"])))
    # Without a checkout the tools answer with the error: a client shows only that a server did not start.
    history = HistoryOptions(mappings=overrides.mappings, kind=overrides.kind)
    return CheckoutTools(partial(CheckoutLinks, overrides), history).server()


def _service_server(options: dict[str, Any]) -> "MCPServer[Any]":
    given = next((name for name in _OF_CHECKOUT if options[name]), None)
    if given:
        raise click.UsageError(f"--{'map' if given == 'maps' else given} has no effect with --url.")
    import httpx2

    from scmhost.agents.service_tools import ServiceTools

    there = ServerClient.open(options["url"], options["token"])
    headers = {"Authorization": f"Bearer {there.token}"}
    client = httpx2.AsyncClient(base_url=there.url, headers=headers, timeout=TIMEOUT_SECONDS)
    return ServiceTools(client, options["org"], options["project"]).server()
