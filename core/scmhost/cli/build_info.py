"""``scmhost build-info``: write where the code of a build is from, for links in the errors of the program."""

import json
from pathlib import Path

import click

from scmhost.checkout.git import GitError
from scmhost.integrations.build_info import FILE_NAME, BuildInfo

from .context import EXIT_FAILED, echo, fail


@click.command(name="build-info")
@click.option(
    "--output",
    default=FILE_NAME,
    show_default=True,
    metavar="FILE",
    help="The file to write; - prints it. Put it into the working directory of the program.",
)
@click.option(
    "--root", default="", metavar="DIR", help="The folder of the running program that is the checkout's root."
)
def write_build_info(*, output: str, root: str) -> None:
    """Write the repository's URL and the commit of the working directory's checkout to a file.

    scmhost.integrations reads it when the program runs, without git and without a network. Passwords and tokens in the
    URL are left out.
    """
    from scmhost.checkout.worktree import read_checkout
    from scmhost.sdk import UrlError, read_remote

    try:
        checkout = read_checkout()
        if checkout.remote is None:
            fail("this checkout has no remote, so that links to it are not possible", EXIT_FAILED)
        remote = read_remote(checkout.remote)
    except (GitError, UrlError) as error:
        fail(str(error), EXIT_FAILED)
    if remote.web_url is None:
        fail("the checkout's remote is not on a code host", EXIT_FAILED)
    info = BuildInfo(remote.web_url, checkout.head or checkout.commit, root)
    text = json.dumps(info._asdict(), indent=2)
    if output == "-":
        echo(text)
        return
    Path(output).write_text(f"{text}\n", encoding="utf-8")
    echo(f"Wrote {output}: {info.repository} at {info.revision}.")
