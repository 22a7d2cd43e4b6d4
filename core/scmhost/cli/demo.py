"""``scmhost demo``: commits in, a claim, a code mapping, links out, on a temporary database.

No code of the user's checkout runs: only ``git log`` and the like read it. The crash comes from the sample program.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import click

from scmhost.checkout.formats import PlainText
from scmhost.checkout.git import GitError, git
from scmhost.checkout.linked_text import Chunk, LinkedText, TextLine

from .context import CommandContext, OpenedHost, echo, fail
from .link_sources import ProjectLinks
from .releases import send_history
from .serve import bound, listen, serve_application
from .targets import LocalTarget

if TYPE_CHECKING:
    from scmhost.links.traces import LinksIn
    from scmhost.organizations.queries import Project
    from scmhost.plugins import PluginHost
    from scmhost.sdk import Organization, Repository
    from scmhost.services import Services

_EXAMPLE_HOST: Final = "git.example.com"
_SAMPLE_HOST: Final = "sample.example.com"
_SAMPLE_NAME: Final = "scmhost-sample/shop"
_SAMPLE_MAIN: Final = "shop.py"
_SAMPLE_TIMEOUT_SECONDS: Final = 60
# Fixed, so that the commits are the same in every run.
_SAMPLE_AUTHOR: Final = {"NAME": "Ada", "EMAIL": "ada@example.com", "DATE": "2026-01-01T12:00:00Z"}
_NAMED_FILES: Final = 3
# A user and a password in a URL are not part of the host.
_HTTP_REMOTE: Final = re.compile(r"https?://(?:[^@/]*@)?(?P<host>[^/@:]+)(?::\d+)?/(?P<path>.+)")
_SSH_REMOTE: Final = re.compile(r"(?:ssh://)?(?:[^@/]*@)(?P<host>[^/:@]+)[:/](?!\d+/)(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class DemoRepository:
    """A git repository that the demo sends, claims and links to.

    Attributes:
        path: its folder.
        head: the SHA of HEAD.
        branch: the branch that is checked out, or None.
        name: owner and name on the code host.
        host: the code host.
        has_host: False if there is no remote on the web, so that ``host`` is an example.
        text: text with locations in this repository.
        source_root: the folder below which these locations are.
    """

    path: Path
    head: str
    branch: str | None
    name: str
    host: str
    has_host: bool
    text: str
    source_root: str = ""

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.name}"


def read_checkout_repository(path: Path) -> DemoRepository:
    """Read the git repository of a folder.

    Raises:
        GitError: there is none, or it has no commit.
    """
    bare = git(path, "rev-parse", "--is-bare-repository") == "true"
    top = path if bare else Path(git(path, "rev-parse", "--show-toplevel"))
    remote = git(top, "remote", "get-url", "origin") if "origin" in git(top, "remote").split() else ""
    match = _HTTP_REMOTE.fullmatch(remote) or _SSH_REMOTE.fullmatch(remote)
    # git prints HEAD if no branch is checked out.
    branch = git(top, "rev-parse", "--abbrev-ref", "HEAD")
    return DemoRepository(
        path=top,
        head=git(top, "rev-parse", "HEAD"),
        branch=None if branch == "HEAD" else branch,
        name=match["path"].strip("/").removesuffix(".git") if match else f"demo/{top.name}",
        host=match["host"].lower() if match else _EXAMPLE_HOST,
        has_host=match is not None,
        text=_changed_files(top),
    )


def _changed_files(top: Path) -> str:
    """Return locations in files of the newest commit, so that there is something to link to."""
    # The first parent, because a merge has no changes of its own.
    names = git(top, "log", "-1", "--first-parent", "-m", "--diff-filter=AM", "--name-only", "--format=", "HEAD")
    sources = [name for name in names.split("\n") if re.search(r"[^/]\.\w+$", name)]
    return "".join(f'  File "{top}/{name}", line 1\n' for name in sources[:_NAMED_FILES])


def make_sample_repository(folder: Path) -> DemoRepository:
    """Commit the sample program to a new git repository, run it, and return the repository with its stack trace."""
    (folder / "src").mkdir(parents=True)
    _sample_git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    for resource in sorted(files("scmhost.cli").joinpath("sample_program").iterdir(), key=str):
        # The suffix .in keeps tools from taking the program for a part of scmhost.
        name = resource.name.removesuffix(".in")
        (folder / "src" / name).write_text(resource.read_text(encoding="utf-8"), encoding="utf-8")
        _sample_git(folder, "add", "--all")
        _sample_git(folder, "commit", "--quiet", "--message", f"Add {name}")
    return DemoRepository(
        path=folder,
        head=git(folder, "rev-parse", "HEAD"),
        branch="main",
        name=_SAMPLE_NAME,
        host=_SAMPLE_HOST,
        has_host=False,
        text=_run_sample(folder / "src"),
        source_root="src/",
    )


def _sample_git(folder: Path, *arguments: str) -> None:
    """Run git without the user's configuration, whose hooks, signatures and templates would apply."""
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _SAMPLE_AUTHOR.items()}
    outer = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is found on PATH, as everywhere
            capture_output=True,
            check=False,
            env={**outer, **isolated, **people},
        )
    except FileNotFoundError:
        raise GitError("git is not installed; install it, or put it on PATH") from None
    if done.returncode:
        raise GitError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")


