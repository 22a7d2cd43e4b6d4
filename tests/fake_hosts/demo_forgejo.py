"""``make demo-forgejo``: a code host, a service, and all that happens between them. Nothing leaves this machine.

A fake Forgejo with a real repository and a real ``scmhost serve`` run on loopback addresses. Each step is a request
that a person or a build would send. The exit code is 1 if a step does not do what it has to.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from command import SCMHOST
from scmhost.infra.secret_box import new_key
from serving import free_port

from .forgejo import FakeForgejo
from .repository import GIT_ENVIRONMENT

T = TypeVar("T")

PATIENCE: Final = 60.0
"""How long the demo waits for the background work of the service, in seconds."""

TOKEN: Final = "forgejo-token-of-ada"

PLUGINS_TOML: Final = """\
schema = 1

[host]
database_url = "sqlite:///demo.db"
url = "{url}"
webhook_key = "{webhook_key}"
secret_keys = ["{secret_key}"]

[plugins.forgejo]
enabled = true
allow = {{ organizations = ["acme"] }}

[plugins.forgejo.settings.instances.ours]
url = "{forgejo}"
"""
CART: Final = 'def total(prices):\n    return sum(prices["tea"])\n'
TRACE: Final = """\
Traceback (most recent call last):
  File "/srv/app/cart.py", line 2, in total
    return sum(prices["tea"])
KeyError: 'tea'
"""


class StepFailed(Exception):
    """A step of the demo did not do what it has to."""


@dataclass
class Service:
    """A running service, and the token of an organization."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the JSON of its answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/0/{path}", data, headers, method=method)  # noqa: S310 - http
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310 - http
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise StepFailed(f"{method} {path}: {error.code} {error.read().decode()}") from None


def main() -> int:
    """Run the demo, and return its exit code."""
    with TemporaryDirectory(prefix="scmhost-forgejo-") as name:
        folder = Path(name).resolve()
        try:
            with FakeForgejo(folder / "forgejo") as forgejo, serving(folder, forgejo.url) as service:
                Demo(forgejo, service, folder).run()
        except StepFailed as failed:
            print(f"\nThe demo failed: {failed}")
            return 1
    return 0


