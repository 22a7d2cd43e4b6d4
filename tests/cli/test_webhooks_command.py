"""``scmhost webhooks``."""

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api import PLUGINS_TOML, ApiClient, open_api
from command import scmhost
from hosting import candidate
from plugins.webhook_forge import delivery, forge
from scmhost.admin.background import run_due_jobs
from scmhost.cli.context import CommandContext
from scmhost.cli.installations import webhooks
from scmhost.infra.errors import Conflict
from scmhost.sdk import ProviderError, Push

CONFIG = PLUGINS_TOML.replace("[host]\n", '[host]\nurl = "https://scmhost.example.com"\n')
TABLE = "[plugins.webhook_forge]\nenabled = true\n"


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[ApiClient]:
    """A service with a provider whose plugin registers webhooks."""
    plugin = candidate("webhook_forge", "plugins.webhook_forge")
    with open_api(tmp_path, CONFIG + TABLE, more=[plugin], background=False) as opened:
        forge.reset()
        yield opened


def call(api: ApiClient, *words: str) -> Result:
    """Run the command on the services of a test."""

    def open_host(*_args: object, **_options: object) -> Any:
        return nullcontext(api.host)

    return CliRunner().invoke(webhooks, words, obj=CommandContext(open_host))


def installed(api: ApiClient, *names: str) -> str:
    """Install the provider, and claim repositories. Return the id of the installation."""
    installation = api.post("integrations/", {"provider": "webhook_forge"}).json()["id"]
    for name in names:
        body = {"provider": "integrations:webhook_forge", "installation": installation, "identifier": name}
        assert api.post("repos/", body).status_code == 201
    return str(installation)


def test_webhooks_are_listed_with_their_states(hooked: ApiClient) -> None:
    """A failed one has its reason, and one that is to be removed says so."""
    id_ = installed(hooked, "a", "b")
    words = ("--org", "acme", "--installation", id_)
    assert call(hooked, "list", *words).output == "pending     a\npending     b\n"
    run_due_jobs(hooked.services)
    forge.error = ProviderError("No.")
    (repository, _) = hooked.get("repos/").json()
    hooked.put(f"repos/{repository['id']}/", {"status": "hidden"})
    run_due_jobs(hooked.services)
    assert call(hooked, "list", *words).output == "failed (to be removed) a: No\nregistered  b\n"
    listed = json.loads(call(hooked, "list", *words, "--json").output)
    assert [(each["repositoryName"], each["state"], each["wanted"]) for each in listed] == [
        ("a", "failed", False),
        ("b", "registered", True),
    ]


def test_webhooks_are_registered_again(hooked: ApiClient) -> None:
    """The command schedules it; a worker of the service does it."""
    id_ = installed(hooked, "a")
    run_due_jobs(hooked.services)
    forge.webhooks.clear()
    assert call(hooked, "register", "--org", "acme", "--installation", id_).output == "pending     a\n"
    assert forge.webhooks == {}
    run_due_jobs(hooked.services)
    assert list(forge.webhooks) == ["hook of a"]


def test_installation_without_webhooks(hooked: ApiClient) -> None:
    """Nothing is listed; registering is an error that has the reason."""
    words = ("--org", "acme", "--installation", hooked.install()["id"])
    assert call(hooked, "list", *words).output == "No webhooks.\n"
    assert isinstance(call(hooked, "register", *words).exception, Conflict)


@pytest.mark.parametrize("command", ["list", "register"])
def test_unknown_organization_is_named(tmp_path: Path, command: str) -> None:
    """The exit code is 1, and the error names it."""
    url = f"sqlite:///{tmp_path}/cli.db"
    assert scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", url).code == 0
    done = scmhost("webhooks", command, "--org", "nobody", "--installation", "1", "--database-url", url)
    assert (done.code, "nobody" in done.err) == (1, True)


def test_deliveries_are_listed(hooked: ApiClient) -> None:
    """A table with what became of each; without any, a sentence."""
    id_ = installed(hooked, "team/app")
    words = ("--org", "acme", "--installation", id_)
    assert call(hooked, "deliveries", *words).output == "No deliveries.\n"
    secret = hooked.post(f"integrations/{id_}/webhook/", None).json()["secret"]
    headers, body = delivery(secret, Push(repository="nobody", commits=()))
    hooked.client.post(f"/hooks/{id_}/", content=body, headers=headers)
    head, row = call(hooked, "deliveries", *words).output.splitlines()
    assert head.split() == ["RECEIVED", "EVENT", "OUTCOME", "DETAIL"]
    assert row.split(None, 3)[1:3] == ["push", "ignored"]
    assert "'nobody' is not one of this installation's active repositories" in row


def test_secret_is_created_shown_without_its_text_and_removed(hooked: ApiClient) -> None:
    """The new secret is printed once, with the address; the older one ends in a day."""
    words = ("--org", "acme", "--installation", installed(hooked))
    added = call(hooked, "add", *words).output
    assert re.fullmatch(r"url +https://scmhost\.example\.com/hooks/\d+/\nsecret .*\nnew secret +[\w-]{43}\n", added)
    call(hooked, "add", *words)
    shown = call(hooked, "show", *words).output
    assert ("new secret" in shown, shown.count("secret"), shown.count("valid until")) == (False, 2, 1)
    ids = [each["id"] for each in json.loads(call(hooked, "show", *words, "--json").output)["secrets"]]
    for id_ in ids:
        assert call(hooked, "remove", id_, *words).output == f"Secret {id_} is removed.\n"
    assert call(hooked, "show", *words).output.count("secret") == 0
