"""``scmhost commits send``: send the history of a git repository."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from scmhost.checkout.git import GitCommit, list_shas, read_history

from .context import CommandContext, echo, echo_json, json_option, progress
from .targets import LocalTarget, ServerTarget, Target, TargetOptions, target_options

BATCH_SIZE: Final = 1_000
SHAS_PER_REQUEST: Final = 10_000
MAX_BATCH_CHARACTERS: Final = 2_000_000
"""Limit of a batch with long messages or file lists: at four bytes a character it fits the server's limit."""


@click.group(name="commits")
def commits() -> None:
    """Send the commits of a git repository."""


@commits.command(name="send")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--repository", required=True, metavar="NAME", help="The repository's name; an unknown one is created.")
@click.option(
    "--git",
    "path",
    default=".",
    type=click.Path(exists=True, path_type=Path),
    help="A checkout or a bare repository (default: this folder).",
)
@click.option("--range", "revisions", default="HEAD", show_default=True, metavar="A..B", help="The commits to send.")
@target_options("org:ci")
@json_option
@click.pass_obj
def send(
    context: CommandContext,
    *,
    org: str,
    repository: str,
    path: Path,
    revisions: str,
    where: TargetOptions,
    as_json: bool,
) -> None:
    """Send a git history in batches, with authors, messages and changed files.

    Only missing commits are sent: after an interruption, run the command again.
    """
    # git would take it for an option, such as --output=FILE.
    if revisions.startswith("-"):
        raise click.BadParameter(f"{revisions!r} is not a range of commits", param_hint="--range")
    with where.open(context, org, ServerTarget, LocalTarget) as target:
        total, new = send_history(target, repository, path, revisions)
    if as_json:
        echo_json({"repository": repository, "commits": total, "new": new})
    else:
        echo(f"{repository}: {total} commits, {new} new, {total - new} known before.")


def send_history(target: Target, repository: str, path: Path, revisions: str) -> tuple[int, int]:
    """Send the missing commits of a range; return the number of commits in it, and of new ones."""
    # The server is asked first: reading the history with its files takes much longer than listing it.
    shas = list_shas(path, revisions)
    missing: set[str] = set()
    for start in range(0, len(shas), SHAS_PER_REQUEST):
        missing |= target.missing(repository, shas[start : start + SHAS_PER_REQUEST])
    if not missing:
        return len(shas), 0
    new = 0
    with progress("sending commits", len(missing)) as advance:
        for batch in _commit_batches(commit for commit in read_history(path, revisions) if commit.sha in missing):
            new += target.send([commit.payload(repository) for commit in batch])
            advance(len(batch))
    return len(shas), new


def _commit_batches(history: Iterable[GitCommit]) -> Iterator[list[GitCommit]]:
    batch: list[GitCommit] = []
    size = 0
    for commit in history:
        # A single commit above the limit is sent alone.
        if batch and (len(batch) == BATCH_SIZE or size + commit.size > MAX_BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(commit)
        size += commit.size
    if batch:
        yield batch
