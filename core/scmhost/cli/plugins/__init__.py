"""``scmhost plugins``: inspect plugins, and enable or disable them in plugins.toml."""

from typing import Final

import click

from scmhost.cli.main import LazyGroup

# Not imported before use: some of them load the database or every plugin.
COMMANDS: Final = {
    "diff": ("scmhost.cli.plugins.edit:diff", "Show which organizations a changed plugins.toml affects."),
    "disable": ("scmhost.cli.plugins.edit:disable", "Disable a plugin in plugins.toml."),
    "doctor": ("scmhost.cli.plugins.doctor:doctor", "Find problems, with what to do about each."),
    "enable": ("scmhost.cli.plugins.edit:enable", "Enable a plugin in plugins.toml."),
    "list": ("scmhost.cli.plugins.show:list_plugins", "List every plugin with its state and the reason for it."),
    "show": ("scmhost.cli.plugins.show:show", "Show the details of one plugin."),
    "why": ("scmhost.cli.plugins.show:why", "Explain why a provider is on or off for an organization."),
}


@click.group(name="plugins", cls=LazyGroup, lazy=COMMANDS)
def plugins() -> None:
    """List plugins, find problems, and enable or disable plugins in plugins.toml."""