def _run_sample(folder: Path) -> str:
    """Run the sample program, and return its stack trace.

    The interpreter ignores its environment variables and site packages: nothing else can run with the program.
    """
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [sys.executable, "-E", "-S", "-B", str(folder / _SAMPLE_MAIN)],
        capture_output=True,
        check=False,
        cwd=folder,
        # The input of this command is not meant for the program.
        stdin=subprocess.DEVNULL,
        timeout=_SAMPLE_TIMEOUT_SECONDS,
    )
    return done.stderr.decode(errors="replace")


# One organization only, to show that a plugin is enabled for some.
CONFIGURATION: Final = """\
schema = 1

[host]
database_url = "sqlite:///{folder}/demo.db"

[plugins.custom_scm]
enabled = true
allow = {{ organizations = ["demo"] }}
"""
NEXT_COMMANDS: Final = """\
  scmhost bootstrap --org acme --project web   an organization of your own, and its token
  scmhost serve                                pages and the API on http://127.0.0.1:8000
  scmhost commits send --org acme --repository team/app --git .
  scmhost link crash.txt --org acme --project web"""

# Exact hosts only: a kind guessed from a part of the name would make wrong links.
_KINDS: Final = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
    "git.sr.ht": "sourcehut",
    "dev.azure.com": "azure_devops",
}


@click.command(name="demo")
@click.option(
    "--git",
    "path",
    show_default="this checkout",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A git repository. Its history is read; none of its code runs.",
)
@click.option("--trace", type=click.Path(exists=True, dir_okay=False), help="A stack trace to link to that repository.")
@click.option(
    "--page", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="The file for a page of the links."
)
@click.option("--serve", is_flag=True, help="Then serve the pages of the demo on this machine, until Ctrl-C.")
@click.pass_obj
def demo(context: CommandContext, *, path: Path | None, trace: str | None, page: Path | None, serve: bool) -> None:
    """Show the main features: send commits, claim a repository, map its paths, link a stack trace.

    The demo uses the history of this checkout and a small sample program, which crashes. No code of the checkout runs.
    Everything happens in a temporary folder; nothing is sent anywhere. At the end it prints the address of a page with
    the links, which a browser opens without a service.
    """
    # First, because a wrong --git must fail before anything is created.
    checkout, note = _checkout(path)
    with TemporaryDirectory(prefix="scmhost-demo-") as name:
        # A stack trace has the real path; the system's folder for temporary files may be a symbolic link.
        folder = Path(name).resolve()
        config = folder / "plugins.toml"
        config.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        sample = make_sample_repository(folder / "shop")
        with context.open_host(str(config), creates=True) as host:
            _step("Plugins, found through their entry points")
            _show_plugins(host.services.plugins)
            steps = _run(host.services, [*([checkout] if checkout else []), sample], note, trace)
            steps.write_page(page)
            if serve:
                _serve(host, steps)
                return
    _step("What to run next")
    echo(NEXT_COMMANDS)


