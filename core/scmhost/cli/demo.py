"""``scmhost demo``: the main job on real input, on a throw-away database."""

import json
import re
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from .commits import send_history
from .context import CommandContext, fail, say
from .demo_crash import crash
from .git_process import git
from .linking.formats import PlainText
from .linking.linked_text import LinkedText
from .linking.text_stream import Arrived, Line
from .targets import LocalTarget

if TYPE_CHECKING:
    from scmhost.organizations.values import Project
    from scmhost.plugins import PluginHost
    from scmhost.sdk import Organization, Repository
    from scmhost.services import Services

SWITCHBOARD: Final = """\
schema = 1

[host]
database_url = "sqlite:///{folder}/demo.db"

[plugins.custom_scm]
enabled = true
allow = {{ organizations = ["demo"] }}
"""

# Exact hosts only: guessing a kind from a name would make wrong links.
_PRESETS: Final = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
    "git.sr.ht": "sourcehut",
    "dev.azure.com": "azure_devops",
}
_HTTP_REMOTE: Final = re.compile(r"https?://(?:[^@/]*@)?(?P<host>[^/@:]+)(?::\d+)?/(?P<path>.+)")
_SSH_REMOTE: Final = re.compile(r"(?:ssh://)?(?:[^@/]*@)(?P<host>[^/:@]+)[:/](?!\d+/)(?P<path>.+)")
_STAND_IN: Final = "git.example.com"


@dataclass(frozen=True, slots=True)
class Checkout:
    """The git repository that the demo works on."""

    path: Path
    head: str
    branch: str
    name: str
    host: str
    real: bool

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.name}"


@click.command(name="demo")
@click.option(
    "--git",
    "path",
    default=".",
    show_default="this checkout",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another git repository. Python code of it is run to raise an exception.",
)
@click.option("--trace", type=click.Path(exists=True, dir_okay=False), help="A stack trace to link in its place.")
@click.pass_obj
def command(context: CommandContext, *, path: Path, trace: str | None) -> None:
    """See the main job done: commits go in, a repository is claimed, a stack trace comes out as links.

    Everything happens in a temporary folder that is removed at the end; nothing is sent anywhere.
    """
    checkout = look_at(path.resolve())
    with TemporaryDirectory(prefix="scmhost-demo-") as folder:
        config = Path(folder) / "plugins.toml"
        config.write_text(SWITCHBOARD.format(folder=folder), encoding="utf-8")
        with context.open_host(str(config)) as host:
            _run(host.services, checkout, Path(folder) / "checkout", trace)
    _what_next()


def look_at(path: Path) -> Checkout:
    """What git says about a checkout. Without a remote on the web, a stand-in host is used, and the demo says so."""
    top = Path(
        git(path, "rev-parse", "--show-toplevel")
        if git(path, "rev-parse", "--is-bare-repository") == "false"
        else str(path)
    )
    remote = _remote(top)
    found = _HTTP_REMOTE.fullmatch(remote) or _SSH_REMOTE.fullmatch(remote)
    name = found["path"].strip("/").removesuffix(".git") if found else f"demo/{top.name}"
    return Checkout(
        path=top,
        head=git(top, "rev-parse", "HEAD"),
        branch=git(top, "rev-parse", "--abbrev-ref", "HEAD"),
        name=name,
        host=found["host"].lower() if found else _STAND_IN,
        real=found is not None,
    )


def _remote(top: Path) -> str:
    return git(top, "remote", "get-url", "origin") if "origin" in git(top, "remote").split() else ""


