"""``scmhost releases``: what was built from which commits, and where it runs."""

from collections.abc import Sequence
from typing import Any, Final

import click

from .api_client import OrganizationApi
from .resources import Resource, ResourceGroup

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