def _serve(host: OpenedHost, steps: "DemoSteps") -> None:
    """Serve the pages on a free port of this machine, and print the address of the result, until Ctrl-C."""
    with bound("127.0.0.1", 0) as listener:
        listen(listener, "127.0.0.1", 0)
        _step("The same page in the service")
        echo(f"Open this address in a browser; it signs you in once: {steps.address(listener.getsockname()[1])}")
        echo("Ctrl-C stops the service, and deletes its data.")
        serve_application(host.application(steps.organization)[0], listener)


def _checkout(path: Path | None) -> tuple[DemoRepository | None, str]:
    """Return the repository to use, or the reason why there is none here."""
    try:
        return read_checkout_repository((path or Path()).resolve()), ""
    except GitError as error:
        if path:
            raise
        return None, f"No checkout with a commit here, so only the sample program is used. ({error})"


def _run(services: "Services", repositories: list[DemoRepository], note: str, trace: str | None) -> "DemoSteps":
    from scmhost.admin.bootstrap import bootstrap

    _step("An organization, a project, and an installation of Custom SCM for each code host")
    created = bootstrap(services, "demo", "app")
    echo(f"organization {created.organization.slug}, project {created.project.slug}, one token (its hash is stored)")
    steps = DemoSteps(services, created.organization, created.project)
    for repository in repositories:
        steps.install(repository)
    _step("Git history, sent as commits")
    if note:
        echo(note)
    for repository in repositories:
        steps.send(repository)
    for repository in repositories:
        _step(f"{repository.name}, claimed: dispatch, save, serialize")
        steps.map(repository, steps.claim(repository))
    for repository in repositories:
        text = Path(trace).read_text(encoding="utf-8", errors="replace") if trace else repository.text
        if text:
            _step(f"Links to {repository.name} at {repository.head[:12]}")
            steps.link(repository, text)
        if trace:
            break
    return steps


