"""``scmhost plugin``: for whoever writes one."""

from pathlib import Path

import click

from .context import json_option, remark, say


@click.group(name="plugin")
def command() -> None:
    """Write a plugin, and check that it keeps the laws of the contract."""


@command.command(name="new")
@click.argument("name")
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="FOLDER", help="Where to (default: scmhost-NAME here)."
)
def new(name: str, into: Path | None) -> None:
    """Write the distribution of a new plugin into a new or empty folder.

    NAME is the code host's, such as gitbox. The plugin works and its tests pass at once; the word YOURS marks what
    is left to decide.
    """
    from .scaffolding import Names, write_plugin

    names = Names.of(name)
    folder = into or Path(names.distribution)
    files = write_plugin(names, folder)
    for path in files:
        say(f"wrote {path}")
    remark(
        f"\n{names.distribution} works, for a code host that does not exist. Next:\n"
        f"  cd {folder}\n"
        "  python -m pip install --editable '.[test]'\n"
        "  pytest\n"
        "  grep -rn YOURS .    what is left to decide"
    )


@command.command(name="check")
@click.argument("plugin")
@click.option(
    "--samples", type=click.Path(path_type=Path), metavar="FILE", help="TOML: settings, form, repository, ..."
)
@click.option("--law", "named", multiple=True, metavar="LAW", help="Ask about this law alone; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print only the table of capabilities, for a README.")
@json_option
def check(plugin: str, samples: Path | None, named: tuple[str, ...], *, markdown: bool, as_json: bool) -> None:
    """Admit an installed PLUGIN as the host would, and ask it about every law of the contract.

    PLUGIN is the name of its distribution or of its entry point. Nothing beyond this machine is asked: connections
    elsewhere are refused, as if there were no network. A server on 127.0.0.1 that FILE names is asked, thousands of
    times. FILE gives what cannot be made up: the tables settings (such as a required token), form, installation and
    repository, the keys provider and hosts, and a table push with body, headers and secret.
    """
    from .plugin_check import Wanted, check_plugin

    check_plugin(Wanted(plugin, samples, named, as_json=as_json, markdown=markdown))
