"""The ``scmhost`` command: its groups import a command only when it is used."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click

from scmhost import __version__
from scmhost.infra.errors import ScmhostError

from .context import EXIT_CONFIGURATION, EXIT_FAILED, EXIT_USAGE, CommandContext, Opener, SuggestingGroup, echo, fail

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from scmhost.sdk import Command

# Name: ("module:attribute" of the command, its summary).
Commands = Mapping[str, tuple[str, str]]

# Packages that only the extra for agents installs, on its own.
MCP_PACKAGES: Final = frozenset({"httpx2", "mcp", "mcp_types"})

# Packages of links of stored frames. The extra for DuckDB installs both, and a command needs both.
BULK_PACKAGES: Final = frozenset({"duckdb", "pyarrow"})

# Packages that only the server extra installs.
SERVER_PACKAGES: Final = frozenset(
    {
        "alembic",
        "cachetools",
        "cryptography",
        "fastapi",
        "httptools",
        "itsdangerous",
        "jinja2",
        "limits",
        "msgspec",
        "prometheus_client",
        "psycopg",
        "re2",
        "sqlalchemy",
        "starlette",
        "structlog",
        "uvicorn",
        "uvloop",
    }
)

COMMANDS: Final = {
    "audit": ("scmhost.cli.admin:audit", "Show who changed what in an organization or in plugins.toml."),
    "backup": ("scmhost.cli.db:backup", "Write a copy of the database to a file."),
    "bootstrap": ("scmhost.cli.admin:bootstrap", "Create an organization, a project, repositories and a token."),
    "build-info": (
        "scmhost.cli.releases:write_build_info",
        "Write where a build is from, for links in its errors.",
    ),
    "channel": ("scmhost.cli.redirects:channel", "Show links to the source in other tools, such as Sentry."),
    "commits": ("scmhost.cli.releases:commits", "Send the commits of a git repository."),
    "completion": ("scmhost.cli.main:completion", "Print the script that completes commands in a shell."),
    "db": ("scmhost.cli.db:database", "Show which versions can serve the database, and split its tables."),
    "demo": ("scmhost.cli.demo:demo", "Show the main features of the service, with temporary data."),
    "derive": ("scmhost.cli.mapping_tools:derive", "Infer code mappings from frames and file lists."),
    "export-links": ("scmhost.cli.bulk:export_links", "Write a snapshot for links of stored frames."),
    "frames": ("scmhost.cli.link:frames", "Print the frames of stack traces."),
    "installations": (
        "scmhost.cli.installations:installations",
        "Install providers for an organization, and remove them.",
    ),
    "link": ("scmhost.cli.link:link", "Print a stack trace, or any text, with links to the source."),
    "mappings": ("scmhost.cli.repositories:mappings", "Map folders of stack traces to folders of repositories."),
    "map": ("scmhost.cli.mapping_tools:map_frames", "Map stack frames to paths in a repository."),
    "mcp": ("scmhost.cli.mcp:mcp", "Serve links to agents, over the Model Context Protocol."),
    "migrate": ("scmhost.cli.admin:migrate", "Update the database schema."),
    "owners": ("scmhost.cli.owners:owners", "Print the owners of files, from CODEOWNERS."),
    "organizations": ("scmhost.cli.organizations:organizations", "List, add, remove, export and import organizations."),
    "people": ("scmhost.cli.people:people", "Invite people to the pages, and change what they may do."),
    "plugin": ("scmhost.cli.plugin:command", "Write a plugin, or check one."),
    "plugins": ("scmhost.cli.plugins:plugins", "List plugins, find problems, and enable or disable plugins."),
    "projects": ("scmhost.cli.organizations:projects", "List, add and remove projects of an organization."),
    "read-url": ("scmhost.cli.url_tools:read_urls", "Find the repository, ref and path of page URLs."),
    "redirects": ("scmhost.cli.redirects:redirects", "Add, list and remove keys of redirects for other tools."),
    "relink": ("scmhost.cli.bulk:relink", "Add links to the frames of a Parquet file."),
    "releases": ("scmhost.cli.releases:releases", "List, add, deploy and remove releases."),
    "remote": ("scmhost.cli.url_tools:remotes", "Parse remote URLs of repositories."),
    "repositories": ("scmhost.cli.repositories:repositories", "List, add, claim and remove repositories."),
    "restore": ("scmhost.cli.db:restore", "Restore the database from a backup."),
    "roots": ("scmhost.cli.mapping_tools:roots", "Infer the roots of a code mapping from a frame and its file."),
    "run": ("scmhost.cli.run:run", "Run a command, and add links to its output."),
    "secrets": ("scmhost.cli.admin:secrets", "Make keys for the secrets of installations, and change the key."),
    "serve": ("scmhost.cli.serve:serve", "Run the service."),
    "suspects": ("scmhost.cli.suspects:suspects", "Find the commits that may have introduced an error."),
    "token": ("scmhost.cli.admin:token", "Create, list and revoke access tokens."),
    "url": ("scmhost.cli.url_tools:urls", "Build URLs of pages on code hosts."),
    "webhooks": (
        "scmhost.cli.installations:webhooks",
        "Create secrets of webhooks, list webhooks and deliveries, and register again.",
    ),
}

EPILOG: Final = """
\b
Begin with:
  scmhost run -- pytest                       link errors to this checkout
  scmhost demo                                see what the service does
  scmhost bootstrap --org acme --project web  create an organization and a token
  scmhost serve                               serve the pages and the API on port 8000

