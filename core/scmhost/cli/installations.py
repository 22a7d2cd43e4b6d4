"""``scmhost installations``: install a provider, with a person's consent where it is needed; synchronize, remove."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import click

from .context import (
    CommandContext,
    echo,
    echo_error,
    echo_json,
    fail,
    json_option,
    read_input,
)
from .targets import ServerClient, ServerError, TargetOptions, target_options

if TYPE_CHECKING:
    from scmhost.sdk import Organization
    from scmhost.services import Services

POLL_SECONDS: Final = 1.0
MOST_FAILURES: Final = 5
"""How many times in a row a server may not answer while it is asked for the result, as during a restart."""

_RUNNING: Final = ("waiting", "finishing")

Answer = Mapping[str, Any]
"""An answer of the API: an installation, one that was begun, or the status of that."""


class InstallTarget(Protocol):
    """Installs providers for one organization."""

    def begin(self, provider: str, fields: Mapping[str, str]) -> Answer:
        """Install a provider, or begin to; the answer then has a ``redirect``."""

    def status(self, pending_id: str) -> Answer:
        """Return the status of an installation that was begun."""

    def sync(self, installation_id: int) -> Answer:
        """Compare the repositories of an installation with its code host, in the background. Return the status."""

    def remove(self, installation_id: int) -> Sequence[str]:
        """Delete an installation. Return what a person has to clean up at the code host."""


@dataclass(frozen=True, slots=True)
class InstallOnServer(InstallTarget):
    """An organization on a server."""

    client: ServerClient
    organization: str

    def begin(self, provider: str, fields: Mapping[str, str]) -> Answer:
        return self._with("id", self.client.send(self._path(""), {**fields, "provider": provider}))

    def status(self, pending_id: str) -> Answer:
        return self._with("status", self.client.get(self._path(f"pending/{quote(pending_id, safe='')}/")))

    def sync(self, installation_id: int) -> Answer:
        return self._with("state", self.client.send(self._path(f"{installation_id}/sync/"), {}))

    def remove(self, installation_id: int) -> Sequence[str]:
        answer = self.client.delete(self._path(f"{installation_id}/"))
        return self._with("notes", answer)["notes"] if answer is not None else []

    def _with(self, key: str, answer: Any) -> Answer:
        if not isinstance(answer, dict) or key not in answer:
            raise ServerError(f"{self.client.url} answered without {key!r}; check that --url is the address of scmhost")
        return answer

    def _path(self, rest: str) -> str:
        return f"/api/0/organizations/{quote(self.organization, safe='')}/integrations/{rest}"


@dataclass(frozen=True, slots=True)
class InstallHere(InstallTarget):
    """An organization in the local database. A running service finishes what was begun."""

    services: "Services"
    organization: "Organization"

    def begin(self, provider: str, fields: Mapping[str, str]) -> Answer:
        from scmhost.installations.install_steps import BegunInstallation, begin_installation

        made = begin_installation(self.services, self.organization, provider, dict(fields))
        if not isinstance(made, BegunInstallation):
            return {"id": str(made.installation.id), "name": made.installation.name}
        pending = made.pending
        return {"id": str(pending.id), "redirect": made.redirect, "expiresAt": pending.expires_at.isoformat()}

    def status(self, pending_id: str) -> Answer:
        from scmhost.installations.install_steps import pending_installation

        pending = pending_installation(self.services, self.organization, int(pending_id))
        made = None if pending.installation_id is None else str(pending.installation_id)
        return {"status": pending.status, "detail": pending.detail, "integrationId": made}

    def sync(self, installation_id: int) -> Answer:
        from scmhost.repositories.sync import request_sync

        status = request_sync(self.services, self.organization, installation_id)
        last = status.last
        return {
            "state": status.state,
            "fault": status.fault,
            "dateFinished": last.finished_at.isoformat() if last and last.finished_at else None,
            "checked": last.checked if last else 0,
            "changed": last.changed if last else 0,
            "notes": list(last.notes) if last else [],
        }

    def remove(self, installation_id: int) -> Sequence[str]:
        from scmhost.repositories.manage import uninstall

        return uninstall(self.services, self.organization, installation_id)


@click.group(name="installations")
def installations() -> None:
    """Install providers for an organization, synchronize their repositories, and remove installations."""


@installations.command(name="remove")
@click.argument("installation_id", metavar="ID", type=click.IntRange(min=1))
@click.option("--org", "--organization", "org", required=True, metavar="SLUG", help="The organization's slug.")
@target_options("org:integrations")
@json_option
@click.pass_obj
def remove(
    context: CommandContext,
    *,
    installation_id: int,
    org: str,
    where: TargetOptions,
    as_json: bool,
) -> None:
    """Remove an installation. Its repositories stay, with their commits, and become unclaimed.

    What the plugin could not clean up at the code host is printed; the installation is removed all the same.
    """
    with where.open(context, org, InstallOnServer, InstallHere) as target:
        notes = target.remove(installation_id)
    if as_json:
        echo_json({"id": str(installation_id), "notes": list(notes)})
        return
    echo(f"Installation {installation_id} is removed.")
    for note in notes:
        echo_error(note)


@installations.command(name="add")
@click.option("--provider", required=True, metavar="KEY", help="The provider's key, as in the catalogue.")
@click.option("--org", "--organization", "org", required=True, metavar="SLUG", help="The organization's slug.")
@click.option(
    "--field",
    "texts",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the install form; repeatable. For secrets: NAME=@FILE, NAME=- for standard input, or NAME alone "
    "to be asked. @@ stands for a value that begins with @.",
)
@click.option(
    "--wait",
    metavar="SECONDS",
    default=600,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long to wait for the consent of a person in a browser.",
)
@target_options("org:integrations")
@json_option
@click.pass_obj
def add(
    context: CommandContext,
    *,
    provider: str,
    org: str,
    texts: tuple[str, ...],
    wait: int,
    where: TargetOptions,
    as_json: bool,
) -> None:
    """Install a provider.

    If the code host asks a person for consent, the command prints the address to open in a browser, and waits for the
    result. The address is valid for ten minutes.
    """
    fields = read_fields(texts)
    with where.open(context, org, InstallOnServer, InstallHere) as target:
        made = target.begin(provider, fields)
        if "redirect" in made:
            made = _after_consent(target, made, wait)
    if as_json:
        echo_json({"id": made["id"], "provider": provider, "name": made.get("name")})
    else:
        name = f" {made['name']}" if made.get("name") else ""
        echo(f"Installation{name} of {provider} is made (id {made['id']}).")


@installations.command(name="sync")
@click.argument("installation_id", metavar="ID", type=click.IntRange(min=1))
@click.option("--org", "--organization", "org", required=True, metavar="SLUG", help="The organization's slug.")
@target_options("org:integrations")
@json_option
@click.pass_obj
def sync(
    context: CommandContext,
    *,
    installation_id: int,
    org: str,
    where: TargetOptions,
    as_json: bool,
) -> None:
    """Compare the repositories of an installation with its code host, in a running service.

    Prints what is under way and the last result: repositories may be renamed, moved, archived or deleted there.
    """
    with where.open(context, org, InstallOnServer, InstallHere) as target:
        status = target.sync(installation_id)
    if as_json:
        echo_json(dict(status))
        return
    echo(f"{status['state']}: {status['fault']}" if status["fault"] else str(status["state"]))
    if status["dateFinished"]:
        echo(f"last: {status['checked']} checked, {status['changed']} changed, at {status['dateFinished']}")
    for note in status["notes"]:
        echo(f"  {note}")


def read_fields(texts: Sequence[str]) -> Mapping[str, str]:
    """Return the fields of an install form, with the values of files, of standard input, and of prompts."""
    fields: dict[str, str] = {}
    for text in texts:
        name, given, value = text.partition("=")
        if not name or name in fields:
            problem = "occurs twice" if name else "has no name"
            raise click.BadParameter(f"{(name or text)!r} {problem}", param_hint="--field")
        fields[name] = _field_value(value) if given else click.prompt(name, hide_input=True, err=True)
    return fields


def _field_value(value: str) -> str:
    if value == "-" or (value.startswith("@") and not value.startswith("@@")):
        # A file with a secret mostly ends with a line feed, which is not part of it.
        return read_input("-" if value == "-" else value[1:]).rstrip("\r\n")
    return value[1:] if value.startswith("@@") else value


def _after_consent(target: InstallTarget, begun: Answer, seconds: int) -> Answer:
    """Print the address to open, wait, and return the installation. Exit if there is none."""
    # On standard error: the answer on standard output may be JSON for another program.
    echo_error(f"Open this address in a browser, before {begun['expiresAt']}:")
    echo_error(f"\n  {begun['redirect']}\n")
    echo_error("Waiting for the result. Ctrl-C stops waiting; the address stays valid.")
    try:
        done = wait_for_result(target, str(begun["id"]), seconds)
    except KeyboardInterrupt:
        fail("stopped waiting; the address stays valid, and its page shows the result")
    if done["status"] in _RUNNING:
        fail(f"no result after {seconds} seconds; the page of the address shows it")
    if done["status"] != "installed":
        fail(f"not installed ({done['status']}): {done['detail']}")
    return {"id": done["integrationId"]}


def wait_for_result(
    target: InstallTarget,
    pending_id: str,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Answer:
    """Return the status of a begun installation, once it has ended or so many seconds have passed.

    Raises:
        ServerError: the server refuses the request, or does not answer several times in a row.
    """
    deadline, failures = now() + seconds, 0
    while True:
        try:
            status = target.status(pending_id)
        except ServerError:
            failures += 1
            if failures >= MOST_FAILURES or now() >= deadline:
                raise
        else:
            failures = 0
            if status["status"] not in _RUNNING or now() >= deadline:
                return status
        pause(POLL_SECONDS)
