"""``scmhost plugin``: write and check a plugin. Also runs the commands that plugins add to ``scmhost``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scmhost.infra.errors import ScmhostError

from .context import CommandContext, fail, json_option, remark, say

if TYPE_CHECKING:
    from scmhost.sdk import Command

# The packages of the extra "testing".
_TESTING: Final = ("pytest", "hypothesis")


@click.group(name="plugin")
def command() -> None:
    """Write a plugin, and check that it keeps the contract."""


@command.command(name="new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), metavar="FOLDER", help="The folder (default: scmhost-NAME).")
def new(name: str, into: Path | None) -> None:
    """Write the distribution of a new plugin into a new or empty folder.

    NAME is the name of the code host, such as gitbox. The plugin works and its tests pass at once. The word YOURS
    marks what you have to decide.
    """
    from .scaffolding import Names, write_plugin

    try:
        names = Names.of(name)
        folder = into or Path(names.distribution)
        files = write_plugin(names, folder)
    except ScmhostError as error:
        fail(str(error))
    for path in files:
        say(f"wrote {path}")
    remark(
        f"\n{names.distribution} works, for a code host that does not exist. Next:\n"
        f"  cd {folder}\n"
        "  python -m pip install --editable '.[test]'\n"
        "  pytest\n"
        "  grep -rn YOURS .    the decisions that are left to you"
    )


@command.command(name="check")
@click.argument("plugin")
@click.option(
    "--samples", type=click.Path(path_type=Path), metavar="FILE", help="TOML: settings, form, repository, ..."
)
@click.option("--check", "names", multiple=True, metavar="NAME", help="Run only this check; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print only the table of capabilities, for a README.")
@json_option
def check(plugin: str, samples: Path | None, names: tuple[str, ...], *, markdown: bool, as_json: bool) -> None:
    """Validate an installed PLUGIN as the host does, then run every conformance check on it.

    PLUGIN is the name of its distribution or of its entry point. The checks work offline: connections beyond this
    machine are refused. A server on 127.0.0.1 that FILE names gets thousands of requests. FILE has the values that
    need to be realistic: the tables settings (such as a required token), form, installation and repository, the keys
    provider and hosts, and a table push with body, headers and secret.
    """
    try:
        from .plugin_check import CheckOptions, check_plugin
    except ModuleNotFoundError as error:
        if error.name not in _TESTING:
            raise
        fail(str(error))
    check_plugin(CheckOptions(plugin, samples, names, as_json=as_json, markdown=markdown))


def plugin_command(context: CommandContext, name: str) -> click.Command | None:
    """Return the command with this name that a plugin adds to ``scmhost``, if there is one."""
    with context.open_host() as host:
        commands = {command.name: command for command in host.services.plugins.commands()}
    return _as_click(commands[name]) if name in commands else None


def _as_click(command: "Command") -> click.Command:
    run: Callable[[list[str]], int] = command.run

    @click.command(name=command.name, help=command.summary, context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def call(words: tuple[str, ...]) -> None:
        sys.exit(run(list(words)))

    return call
