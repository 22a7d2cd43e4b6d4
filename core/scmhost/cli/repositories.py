"""``scmhost repositories`` and ``scmhost mappings``: what links lead to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from .api_client import OrganizationApi
from .context import read_input
from .installations import INSTALLATIONS
from .organizations import PROJECTS
from .resources import Resource, ResourceGroup, Shown, read_pairs, read_roots

REPOSITORIES: Final = Resource(
    noun="repository",
    path="repos/",
    label="name",
    columns={
        "NAME": "name",
        "STATUS": "status",
        "PROVIDER": "provider.name",
        "INSTALLATION": "installationName",
        "URL": "url",
    },
    details={"ID": "id", "IDLE": "idle", "HOST STATE": "hostState", "WEBHOOK": "webhook.state", "SINCE": "dateCreated"},
    # An empty status lists repositories in any status.
    query={"status": ""},
    searched=True,
)

repositories: Final = ResourceGroup(
    "repositories", "List, add, claim, change and remove repositories of an organization.", REPOSITORIES
)


def _with_installations(api: OrganizationApi, rows: Sequence[Any]) -> Sequence[Any]:
    """Add the names of the installations, which the API's own objects do not have."""
    ids = {row["integrationId"] for row in rows} - {None}
    names = {one["id"]: one["name"] for one in INSTALLATIONS.all(api)} if ids else {}
    return [{**row, "installationName": names.get(row["integrationId"])} for row in rows]


@repositories.verb("list", "org:read", writes=False)
@click.option("--query", metavar="TEXT", default="", help="A part of the name.")
@click.option("--status", type=click.Choice(("active", "hidden", "deleted", "any")), default="active")
def list_repositories(api: OrganizationApi, query: str, status: str) -> Any:
    """List the repositories of an organization."""
    found = REPOSITORIES.all(api, query=query, status="" if status == "any" else status)
    return _with_installations(api, found)


@repositories.verb("show", "org:read", writes=False)
@click.argument("name", metavar="NAME")
def show_repository(api: OrganizationApi, name: str) -> Any:
    """Show one repository, by its name or id."""
    return _with_installations(api, [REPOSITORIES.find(api, name)])[0]


@repositories.verb("add", "org:read", "Repository {name} is there (id {id}).")
@click.argument("name", metavar="NAME")
@click.option("--web-url", metavar="URL", help="Its address in a browser.")
def add_repository(api: OrganizationApi, name: str, web_url: str | None) -> Any:
    """Create a repository without an installation, or show the existing one of this name."""
    return api.post(REPOSITORIES.path, {"name": name, "url": web_url})


@repositories.verb("claim", "org:integrations", "Repository {name} is claimed, through {provider[name]}.")
@click.argument("name", metavar="NAME")
@click.option("--installation", metavar="NAME", help="The installation (default: the only one).")
@click.option(
    "--field",
    "fields",
    multiple=True,
    callback=read_pairs,
    metavar="NAME=VALUE",
    help="What the provider needs; repeatable.",
)
def claim(api: OrganizationApi, name: str, installation: str | None, fields: Mapping[str, str]) -> Any:
    """Give a repository to an installation, which then builds its links.

    NAME is that of an unclaimed repository, or what `scmhost repositories offers` prints.
    """
    chosen = INSTALLATIONS.only(api, installation)
    body = {"provider": chosen["provider"]["key"], "installation": chosen["id"], "identifier": name}
    return api.post(REPOSITORIES.path, {**fields, **body})


_OFFERS: Final = Shown(
    {"NAME": "name", "IDENTIFIER": "identifier", "BRANCH": "defaultBranch"},
    rows="repos",
    nothing="Nothing can be claimed through it. Custom SCM claims any repository that was added by name.",
)


@repositories.verb("offers", "org:read", _OFFERS, writes=False)
@click.option("--installation", metavar="NAME", help="The installation (default: the only one).")
@click.option("--search", metavar="TEXT", default="", help="A part of the name.")
def offers(api: OrganizationApi, installation: str | None, search: str) -> Any:
    """List repositories at the code host that an installation can claim."""
    chosen = INSTALLATIONS.only(api, installation)
    return api.get(INSTALLATIONS.place(chosen, "repos/"), search=search)


@repositories.verb("unclaim", "org:integrations", "Repository {name} is unclaimed; its commits stay.")
@click.argument("name", metavar="NAME")
def unclaim(api: OrganizationApi, name: str) -> Any:
    """Take a repository away from its installation. Its commits and code mappings stay."""
    return api.put(REPOSITORIES.place(REPOSITORIES.find(api, name)), {"integrationId": None})


@repositories.verb("change", "org:integrations", "Repository {name} is changed.")
@click.argument("name", metavar="NAME")
@click.option("--rename", "new_name", metavar="NAME", help="The new name.")
@click.option("--web-url", metavar="URL", help="Its address in a browser.")
@click.option("--status", type=click.Choice(("active", "hidden")), help="active also cancels a deletion.")
def change(api: OrganizationApi, name: str, new_name: str | None, web_url: str | None, status: str | None) -> Any:
    """Rename a repository, change its address, hide it, or make it active again."""
    given = {"name": new_name, "url": web_url, "status": status}
    found = REPOSITORIES.find(api, name)
    return api.put(REPOSITORIES.place(found), {field: value for field, value in given.items() if value is not None})


repositories.add_remove(
    "org:integrations",
    "Repository {name} is deleted in an hour. Until then, change NAME --status active keeps it.",
    "Delete a repository with its commits and code mappings, after an hour of grace.",
)


