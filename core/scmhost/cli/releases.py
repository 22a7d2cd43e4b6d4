"""``scmhost releases``, ``commits send`` and ``build-info``: what was built from which commits, and where it runs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from scmhost.checkout.git import GitCommit, GitError, list_shas, read_history
from scmhost.integrations.build_info import FILE_NAME, BuildInfo

from .api_client import OrganizationApi
from .context import EXIT_FAILED, CommandContext, SuggestingGroup, echo, echo_json, fail, json_option, progress
from .resources import Resource, ResourceGroup
from .targets import LocalTarget, ServerTarget, Target, TargetOptions, target_options

RELEASES: Final = Resource(
    noun="release",
    path="releases/",
    label="version",
    columns={
        "VERSION": "version",
        "PROJECTS": "projects.slug",
        "COMMITS": "commitCount",
        "DEPLOYS": "deployCount",
        "RELEASED": "dateReleased",
    },
    details={"STATUS": "status", "LAST COMMIT": "lastCommit.id", "REF": "ref", "URL": "url", "SINCE": "dateCreated"},
    key="version",
)

releases: Final = ResourceGroup("releases", "List, add, deploy and remove releases of an organization.", RELEASES)


@releases.verb("list", "project:read", writes=False)
@click.option("--project", metavar="SLUG", help="Only those of this project.")
@click.option("--query", metavar="TEXT", default="", help="A part of the version.")
def list_releases(api: OrganizationApi, project: str | None, query: str) -> Any:
    """List releases, newest first."""
    return RELEASES.all(api, project=project, query=query)


@releases.verb("show", "project:read", writes=False)
@click.argument("version", metavar="VERSION")
def show_release(api: OrganizationApi, version: str) -> Any:
    """Show one release."""
    return RELEASES.one(api, version)


@releases.verb("add", "project:releases", "Release {version} is there, with {commitCount} commits.")
@click.argument("version", metavar="VERSION")
@click.option("--project", "projects", metavar="SLUG", multiple=True, required=True, help="A project; repeatable.")
@click.option(
    "--ref",
    "refs",
    metavar="REPOSITORY@COMMIT",
    multiple=True,
    callback=lambda _context, _parameter, texts: [_ref(text) for text in texts],
    help="What it was built from, or a range A..B; repeatable.",
)
def add_release(api: OrganizationApi, version: str, projects: Sequence[str], refs: Sequence[Any]) -> Any:
    """Create a release, or add projects and refs to the existing one."""
    body = {"version": version, "projects": list(projects)}
    return api.post(RELEASES.path, {**body, **({"refs": refs} if refs else {})})


@releases.verb("deploy", "project:releases", "Release {version} is deployed to {environment}.")
@click.argument("version", metavar="VERSION")
@click.option("--environment", metavar="NAME", required=True, help="Such as production.")
@click.option("--web-url", metavar="URL", help="A page about the deploy.")
def deploy(api: OrganizationApi, version: str, environment: str, web_url: str | None) -> Any:
    """Record that a release runs somewhere."""
    found = RELEASES.one(api, version)
    made = api.post(RELEASES.place(found, "deploys/"), {"environment": environment, "url": web_url})
    return {**made, "version": version}


@releases.verb("remove", "project:releases", "Release {version} is removed; its commits stay.")
@click.argument("version", metavar="VERSION")
def remove_release(api: OrganizationApi, version: str) -> Any:
    """Delete a release. Its commits stay."""
    found = RELEASES.one(api, version)
    api.delete(RELEASES.place(found))
    return found


def _ref(text: str) -> dict[str, str | None]:
    repository, at, commits = text.rpartition("@")
    if not at or not repository or not commits:
        raise click.BadParameter(f"{text!r} is not REPOSITORY@COMMIT")
    first, dots, last = commits.partition("..")
    return {"repository": repository, "commit": last if dots else first, "previousCommit": first if dots else None}


BATCH_SIZE: Final = 1_000
SHAS_PER_REQUEST: Final = 10_000
MAX_BATCH_CHARACTERS: Final = 2_000_000
"""Limit of a batch with long messages or file lists: at four bytes a character it fits the server's limit."""


@click.group(name="commits", cls=SuggestingGroup)
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
@click.option("--kind", metavar="KIND", help="The kind of code host, if its host name does not show it.")
@click.option("--template", metavar="TEMPLATE", help="The URL of a file's page, for a host of an unknown kind.")
def write_build_info(*, output: str, root: str, kind: str | None, template: str | None) -> None:
    """Write the repository's URL and the commit of the working directory's checkout to a file.

    scmhost.integrations reads it when the program runs, without git and without a network. Passwords and tokens in the
    URL are left out.
    """
    from scmhost.checkout.pages import NoPages, checkout_pages
    from scmhost.checkout.remotes import without_alias
    from scmhost.checkout.worktree import read_checkout
    from scmhost.sdk import UrlError, read_remote

    try:
        checkout = read_checkout()
        if checkout.remote is None:
            fail("this checkout has no remote, so that links to it are not possible", EXIT_FAILED)
        remote = read_remote(without_alias(checkout.remote))
    except (GitError, UrlError) as error:
        fail(str(error), EXIT_FAILED)
    if remote.web_url is None:
        fail("the checkout's remote is not on a code host", EXIT_FAILED)
    try:
        checkout_pages(checkout, kind, template)
    except NoPages as error:
        # The file is of use without links, too: as attributes of spans.
        click.echo(f"Warning: programs make no links of it: {error}", err=True)
    revision, kind = checkout.head or checkout.commit, kind or checkout.kind or ""
    info = BuildInfo(remote.web_url, revision, root, kind, template or checkout.template or "")
    text = json.dumps({name: value for name, value in info._asdict().items() if value or name == "root"}, indent=2)
    if output == "-":
        echo(text)
        return
    Path(output).write_text(f"{text}\n", encoding="utf-8")
    echo(f"Wrote {output}: {info.repository} at {info.revision}.")
