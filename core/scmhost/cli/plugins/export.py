"""``scmhost plugins export``."""

import json

import click

from scmhost.cli.context import CommandContext, say


@click.command(name="export")
@click.option("--to", "target", required=True, type=click.Choice(["flagd"]), help="The flag service to write for.")
@click.option("--config", metavar="FILE", help="The operator's switchboard (default: plugins.toml here).")
@click.pass_obj
def command(_context: CommandContext, *, target: str, config: str | None) -> None:
    """Print the rules of plugins.toml on organizations in another flag service's own form.

    The same organizations stay on: the bucket of each goes along in the context, and percentages compare it.
    """
    del target  # there is one so far
    from scmhost.plugins.configuration import read_configuration
    from scmhost.plugins.flagd_export import as_flagd

    say(json.dumps(as_flagd(read_configuration(config)), indent=2))
