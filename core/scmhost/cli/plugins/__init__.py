"""``scmhost plugins``: each command has a module of its own here."""

from typing import Final

import click

from scmhost.cli.lazy_group import LazyGroup

# name: (module, what it does in a line)
COMMANDS: Final = {
    "diff": ("scmhost.cli.plugins.diff", "Say which organizations a changed file switches on and off."),
    "disable": ("scmhost.cli.plugins.disable", "Switch a plugin off in plugins.toml."),
    "doctor": ("scmhost.cli.plugins.doctor", "Look for whatever could be wrong, and say what to do."),
    "enable": ("scmhost.cli.plugins.enable", "Switch a plugin on in plugins.toml."),
    "list": ("scmhost.cli.plugins.list_plugins", "List every plugin with its state and the reason for it."),
    "show": ("scmhost.cli.plugins.show", "Show all that is known of one plugin."),
    "why": ("scmhost.cli.plugins.why", "Say whether a provider is on for an organization, and why."),
}


@click.group(name="plugins", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """See what plugins there are and in what state, and switch them on and off in plugins.toml."""
