"""``scmhost plugins show``."""

import json
from collections.abc import Iterator

import click

from scmhost.cli.context import CommandContext, config_option, json_option, remark, say, say_json
from scmhost.infra.errors import NotFound

from .reading import Described, all_plugins, service_options
from .words import milliseconds, origin, state_word, table, wrapped

_HOOK_HEAD = ("HOOK", "CALLS", "FAULTS", "REFUSALS", "SLOWEST")


@click.command(name="show")
@click.argument("name")
@config_option
@service_options
@json_option
@click.pass_obj
def command(
    context: CommandContext, *, name: str, config: str | None, url: str | None, token: str | None, as_json: bool
) -> None:
    """Show all that is known of the plugin NAME: state, settings without secrets, hooks and their calls.

    A plugin that is off or broken is shown from its metadata; nothing of it is imported for this.
    """
    plugin = _named(name, all_plugins(context, config, url, token))
    if as_json:
        say_json(plugin)
        return
    say(f"{plugin['name']}  {state_word(plugin['state'])}")
    say(wrapped(plugin["reason"], "    "))
    for line in _lines(plugin):
        say(line)
    if not url and plugin["hooks"]:
        remark("These calls are of this command, which only loaded the plugin; --url asks a service for its own.")


def _named(name: str, plugins: list[Described]) -> Described:
    from scmhost.plugins.errors import did_you_mean

    found = {plugin["name"]: plugin for plugin in plugins}
    if name not in found:
        raise NotFound(f"no plugin {name!r} is installed or named; {did_you_mean(name, found)}")
    return found[name]


def _lines(plugin: Described) -> Iterator[str]:
    yield ""
    facts = {
        "distribution": origin(plugin),
        "API range": plugin["apiRange"] or "not stated",
        "providers": ", ".join(plugin["providers"]) or "-",
        "features": ", ".join(plugin["features"]) or "-",
        "import": milliseconds(plugin["importMs"]),
    }
    for name, value in facts.items():
        yield f"{name:<14}{value}"
    for note in plugin["notes"]:
        yield wrapped(f"note: {note}", "")
    yield from _settings(plugin)
    if plugin["hooks"]:
        yield ""
        yield from table(_HOOK_HEAD, [_hook(hook) for hook in plugin["hooks"]], numbers=4)


def _settings(plugin: Described) -> Iterator[str]:
    if plugin["settings"]:
        yield ""
        rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in plugin["settings"].items()]
        yield from table(("SETTING", "VALUE"), rows)


def _hook(hook: Described) -> tuple[str, ...]:
    numbers = (str(hook[name]) for name in ("calls", "faults", "refusals"))
    return hook["name"], *numbers, milliseconds(hook["slowestMs"])