@dataclass
class Demo:
    """The steps, one after the other."""

    forgejo: FakeForgejo
    service: Service
    folder: Path

    def run(self) -> None:
        """Do all steps."""
        first = self.prepare()
        installation = self.install()
        repository = self.claim(installation)
        self.ingest(first)
        self.wait_for_webhook()
        head = self.push()
        self.link(repository, installation, head)
        print("\nEvery step did what it has to.")

    def prepare(self) -> str:
        """Make the repository, and return its commit."""
        step("A code host: a fake Forgejo with the private repository team/app")
        app = self.forgejo.repository("team/app", private=True)
        self.forgejo.tokens = {TOKEN: self.forgejo.tokens["good-token"]}
        self.forgejo.tokens[TOKEN].repositories.add("team/app")
        first = app.commit({"src/cart.py": "def total(prices): ...\n", "README.md": "# Shop\n"}, "First")
        print(f"{self.forgejo.url}/team/app, at commit {first[:12]}")
        return first

    def install(self) -> Mapping[str, Any]:
        """Install the provider with a token."""
        step("Install: the token is tried at once, and stored encrypted")
        form = {"provider": "forgejo", "instance": "ours", "token": TOKEN}
        installed: dict[str, Any] = self.service.ask("POST", "organizations/acme/integrations/", form)
        check("the answer does not show the token", TOKEN not in json.dumps(installed))
        database = b"".join(path.read_bytes() for path in self.folder.glob("demo.db*"))
        check("the database does not show the token", TOKEN.encode() not in database)
        print(f"installation {installed['id']}: {installed['name']}")
        return installed

    def claim(self, installation: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take the repository that is offered, and map its source root."""
        step("Offers: what the token may read; one is added")
        listed = self.service.ask("GET", f"organizations/acme/integrations/{installation['id']}/repos/")
        offers = [offer["identifier"] for offer in listed["repos"]]
        print(f"offered: {', '.join(offers)}")
        check("team/app is offered", offers == ["team/app"])
        body = {"provider": "integrations:forgejo", "installation": installation["id"], "identifier": "team/app"}
        added: dict[str, Any] = self.service.ask("POST", "organizations/acme/repos/", body)
        print(f"repository {added['id']}: {added['name']}, {added['url']}")
        return added

    def ingest(self, first: str) -> None:
        """Set a release's ref; its commits come from the code host."""
        step("Ingest: a release has a ref, and its commits are read from the code host")
        self.service.ask("POST", "organizations/acme/releases/", {"version": "1.0", "projects": ["web"]})
        refs = {"refs": [{"repository": "team/app", "commit": "main"}]}
        self.service.ask("PUT", "organizations/acme/releases/1.0/", refs)
        commits = wait("the commits of release 1.0", lambda: self.commits("1.0"))
        check("the release has the commit", commits == [first])
        print(f"release 1.0: {len(commits)} commit, {commits[0][:12]}")

    def commits(self, version: str) -> list[str]:
        """Return the commits of a release."""
        listed = self.service.ask("GET", f"organizations/acme/releases/{version}/commits/")
        return [commit["id"] for commit in listed]

    def wait_for_webhook(self) -> None:
        """Wait until the service has registered its webhook."""
        step("Webhook: the service registers it, with a secret of its own")
        [hook] = wait("the webhook", lambda: list(self.forgejo.hooks))
        check("the webhook leads to the service", hook.url.startswith(self.service.url))
        check("the webhook has a secret", len(hook.secret) >= 16)
        print(f"registered: {hook.url}")

    def push(self) -> str:
        """Push with git, and wait until the service has the commits."""
        step("Push: seven commits with git; the code host lists five, and the service reads the others")
        clone = self.folder / "clone"
        address = self.forgejo.url.replace("://", f"://ada:{TOKEN}@") + "/team/app.git"
        git("clone", "--quiet", address, str(clone))
        for number in range(6):
            (clone / "notes.txt").write_text(f"{number}\n", encoding="utf-8")
            git("-C", str(clone), "add", "--all")
            git("-C", str(clone), "commit", "--quiet", "--message", f"Note {number}")
        (clone / "src" / "cart.py").write_text(CART, encoding="utf-8")
        git("-C", str(clone), "commit", "--quiet", "--all", "--message", "Sum the prices")
        git("-C", str(clone), "push", "--quiet")
        head = git("-C", str(clone), "rev-parse", "HEAD")
        [(_, status)] = self.forgejo.deliveries
        check(f"the service accepts the delivery (it answered {status})", status in (200, 202, 204))
        everything = wait("all seven commits", lambda: self.stored(8))
        check("the newest commit is there", head in everything)
        print(f"{len(everything)} commits are known, the newest is {head[:12]}")
        return head

    def stored(self, number: int) -> list[str]:
        """Return the commits of the repository once there are so many."""
        [repository] = self.service.ask("GET", "organizations/acme/repos/?query=team/app")
        listed = self.service.ask("GET", f"organizations/acme/repos/{repository['id']}/commits/")
        shas = [commit["id"] for commit in listed]
        return shas if len(shas) >= number else []

    def link(self, repository: Mapping[str, Any], installation: Mapping[str, Any], head: str) -> None:
        """Link a stack trace to files that exist."""
        step("Link: a stack trace of the pushed commit")
        [project] = self.service.ask("GET", "organizations/acme/projects/")
        mapping = {
            "repositoryId": repository["id"],
            "integrationId": installation["id"],
            "projectId": project["id"],
            "stackRoot": "/srv/app/",
            "sourceRoot": "src/",
            "defaultBranch": "main",
        }
        self.service.ask("POST", "organizations/acme/code-mappings/", mapping)
        query = f"file=/srv/app/cart.py&lineNo=2&commitId={head}"
        link = self.service.ask("GET", f"projects/acme/web/stacktrace-link/?{query}")
        print(f"{TRACE}  -> {link['sourceUrl']}")
        check("the file is verified", link["verified"] is True)
        check("the link leads to the commit", link["sourceUrl"].endswith(f"/src/commit/{head}/src/cart.py#L2"))
        headers = {"Authorization": f"token {TOKEN}"}
        with urlopen(Request(link["sourceUrl"].partition("#")[0], headers=headers)) as page:  # noqa: S310 - http
            check("the page shows the line", page.read().decode().splitlines()[1] == CART.splitlines()[1])
        gone = self.service.ask("GET", f"projects/acme/web/stacktrace-link/?file=/srv/app/no.py&commitId={head}")
        check("there is no link to a file that does not exist", gone["error"] == "file_not_found")


@contextmanager
def serving(folder: Path, forgejo: str) -> Iterator[Service]:
    """Run a service with the organization ``acme`` and the project ``web``."""
    step("A service: scmhost serve with a temporary database")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    keys = {"webhook_key": new_key(), "secret_key": new_key()}
    (folder / "plugins.toml").write_text(PLUGINS_TOML.format(url=url, forgejo=forgejo, **keys), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SCMHOST_")}
    made = subprocess.run(
        [SCMHOST, "bootstrap", "--org", "acme", "--project", "web", "--config", "plugins.toml", "--json"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise StepFailed(made.stderr)
    command = [str(SCMHOST), "serve", "--port", str(port), "--config", "plugins.toml"]
    with (
        (folder / "service.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            service = Service(url, json.loads(made.stdout)["token"])
            wait("the service", lambda: answers(url))
            print(url)
            yield service
        finally:
            process.terminate()


def answers(url: str) -> bool:
    """Return whether the service answers."""
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except OSError:
        return False


def wait(what: str, found: Callable[[], T], patience: float = PATIENCE) -> T:
    """Return what a function finds, as soon as it finds something."""
    end = time.monotonic() + patience
    while not (value := found()):
        if time.monotonic() > end:
            raise StepFailed(f"{what} did not come within {patience:g} s")
        time.sleep(0.1)
    return value


def git(*words: str) -> str:
    """Run git as its author, and return its output."""
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words]
    done = subprocess.run(command, env=GIT_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"git {words[0]}: {done.stderr}")
    return done.stdout.strip()


def step(title: str) -> None:
    """Print the title of a step."""
    print(f"\n{title}")


def check(what: str, holds: bool) -> None:
    """Print that something holds, or end the demo."""
    if not holds:
        raise StepFailed(f"it does not hold that {what}")
    print(f"  ok: {what}")


if __name__ == "__main__":
    # Unbuffered, so that each line is shown when it happens.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main())
