"""``scmhost plugins why``."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from scmhost.cli.context import CommandContext, database_options, fail, json_option, organization_named, say, say_json

if TYPE_CHECKING:
    from scmhost.plugins import PluginHost, Step


@click.command(name="why")
@click.argument("provider")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext, *, provider: str, org: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Say whether PROVIDER is on for an organization, by which rule, and where that rule is written.

    All rules are told in the order in which they are tried: the first that applies decides.
    """
    from scmhost.services import check_database

    with context.open_host(config, database_url, look=True) as host:
        plugins = host.services.plugins
        _check_name(provider, plugins)
        check_database(host.services)
        organization = organization_named(host.services, org)
        switch, steps = plugins.decide(provider, organization), plugins.trace(provider, organization)
    if as_json:
        say_json({"provider": provider, **asdict(switch), "steps": [asdict(step) for step in steps]})
        return
    say(f"{provider} is {'on' if switch.on else 'off'} for {org}: {switch.reason} ({switch.source})")
    for number, step in enumerate(steps, start=1):
        say(f"  {number}. {step.rule:<12} {_told(step)}{f' ({step.source})' if step.source else ''}")


def _check_name(provider: str, plugins: "PluginHost") -> None:
    from scmhost.plugins.errors import did_you_mean

    offered = {key for report in plugins.plugins for key in report.providers}
    known = {*offered, *(report.name for report in plugins.plugins)}
    if provider not in known:
        fail(f"no plugin, and no provider of one, is named {provider!r}; {did_you_mean(provider, known)}")


def _told(step: "Step") -> str:
    if step.outcome == "decides":
        return f"decides: {'on' if step.on else 'off'}, {step.explanation}"
    return f"passes: {step.explanation}" if step.outcome == "passes" else "is not reached"
