"""``scmhost plugins list``."""

from collections.abc import Sequence

import click

from scmhost.cli.context import CommandContext, config_option, json_option, say, say_json

from .reading import Described, all_plugins, service_options
from .words import milliseconds, state_word, table, totals, wrapped

_WELL = frozenset({"ready"})


@click.command(name="list")
@config_option
@service_options
@json_option
@click.pass_obj
def command(context: CommandContext, *, config: str | None, url: str | None, token: str | None, as_json: bool) -> None:
    """List every plugin that is installed or named, with its state and the reason for it.

    With --url a service is asked, which has counted the calls of its plugins.
    """
    plugins = all_plugins(context, config, url, token)
    if as_json:
        say_json(plugins)
    elif plugins:
        _say_table(plugins, counted=bool(url))
    else:
        say("No plugin is installed. Install one, for example: pip install scmhost-custom-scm")


def _say_table(plugins: Sequence[Described], *, counted: bool) -> None:
    head = ["STATE", "PLUGIN", "VERSION", "PROVIDERS", *(["CALLS", "FAULTS", "REFUSALS", "SLOWEST"] if counted else [])]
    rows = [_row(plugin, counted=counted) for plugin in plugins]
    first, *lines = table(head, rows, numbers=4 if counted else 0)
    say(first)
    for plugin, line in zip(plugins, lines, strict=True):
        state = plugin["state"]
        say(state_word(state) + line[len(state) :])
        if state not in _WELL:
            say(wrapped(plugin["reason"], "    "))
        for note in plugin["notes"]:
            say(wrapped(f"note: {note}", "    "))


def _row(plugin: Described, *, counted: bool) -> list[str]:
    row = [plugin["state"], plugin["name"], plugin["version"] or "-", ", ".join(plugin["providers"]) or "-"]
    if not counted:
        return row
    *numbers, slowest = totals(plugin)
    return [*row, *map(str, numbers), milliseconds(slowest)]
