"""``scmhost plugins list``."""

from typing import TYPE_CHECKING

import click

from scmhost.cli.context import CommandContext, database_options, json_option, say, say_json

if TYPE_CHECKING:
    from scmhost.host import PluginReport


@click.command(name="list")
@database_options
@json_option
@click.pass_obj
def command(context: CommandContext, *, config: str | None, database_url: str | None, as_json: bool) -> None:
    """List every plugin that is installed or named, with its state and the reason for it."""
    from dataclasses import asdict

    with context.open_host(config, database_url) as host:
        reports = host.services.plugins.plugins
    if as_json:
        say_json([asdict(report) for report in reports])
        return
    if not reports:
        say("No plugin is installed. Install one, for example: pip install scmhost-custom-scm")
    for report in reports:
        say(f"{report.state:<13}{report.name}  {_origin(report)}")
        if report.reason:
            say(f"{'':<13}{report.reason}")
        if report.providers:
            say(f"{'':<13}providers: {', '.join(report.providers)}; features: {', '.join(report.features)}")
        for note in report.notes:
            say(f"{'':<13}note: {note}")


def _origin(report: "PluginReport") -> str:
    return f"{report.distribution} {report.version}" if report.distribution else "(not installed)"
