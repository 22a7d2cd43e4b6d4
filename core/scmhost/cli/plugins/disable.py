"""``scmhost plugins disable``."""

import click

from scmhost.cli.context import CommandContext, database_options, json_option

from .editing import change, named_organizations


@click.command(name="disable")
@click.argument("name")
@click.option("--org", "organizations", multiple=True, metavar="SLUG", help="For this organization only; repeatable.")
@click.option("--kill", is_flag=True, help="Off for everyone, but still loaded: quicker to take back.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    name: str,
    organizations: tuple[str, ...],
    kill: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Switch a plugin off in plugins.toml. A running service takes that up without a restart.

    Calls that are under way finish. What belongs to its providers stays, and says why it is idle.
    """
    from scmhost.plugins.config.editing import PluginEdit

    edit = PluginEdit(
        enabled=None if organizations or kill else False,
        kill=True if kill else None,
        deny=named_organizations(organizations),
    )
    change(context, (config, database_url), name, edit, as_json=as_json)