@dataclass(frozen=True, slots=True)
class DemoSteps:
    """The steps of the demo, for one organization and project."""

    services: "Services"
    organization: "Organization"
    project: "Project"
    installations: dict[str, int] = field(default_factory=dict)
    """The id of the installation, by code host."""
    texts: "dict[str, LinksIn]" = field(default_factory=dict)
    """What was linked, by the name of its repository."""

    def install(self, repository: DemoRepository) -> None:
        """Install Custom SCM for the code host of a repository."""
        from scmhost.installations.install import install_provider

        # Repositories on one code host share its installation.
        if repository.host in self.installations:
            return
        kind = _KINDS.get(repository.host, "gitea")
        form = {"name": repository.name.split("/")[0], "url": f"https://{repository.host}/", "preset": kind}
        stored = install_provider(self.services, self.organization, "custom_scm", form).installation
        self.installations[repository.host] = stored.id
        echo(f"installation {stored.name} at {stored.metadata['domain_name']}, URLs as on {kind}")
        if not repository.has_host:
            echo(f"({repository.name} has no remote on the web: {repository.host} is an example)")

    def send(self, repository: DemoRepository) -> None:
        """Send the history of a repository."""
        started = time.perf_counter()
        target = LocalTarget(self.services, self.organization)
        total, new = send_history(target, repository.name, repository.path, "HEAD")
        echo(f"{repository.name}: {total} commits, {new} new, in {time.perf_counter() - started:.1f} s")

    def claim(self, repository: DemoRepository) -> "Repository":
        """Claim the repository that the commits have created."""
        from scmhost.repositories.claim import add_repository
        from scmhost.repositories.manage import change_repository
        from scmhost.repositories.offers import offer_repositories
        from scmhost.sdk import AddRequest

        services, organization = self.services, self.organization
        installation_id = self.installations[repository.host]
        offer = offer_repositories(services, organization, installation_id, repository.name).offers[0]
        echo(f"offered:    {offer.name} (identifier {offer.identifier}), unclaimed")
        # Commits create a repository without a URL, and a claim needs one.
        change_repository(services, organization, int(offer.identifier), {"url": repository.url})
        request = AddRequest(identifier=offer.identifier)
        added = add_repository(services, organization, "custom_scm", installation_id, request)
        saved = added.saved
        echo(f"decision:   {added.decision!r}  (by the plugin)")
        echo(f"saved:      {saved.name}: provider {saved.provider}, installation {saved.installation_id}")
        payload = json.dumps(added.payload.model_dump(mode="json"), indent=2)
        echo("serialized: " + payload.replace("\n", "\n            "))
        return saved

    def map(self, repository: DemoRepository, saved: "Repository") -> None:
        """Map the repository's folder on this machine to its source root."""
        from scmhost.links.code_mappings import create_mapping
        from scmhost.links.values import MappingDraft

        stack_root, source_root = f"{repository.path}/{repository.source_root}", repository.source_root
        draft = MappingDraft(self.project.id, saved.id, stack_root, source_root, repository.branch)
        create_mapping(self.services, self.organization, self.installations[repository.host], draft)
        echo(f"mapped:     {stack_root} -> {source_root or 'the root'} of {saved.name}")

    def link(self, repository: DemoRepository, text: str) -> None:
        """Print a text with links to the commit of a repository."""
        from scmhost.links.traces import LinksIn

        source = ProjectLinks(self.services, self.organization, self.project, commit=repository.head)
        linked = LinkedText(source.link, PlainText(partial(click.echo, nl=False)))
        linked.take(Chunk([TextLine(line, "\n") for line in text.rstrip("\n").split("\n")], idle=True))
        for line in linked.counts.lines():
            echo(line)
        self.texts[f"{repository.name} at {repository.head[:12]}"] = LinksIn(text=text, commit=repository.head)

    def write_page(self, file: Path | None) -> None:
        """Write a page with the links, and print its address."""
        from scmhost.web.trace import trace_file

        # A folder of its own, which nobody else can have prepared.
        file = file or Path(mkdtemp(prefix="scmhost-demo-")) / "links.html"
        text = trace_file(self.services, self.organization, self.project, "Links of the demo", self.texts)
        file.write_text(text, encoding="utf-8")
        _step("The links as a page")
        echo(f"Open this address in a browser: {file.resolve().as_uri()}")
        echo("Or run `scmhost demo --serve` to see all pages of the service with this data.")

    def address(self, port: int) -> str:
        """Return the address that signs in the first person, and leads to the page of the last text."""
        from scmhost.links.sharing import share_trace
        from scmhost.organizations.people import first_invitation

        (*_, text) = self.texts.values()
        shared = share_trace(self.services, self.organization, self.project, text)
        page = f"/organizations/{self.organization.slug}/projects/{self.project.slug}/traces/{shared.id}"
        link = first_invitation(self.services)
        return f"http://127.0.0.1:{port}/sign-in?{urlencode({'link': link, 'next': page})}"


def _show_plugins(plugins: "PluginHost") -> None:
    for report in plugins.plugins:
        echo(f"{report.name}: {report.state}, from {report.distribution} {report.version}, hooks: {len(report.hooks)}")
        if report.reason:
            echo(f"  {report.reason}")
    if plugins.provider("custom_scm") is None:
        fail("the demo needs the Custom SCM plugin: pip install scmhost-custom-scm")


def _step(title: str) -> None:
    echo()
    click.secho(title, bold=True)
