"""``scmhost commits``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import click

from .context import CommandContext, database_options, json_option, organization_named, say, say_json
from .git_history import GitCommit, list_shas, read_history
from .progress import progress
from .targets import LocalTarget, ServerTarget, Target, open_client

BATCH: Final = 1_000
ASK_AT_ONCE: Final = 10_000
MOST_CHARACTERS: Final = 2_000_000
"""Keeps a request below the server's limit, four bytes a character, where messages or lists of files are long."""


@click.group(name="commits")
def command() -> None:
    """Send the commits of a git repository."""


@command.command(name="send")
@click.option("--org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option("--repository", required=True, metavar="NAME", help="The repository's name; a new one appears unclaimed.")
@click.option(
    "--git", "path", default=".", type=click.Path(exists=True, path_type=Path), help="A checkout or a bare repository."
)
@click.option("--range", "wanted", default="HEAD", show_default=True, metavar="A..B", help="Which commits.")
@click.option("--url", metavar="URL", envvar="SCMHOST_URL", help="A server; without it, the local database is used.")
@click.option("--token", metavar="TOKEN", envvar="SCMHOST_AUTH_TOKEN", help="A token with org:ci.")
@database_options
@json_option
@click.pass_obj
def send(
    context: CommandContext,
    *,
    org: str,
    repository: str,
    path: Path,
    wanted: str,
    url: str | None,
    token: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Send a git history in batches, with authors, messages and changed files.

    Only what is missing is sent, so that an interrupted run goes on where it stopped.
    """
    if wanted.startswith("-"):
        raise click.BadParameter(f"{wanted!r} is not a range of commits", param_hint="--range")
    with _target(context, org, url, token, config, database_url) as target:
        total, new = send_history(target, repository, path, wanted)
    if as_json:
        say_json({"repository": repository, "commits": total, "new": new})
    else:
        say(f"{repository}: {total} commits, {new} new, {total - new} known before.")


def send_history(target: Target, repository: str, path: Path, wanted: str) -> tuple[int, int]:
    """Send what is missing of a range; gives how many commits it has and how many were new."""
    shas = list_shas(path, wanted)
    missing: set[str] = set()
    for some in _batches(iter(shas), ASK_AT_ONCE):
        missing |= target.missing(repository, some)
    if not missing:
        return len(shas), 0
    new = 0
    with progress("sending commits", len(missing)) as advance:
        wanted_commits = (commit for commit in read_history(path, wanted) if commit.sha in missing)
        for batch in _commit_batches(wanted_commits):
            new += target.send([commit.payload(repository) for commit in batch])
            advance(len(batch))
    return len(shas), new


def _batches(shas: Iterator[str], size: int) -> Iterator[Sequence[str]]:
    while batch := list(islice(shas, size)):
        yield batch


def _commit_batches(commits: Iterator[GitCommit]) -> Iterator[list[GitCommit]]:
    batch: list[GitCommit] = []
    size = 0
    for commit in commits:
        if batch and (len(batch) == BATCH or size + commit.size > MOST_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(commit)
        size += commit.size
    if batch:
        yield batch


@contextmanager
def _target(
    context: CommandContext,
    org: str,
    url: str | None,
    token: str | None,
    config: str | None,
    database_url: str | None,
) -> Iterator[Target]:
    if url:
        with open_client(url, token) as client:
            yield ServerTarget(client, org)
        return
    with context.open_host(config, database_url) as host:
        yield LocalTarget(host.services, organization_named(host.services, org))