@dataclass(frozen=True, slots=True)
class Demo:
    """The steps of the demo, for one organization and project of a throw-away database."""

    services: "Services"
    organization: "Organization"
    project: "Project"
    checkout: Checkout
    copy: Path

    def install(self) -> int:
        """Install Custom SCM; gives the installation's id."""
        from scmhost.installations.install import install_provider

        checkout = self.checkout
        preset = _PRESETS.get(checkout.host, "gitea")
        form = {"name": checkout.name.split("/")[0], "url": f"https://{checkout.host}/", "preset": preset}
        stored = install_provider(self.services, self.organization, "custom_scm", form)
        domain = stored.installation.metadata["domain_name"]
        say(f"installation {stored.installation.name} at {domain}, URLs as {preset}")
        if not checkout.real:
            say(f"(this checkout has no remote on the web: {checkout.host} stands in for its host)")
        return stored.installation.id

    def send(self) -> None:
        """Send the checkout's history."""
        started = time.perf_counter()
        target = LocalTarget(self.services, self.organization)
        total, new = send_history(target, self.checkout.name, self.checkout.path, "HEAD")
        say(f"{self.checkout.path.name}: {total} commits, {new} new, in {time.perf_counter() - started:.1f} s")

    def claim(self, installation_id: int) -> "Repository":
        """Claim the repository that appeared, step by step."""
        from scmhost.repositories.claim import add_repository, offer_repositories
        from scmhost.repositories.manage import change_repository
        from scmhost.sdk import AddRequest

        services, organization = self.services, self.organization
        offer = offer_repositories(services, organization, installation_id, self.checkout.name)[0]
        say(f"offered:    {offer.name} (identifier {offer.identifier}), unclaimed so far")
        change_repository(services, organization, int(offer.identifier), {"url": self.checkout.url})
        request = AddRequest(identifier=offer.identifier)
        added = add_repository(services, organization, "custom_scm", installation_id, request)
        saved = added.saved
        say(f"decision:   {added.decision!r}  (the plugin's)")
        say(f"saved:      {saved.name}: provider {saved.provider}, installation {saved.installation_id}")
        payload = json.dumps(added.payload.model_dump(mode="json"), indent=2)
        say("serialized: " + payload.replace("\n", "\n            "))
        return saved

    def map(self, repository: "Repository", installation_id: int) -> None:
        """Map the copy's folder to the repository's root."""
        from scmhost.links.code_mappings import create_mapping
        from scmhost.links.values import MappingDraft

        branch = self.checkout.branch if self.checkout.branch != "HEAD" else None
        draft = MappingDraft(self.project.id, repository.id, f"{self.copy}/", "", branch)
        create_mapping(self.services, self.organization, installation_id, draft)
        say(f"stack root {self.copy}/ -> the root of {repository.name}")

    def link(self, trace: str | None) -> None:
        """Link a given trace, or one that the checkout's own code makes now."""
        from .linking.project_links import ProjectLinks

        text = Path(trace).read_text(encoding="utf-8", errors="replace") if trace else self._crash()
        if text is None:
            say("No Python code of this checkout could be made to raise; give a stack trace with --trace FILE.")
            return
        source = ProjectLinks(self.services, self.organization, self.project, commit=self.checkout.head)
        say()
        linked = LinkedText(source.link, PlainText(partial(click.echo, nl=False)))
        linked.take(Arrived([Line(line, "\n") for line in text.rstrip("\n").split("\n")], idle=True))
        say()
        for line in linked.tally.lines():
            say(line)

    def _crash(self) -> str | None:
        """The code that runs is a clean copy of HEAD, so that its lines are those of the commit that is linked."""
        path = self.checkout.path
        git(path, "clone", "--quiet", "--shared", str(path), str(self.copy))
        return crash(self.copy, git(path, "ls-tree", "-r", "--name-only", "HEAD").split("\n"))


def _run(services: "Services", checkout: Checkout, copy: Path, trace: str | None) -> None:
    from scmhost.admin.bootstrap import bootstrap

    _step("Plugins, found through their entry points")
    _show_plugins(services.plugins)
    _step("An organization, a project, an installation of Custom SCM")
    there = bootstrap(services, "demo", "app")
    say(f"organization {there.organization.slug}, project {there.project.slug}, one token (its hash is stored)")
    demo = Demo(services, there.organization, there.project, checkout, copy)
    installation_id = demo.install()
    _step("The history of a real git repository, sent as commits")
    demo.send()
    _step("The repository that appeared, claimed: dispatch, save, serialize")
    repository = demo.claim(installation_id)
    _step("A code mapping, and a real exception from real code")
    demo.map(repository, installation_id)
    demo.link(trace)


def _show_plugins(plugins: "PluginHost") -> None:
    for report in plugins.plugins:
        say(f"{report.name}: {report.state}, from {report.distribution} {report.version}, hooks: {len(report.hooks)}")
        if report.reason:
            say(f"  {report.reason}")
    if plugins.provider("custom_scm") is None:
        fail("Custom SCM is not there; install it: pip install scmhost-custom-scm")


def _step(title: str) -> None:
    say()
    click.secho(title, bold=True)


def _what_next() -> None:
    _step("What to run next")
    say("  scmhost bootstrap --org acme --project web   an organization of your own, and its token")
    say("  scmhost serve                                the API on http://127.0.0.1:8000")
    say("  scmhost commits send --org acme --repository team/app --git .")
    say("  scmhost link crash.txt --org acme --project web")
