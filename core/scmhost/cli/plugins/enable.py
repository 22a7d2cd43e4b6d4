"""``scmhost plugins enable``."""

from decimal import Decimal, InvalidOperation

import click

from scmhost.cli.context import CommandContext, database_options, fail, json_option, remark

from .editing import change, named_organizations


@click.command(name="enable")
@click.argument("name")
@click.option("--org", "organizations", multiple=True, metavar="SLUG", help="For this organization too; repeatable.")
@click.option("--percent", metavar="N", help="For this part of all organizations, 0 to 100, always the same ones.")
@click.option("--all", "everybody", is_flag=True, help="For every organization that no rule names.")
@database_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    name: str,
    organizations: tuple[str, ...],
    percent: str | None,
    everybody: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Switch a plugin on in plugins.toml. A running service takes that up without a restart.

    Alone it loads the plugin and ends a kill; for whom its providers are on is as the file says already. Comments and
    layout of the file stay.
    """
    from scmhost.plugins.config.editing import PluginEdit

    narrow = bool(organizations or percent or everybody)
    edit = PluginEdit(
        enabled=True,
        kill=None if narrow else False,
        default=True if everybody else None,
        percent=_percent(percent),
        allow=named_organizations(organizations),
    )
    after = change(context, (config, database_url), name, edit, as_json=as_json)
    table = after.of(name)
    if table.kill:
        remark(f"kill = true stands: {name} is still off for everyone; scmhost plugins enable {name} ends that")
    elif not (table.default or table.rollout or table.allow.organizations):
        remark("It is on for no organization yet, unless it needs no flag: add --org SLUG, --percent N or --all.")
    if not table.kill:
        _say_what_is_missing(context, (config, database_url), name)


def _say_what_is_missing(context: CommandContext, where: tuple[str | None, str | None], name: str) -> None:
    """What the list would say of the plugin now: what is written need not suffice to load it."""
    from scmhost.admin.show_plugins import find_plugin
    from scmhost.infra.errors import ScmhostError

    try:
        with context.open_host(*where, look=True) as host:
            report = find_plugin(host.services, name).report
    except ScmhostError as error:
        remark(f"Whether {name} can be loaded was not seen: {error}")
        return
    if report.state != "ready":
        remark(f"{name} is {report.state}: {report.reason}")
        remark(f"It is not loaded until that is mended; see scmhost plugins show {name}.")


def _percent(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        fail(f"--percent {text!r} is not a number; write 0 to 100, with up to three decimals", code=2)
