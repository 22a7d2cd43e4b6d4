"""``scmhost commits send``: send the history of a git repository."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from scmhost.checkout.git import GitCommit, list_shas, read_history

from .context import CommandContext, database_options, echo, echo_json, json_option, organization_named, progress
from .targets import LocalTarget, ServerClient, ServerTarget, Target

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
@click.option("--url", metavar="URL", envvar="SCMHOST_URL", help="A server (default: the local database).")
@click.option("--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="A token for --url, with org:ci.")
@database_options
@json_option
@click.pass_obj
def send(
    context: CommandContext,
    *,
    org: str,
    repository: str,
    path: Path,
    revisions: str,
    url: str | None,
    token: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Send a git history in batches, with authors, messages and changed files.

    Only missing commits are sent: after an interruption, run the command again.
    """
    # git would take it for an option, such as --output=FILE.
    if revisions.startswith("-"):
        raise click.BadParameter(f"{revisions!r} is not a range of commits", param_hint="--range")
    with _open_target(context, org, url, token, config, database_url) as target:
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


@contextmanager
def _open_target(
    context: CommandContext,
    org: str,
    url: str | None,
    token: str | None,
    config: str | None,
    database_url: str | None,
) -> Iterator[Target]:
    # With a server no database is opened, so that a CI job does not need the server extra.
    if url:
        yield ServerTarget(ServerClient.open(url, token), org)
        return
    with context.open_host(config, database_url) as host:
        yield LocalTarget(host.services, organization_named(host.services, org))