\b
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 wrong configuration, 4 address not available.
"""


class LazyGroup(SuggestingGroup):
    """A group whose commands are listed in ``lazy``: ``@click.group(cls=LazyGroup, lazy=COMMANDS)``."""

    def __init__(self, *args: Any, lazy: Commands, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(self.lazy)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete the name of a command, without importing any."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem

        listed = sorted(self.lazy.items())
        return [CompletionItem(name, help=summary) for name, (_, summary) in listed if name.startswith(incomplete)]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(self.lazy.items())])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. If it needs an extra that is not installed, exit with a message."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            command = f"{ctx.command_path} {ctx.invoked_subcommand}"
            if package in MCP_PACKAGES:
                fail(f'{command} needs the package mcp: pip install "scmhost[mcp]"', EXIT_USAGE)
            if package in BULK_PACKAGES:
                fail(f'{command} needs the package {package}: pip install "scmhost[duckdb]"', EXIT_USAGE)
            if package not in SERVER_PACKAGES:
                raise
            fail(f'{command} needs the server: pip install "scmhost[server]"', EXIT_USAGE)


class ScmhostGroup(LazyGroup):
    """The commands of scmhost, and those that plugins add."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._plugin_command(ctx, cmd_name)

    @staticmethod
    def _plugin_command(ctx: click.Context, name: str) -> click.Command | None:
        # Loading plugins is slow, so it is left to names that are not ours. A host, and so a plugin's command, needs
        # the server extra; without it an unknown name is a typo.
        if name.startswith("-") or not isinstance(ctx.obj, CommandContext) or find_spec("sqlalchemy") is None:
            return None
        with ctx.obj.open_host(inspect_only=True) as host:
            commands = {command.name: command for command in host.services.plugins.commands()}
        return _as_click(commands[name]) if name in commands else None


@click.group(cls=ScmhostGroup, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scmhost", message="%(prog)s %(version)s")
def group() -> None:
    """Link errors to source code, on any code host.

    In a checkout, `scmhost link` needs no configuration. The service stores commits, repositories, releases and code
    mappings, and links errors of all your projects.
    """


def run(open_host: Opener, arguments: Sequence[str]) -> None:
    """Run a command line. An error of scmhost becomes a message and an exit code."""
    # click itself handles wrong usage, with exit code 2.
    try:
        group.main(list(arguments), prog_name="scmhost", obj=CommandContext(open_host))
    except ScmhostError as error:
        fail(str(error), _exit_code(error))
    except BrokenPipeError:
        # The reader of a pipe, such as head, may stop early.
        # Otherwise the interpreter reports at its end that it cannot flush standard output.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)


def _as_click(command: "Command") -> click.Command:
    @click.command(name=command.name, help=command.summary, context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def call(words: tuple[str, ...]) -> None:
        sys.exit(command.run(list(words)))

    return call


def _exit_code(error: ScmhostError) -> int:
    # The package may need the server extra, and a ConfigError can only come from a loaded package.
    plugins = sys.modules.get("scmhost.plugins")
    return EXIT_CONFIGURATION if plugins and isinstance(error, plugins.ConfigError) else EXIT_FAILED


VARIABLE = "_SCMHOST_COMPLETE"
"""The variable by which the script of a shell asks for completions."""


@click.command(name="completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands in SHELL. Put one line into its start-up file.

    \b
      bash:  eval "$(scmhost completion bash)"
      zsh:   eval "$(scmhost completion zsh)"
      fish:  scmhost completion fish | source
    """  # noqa: D301 - click needs the control character
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    echo(kind(context.find_root().command, {}, "scmhost", VARIABLE).source())
