"""``scmhost completion``: complete commands and options in a shell."""

import click
from click.shell_completion import get_completion_class

from .context import echo

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
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    echo(kind(context.find_root().command, {}, "scmhost", VARIABLE).source())
