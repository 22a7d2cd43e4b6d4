"""Where the commands learn about plugins: from a process of their own, or from a service that runs."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import click

from scmhost.cli.context import CommandContext
from scmhost.cli.targets import get_json, open_client

F = TypeVar("F", bound=Callable[..., Any])
Described: TypeAlias = dict[str, Any]
"""A plugin as the API tells it."""


def service_options(command: F) -> F:
    """The options of commands that may ask a service instead."""
    command = click.option(
        "--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="An operator's token with org:admin, for --url."
    )(command)
    return click.option("--url", metavar="URL", help="Ask the service that runs there; it knows what plugins did.")(
        command
    )


def all_plugins(context: CommandContext, config: str | None, url: str | None, token: str | None) -> list[Described]:
    """Every plugin that is installed or named. No database is opened for it."""
    if url:
        with open_client(url, token) as client:
            listed: list[Described] = get_json(client, "/api/0/plugins/")
            return listed
    from scmhost.admin.show_plugins import described, list_plugins

    with context.open_host(config, look=True) as host:
        return [described(shown) for shown in list_plugins(host.services)]
