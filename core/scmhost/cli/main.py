"""The ``scmhost`` command: subcommands are imported when they are used, not before."""

import sys
from collections.abc import Sequence
from typing import Final

import click

from scmhost import __version__
from scmhost.infra.errors import ScmhostError

from .context import EXIT_CONFIGURATION, EXIT_FAILED, CommandContext, Opener, fail
from .lazy_group import LazyGroup

# name: (module, what it does in a line)
COMMANDS: Final = {
    "audit": ("scmhost.cli.audit", "Say who changed what."),
    "bootstrap": ("scmhost.cli.bootstrap", "Set up an organization, a project, repositories and a token."),
    "commits": ("scmhost.cli.commits", "Send the commits of a git repository."),
    "demo": ("scmhost.cli.demo", "See the main job done, on a throw-away database."),
    "derive": ("scmhost.cli.derive", "Tell code mappings from frames and lists of files."),
    "frames": ("scmhost.cli.frames", "Print the frames of stack traces."),
    "link": ("scmhost.cli.link", "Print a stack trace with links to its source."),
    "map": ("scmhost.cli.map", "Map stack frames to paths in a repository."),
    "migrate": ("scmhost.cli.migrate", "Bring the database up to date."),
    "plugin": ("scmhost.cli.plugin", "Write a plugin, and check it."),
    "plugins": ("scmhost.cli.plugins", "See what plugins there are and in what state, and switch them."),
    "read-url": ("scmhost.cli.read_url", "Find the places that URLs of pages mean."),
    "remote": ("scmhost.cli.remote", "Take remotes of repositories apart."),
    "roots": ("scmhost.cli.roots", "Tell the roots of a code mapping from a frame and its file."),
    "serve": ("scmhost.cli.serve", "Run the service."),
    "token": ("scmhost.cli.token", "Create, list and revoke access tokens."),
    "url": ("scmhost.cli.url", "Make URLs of pages on code hosts."),
}

EPILOG: Final = """
\b
Begin with:
  pytest 2>&1 | scmhost link                    links to this checkout's source, nothing to set up
  scmhost demo                                  the service's main job, nothing to set up either
  scmhost bootstrap --org acme --project web    an organization and a token
  scmhost serve                                 the API on http://127.0.0.1:8000

\b
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 wrong configuration.
"""


class ScmhostGroup(LazyGroup):
    """Our own commands, and those that plugins add."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._of_plugin(ctx, cmd_name)

    @staticmethod
    def _of_plugin(ctx: click.Context, name: str) -> click.Command | None:
        """A command that a plugin adds. Plugins are opened only for a name that is not ours."""
        if name.startswith("-") or not isinstance(ctx.obj, CommandContext):
            return None
        from .plugin import plugin_command

        return plugin_command(ctx.obj, name)


@click.group(cls=ScmhostGroup, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scmhost", message="%(prog)s %(version)s")
def group() -> None:
    """Links errors to source code, on any code host.

    Send commits, claim the repositories they are of, map stack roots to source roots, and get links from stack
    frames to the exact line of the exact commit.
    """


def run(open_host: Opener, arguments: Sequence[str]) -> None:
    """Run a command line. What scmhost raises on purpose becomes a sentence and an exit code."""
    try:
        group.main(list(arguments), prog_name="scmhost", obj=CommandContext(open_host))
    except ScmhostError as error:
        fail(str(error), _exit_code(error))
    except BrokenPipeError:
        # Whoever read our answer has read enough.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)


def _exit_code(error: ScmhostError) -> int:
    from scmhost.plugins import ConfigError

    return EXIT_CONFIGURATION if isinstance(error, ConfigError) else EXIT_FAILED
