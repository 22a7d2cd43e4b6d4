"""``scmhost plugins list``, ``show`` and ``why``."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import click

from scmhost.cli.context import (
    CommandContext,
    config_option,
    database_options,
    echo,
    echo_error,
    echo_json,
    fail,
    json_option,
    organization_named,
    table,
    wrapped,
)

if TYPE_CHECKING:
    from scmhost.plugins import PluginHost, Step

F = TypeVar("F", bound=Callable[..., Any])
PluginRecord: TypeAlias = dict[str, Any]
"""A plugin as the API returns it."""

_COLOURS: Final = {"ready": "green", "suspended": "yellow", "broken": "red", "incompatible": "red"}
_COUNTS: Final = ("CALLS", "FAULTS", "REFUSALS", "SLOWEST")


def service_options(command: F) -> F:
    """Add the options of commands that can read a running service."""
    command = click.option(
        "--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="An operator's token with org:admin, for --url."
    )(command)
    return click.option("--url", metavar="URL", help="Read a running service, which has counted its plugins' calls.")(
        command
    )


@click.command(name="list")
@config_option
@service_options
@json_option
@click.pass_obj
def list_plugins(
    context: CommandContext, *, config: str | None, url: str | None, token: str | None, as_json: bool
) -> None:
    """List every plugin that is installed or configured, with its state and the reason for it.

    With --url the list comes from a running service, with the calls of each plugin.
    """
    plugins = _read_plugins(context, config, url, token)
    if as_json:
        echo_json(plugins)
    elif plugins:
        _print_list(plugins, with_counts=bool(url))
    else:
        echo("No plugin is installed. Install one, for example: pip install scmhost-custom-scm")


def _read_plugins(
    context: CommandContext, config: str | None, url: str | None, token: str | None
) -> list[PluginRecord]:
    """Return every plugin that is installed or configured. No database is opened."""
    if url:
        from scmhost.cli.targets import ServerClient

        listed: list[PluginRecord] = ServerClient.open(url, token).get("/api/0/plugins/")
        return listed
    from scmhost.admin.status import list_plugins, plugin_record

    with context.open_host(config, inspect_only=True) as host:
        return [plugin_record(plugin) for plugin in list_plugins(host.services)]


def _print_list(plugins: Sequence[PluginRecord], *, with_counts: bool) -> None:
    head = ["STATE", "PLUGIN", "VERSION", "PROVIDERS", *(_COUNTS if with_counts else ())]
    rows = [_list_row(plugin, with_counts=with_counts) for plugin in plugins]
    # The colour is added afterwards: its escape sequence would count as columns.
    first, *lines = table(head, rows, numbers=len(_COUNTS) if with_counts else 0)
    echo(first)
    for plugin, line in zip(plugins, lines, strict=True):
        state = plugin["state"]
        _echo_state(state, line[len(state) :])
        if state != "ready":
            echo(wrapped(plugin["reason"], "    "))
        for note in plugin["notes"]:
            echo(wrapped(f"note: {note}", "    "))


def _list_row(plugin: PluginRecord, *, with_counts: bool) -> list[str]:
    row = [plugin["state"], plugin["name"], plugin["version"] or "-", ", ".join(plugin["providers"]) or "-"]
    if not with_counts:
        return row
    hooks = plugin["hooks"]
    sums = (str(sum(hook[name] for hook in hooks)) for name in ("calls", "faults", "refusals"))
    return [*row, *sums, _milliseconds(max((hook["slowestMs"] for hook in hooks), default=0.0))]


@click.command(name="show")
@click.argument("name")
@config_option
@service_options
@json_option
@click.pass_obj
def show(
    context: CommandContext, *, name: str, config: str | None, url: str | None, token: str | None, as_json: bool
) -> None:
    """Show the plugin NAME: state, settings without secrets, hooks and their calls.

    For a plugin that is off or broken the details come from its metadata; its code is not imported.
    """
    from scmhost.infra.errors import NotFound

    by_name = {plugin["name"]: plugin for plugin in _read_plugins(context, config, url, token)}
    if name not in by_name:
        from scmhost.sdk.validation import did_you_mean

        raise NotFound(f"no plugin {name!r} is installed or named; {did_you_mean(name, by_name)}")
    plugin = by_name[name]
    if as_json:
        echo_json(plugin)
        return
    _echo_state(plugin["state"], before=f"{plugin['name']}  ")
    echo(wrapped(plugin["reason"], "    "))
    for line in _details(plugin):
        echo(line)
    # Without a service the numbers are nearly zero, and would be mistaken for those of production.
    if not url and plugin["hooks"]:
        echo_error("The calls are those of this command, which only loaded the plugin. Use --url to read a service.")


def _details(plugin: PluginRecord) -> Iterator[str]:
    distribution = f"{plugin['distribution']} {plugin['version']}" if plugin["distribution"] else "not installed"
    facts = {
        "distribution": distribution,
        "API range": plugin["apiRange"] or "not stated",
        "providers": ", ".join(plugin["providers"]) or "-",
        "features": ", ".join(plugin["features"]) or "-",
        "import": _milliseconds(plugin["importMs"]),
    }
    yield ""
    for name, value in facts.items():
        yield f"{name:<14}{value}"
    for note in plugin["notes"]:
        yield wrapped(f"note: {note}", "")
    if plugin["settings"]:
        yield ""
        settings = [(name, json.dumps(value, ensure_ascii=False)) for name, value in plugin["settings"].items()]
        yield from table(("SETTING", "VALUE"), settings)
    if plugin["hooks"]:
        yield ""
        yield from table(("HOOK", *_COUNTS), [_hook_row(hook) for hook in plugin["hooks"]], numbers=len(_COUNTS))


def _hook_row(hook: Mapping[str, Any]) -> list[str]:
    counts = (str(hook[name]) for name in ("calls", "faults", "refusals"))
    return [hook["name"], *counts, _milliseconds(hook["slowestMs"])]


@click.command(name="why")
@click.argument("provider")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@database_options
@json_option
@click.pass_obj
def why(
    context: CommandContext, *, provider: str, org: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Explain why PROVIDER is on or off for an organization: the rule, with its file and line.

    The rules are listed in the order in which they are tried; the first that applies decides.
    """
    from scmhost.services import check_database

    with context.open_host(config, database_url, inspect_only=True) as host:
        plugins = host.services.plugins
        _check_provider(provider, plugins)
        check_database(host.services)
        organization = organization_named(host.services, org)
        switch, steps = plugins.decide(provider, organization), plugins.trace(provider, organization)
    if as_json:
        echo_json({"provider": provider, **asdict(switch), "steps": [asdict(step) for step in steps]})
        return
    echo(f"{provider} is {'on' if switch.on else 'off'} for {org}: {switch.reason} ({switch.source})")
    for number, step in enumerate(steps, start=1):
        echo(f"  {number}. {step.rule:<12} {_outcome(step)}{f' ({step.source})' if step.source else ''}")


def _check_provider(provider: str, plugins: "PluginHost") -> None:
    from scmhost.sdk.validation import did_you_mean

    offered = {key for report in plugins.plugins for key in report.providers}
    known = {*offered, *(report.name for report in plugins.plugins)}
    if provider not in known:
        fail(f"no plugin, and no provider of one, is named {provider!r}; {did_you_mean(provider, known)}")


def _outcome(step: "Step") -> str:
    if step.outcome == "decides":
        return f"decides: {'on' if step.on else 'off'}, {step.explanation}"
    return f"passes: {step.explanation}" if step.outcome == "passes" else "is not reached"


def _echo_state(state: str, rest: str = "", *, before: str = "") -> None:
    """Print a state in its colour, which ``click.echo`` removes outside a terminal, with plain text around it."""
    from scmhost.checkout.formats import printable

    styled = click.style(printable(state), fg=_COLOURS.get(state, "bright_black"))
    echo(printable(before) + styled + printable(rest), has_colours=True)


def _milliseconds(value: float | None) -> str:
    if not value:
        return "-"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms" if value >= 0.1 else "<0.1 ms"  # noqa: PLR2004
