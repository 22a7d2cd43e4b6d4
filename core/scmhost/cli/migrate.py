"""``scmhost migrate``."""

import click

from .context import CommandContext, database_options, say


@click.command(name="migrate")
@database_options
@click.pass_obj
def command(context: CommandContext, *, config: str | None, database_url: str | None) -> None:
    """Bring the database up to date. Safe to run again, and from several machines at once."""
    with context.open_host(config, database_url) as host:
        say(f"{host.services.store.url_without_password} is up to date.")