MAPPINGS: Final = Resource(
    noun="code mapping",
    path="code-mappings/",
    label="stackRoot",
    columns={
        "PROJECT": "projectSlug",
        "STACK ROOT": "stackRoot",
        "SOURCE ROOT": "sourceRoot",
        "REPOSITORY": "repoName",
        "BRANCH": "defaultBranch",
        "DERIVED": "automaticallyGenerated",
        "ID": "id",
    },
    details={"CONFIDENCE": "confidence", "PROVIDER": "provider.name"},
)

mappings: Final = ResourceGroup(
    "mappings", "List, add, test, derive and remove code mappings of an organization.", MAPPINGS
)

project_option: Final = click.option("--project", metavar="SLUG", help="The project (default: the only one).")


@mappings.verb("list", "org:read", writes=False)
@click.option("--project", metavar="SLUG", help="Only those of this project.")
def list_mappings(api: OrganizationApi, project: str | None) -> Any:
    """List code mappings."""
    return MAPPINGS.all(api, project=PROJECTS.find(api, project)["slug"] if project else None)


_SAVED: Final = Shown(
    {"STATUS": "status", "STACK ROOT": "stackRoot", "SOURCE ROOT": "sourceRoot", "DETAIL": "detail"},
    rows="mappings",
    fails=lambda answer: bool(answer["errors"]),
)


@mappings.verb("add", "org:read", _SAVED)
@click.argument("roots", metavar="STACK_ROOT=SOURCE_ROOT...", nargs=-1, required=True, callback=read_roots)
@click.option("--repository", metavar="NAME", required=True, help="The repository that the source roots are in.")
@click.option("--branch", metavar="NAME", help="The branch of links without a commit.")
@project_option
def add_mappings(
    api: OrganizationApi, roots: Mapping[str, str], repository: str, branch: str | None, project: str | None
) -> Any:
    """Map the folders that stack traces name to folders of a repository, such as /srv/app/=src/.

    A stack root that the project has already gets the new source root. An empty one, as in =src/, is for relative
    paths, and for all others that no mapping matches.
    """
    body = {
        "project": PROJECTS.only(api, project)["slug"],
        "repository": REPOSITORIES.find(api, repository, status="active")["name"],
        "defaultBranch": branch,
        "mappings": [{"stackRoot": stack, "sourceRoot": source} for stack, source in roots.items()],
    }
    return api.post(f"{MAPPINGS.path}bulk/", body)


@mappings.verb("remove", "org:integrations", "Code mapping {stackRoot} of {projectSlug} is removed.")
@click.argument("stack_root", metavar="STACK_ROOT|ID")
@click.option("--project", metavar="SLUG", help="Only among those of this project.")
def remove_mapping(api: OrganizationApi, stack_root: str, project: str | None) -> Any:
    """Remove a code mapping."""
    found = MAPPINGS.find(api, stack_root, project=project)
    api.delete(MAPPINGS.place(found))
    return found


_LINKED: Final = Shown(
    {
        "FRAME": "frame.filename",
        "LINE": "frame.lineNo",
        "MAPPING": "mapping.stackRoot",
        "LINK": "link.url",
        "REASON": "message",
        "NEXT STEP": "nextStep",
    },
    rows="frames",
    nothing="No frame was recognized in the text.",
    fails=lambda answer: not any(frame["link"] for frame in answer["frames"]),
)


@mappings.verb("test", "project:read", _LINKED, writes=False)
@click.argument("file", metavar="FILE", default="-")
@click.option("--release", metavar="VERSION", help="Link to the commits of this release.")
@click.option("--commit", metavar="SHA", help="Link to this commit.")
@project_option
def test_mappings(api: OrganizationApi, file: str, release: str | None, commit: str | None, project: str | None) -> Any:
    """Show the mapping and the link of each frame of a stack trace, or why it has none.

    The trace is read from FILE, or from standard input. The exit code is 1 if no frame has a link.
    """
    body = {"text": read_input(file), "release": release, "commit": commit}
    return api.post(api.project(PROJECTS.only(api, project)["slug"], "trace-links/"), body)


_DERIVED: Final = Shown(
    {
        "ACTION": "action",
        "STACK ROOT": "mapping.stackRoot",
        "SOURCE ROOT": "mapping.sourceRoot",
        "REPOSITORY": "mapping.repository.name",
        "CONFIDENCE": "mapping.confidence",
        "BECAUSE": "mapping.evidence",
        "DETAIL": "detail",
    },
    rows="mappings",
    nothing="No mapping can be derived: no file in the known commits fits a frame.",
)


@mappings.verb("derive", "project:write", _DERIVED)
@click.argument("file", metavar="FILE", default="-")
@click.option("--save", is_flag=True, help="Save the mappings; otherwise they are only listed.")
@click.option("--confidence", type=click.Choice(("high", "medium", "low")), default="medium", show_default=True)
@click.option("--branch", metavar="NAME", help="The branch of new mappings.")
@project_option
def derive_mappings(
    api: OrganizationApi,
    file: str,
    save: bool,  # noqa: FBT001 - an option
    confidence: str,
    branch: str | None,
    project: str | None,
) -> Any:
    """Infer code mappings from a stack trace and the files of the known commits.

    The trace is read from FILE, or from standard input.
    """
    body = {"text": read_input(file), "save": save, "confidence": confidence, "defaultBranch": branch}
    return api.post(api.project(PROJECTS.only(api, project)["slug"], "derive-mappings/"), body)
