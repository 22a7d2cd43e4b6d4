"""``scmhost installations`` and ``webhooks``: install a provider, with a person's consent where it is needed."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click

from .api_client import OrganizationApi, segment
from .context import echo_error, fail, read_input
from .resources import Resource, ResourceGroup, Shown
from .targets import ServerError

POLL_SECONDS: Final = 1.0
MOST_FAILURES: Final = 5
"""How many times in a row a server may not answer while it is asked for the result, as during a restart."""

_RUNNING: Final = ("waiting", "finishing")

Answer = Mapping[str, Any]
"""An answer of the API: an installation, one that was begun, or the status of that."""

INSTALLATIONS: Final = Resource(
    noun="installation",
    path="integrations/",
    label="name",
    columns={"NAME": "name", "PROVIDER": "provider.key", "STATUS": "status", "HOST": "domainName", "ID": "id"},
    details={"IDLE": "idle", "NEEDS ATTENTION": "needsAttention", "SETTINGS": "configData"},
)

installations: Final = ResourceGroup(
    "installations",
    "Install providers for an organization, synchronize their repositories, and remove installations.",
    INSTALLATIONS,
)
installations.add_list("org:read")

_FIELDS_HELP: Final = (
    "A field of the form; repeatable. For secrets: NAME=@FILE, NAME=- for standard input, or NAME alone to be asked. "
    "@@ stands for a value that begins with @."
)


def _read_option(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> Mapping[str, str]:
    # While options are read: wrong usage must not open a database.
    return read_fields(texts)


@installations.verb("show", "org:read", writes=False)
@click.argument("name", metavar="NAME")
def show(api: OrganizationApi, name: str) -> Any:
    """Show one installation, by its name or id."""
    return api.get(INSTALLATIONS.place(INSTALLATIONS.find(api, name)))


_PROVIDERS: Final = Shown(
    {"KEY": "key", "NAME": "name", "FEATURES": "features", "DESCRIPTION": "metadata.description"}, rows="providers"
)


@installations.verb("providers", "org:read", _PROVIDERS, writes=False)
def providers(api: OrganizationApi) -> Any:
    """List the providers that the organization can install."""
    return api.get("config/integrations/")


@installations.verb("remove", "org:integrations", "Installation {name} is removed. Its repositories are unclaimed now.")
@click.argument("name", metavar="NAME")
def remove(api: OrganizationApi, name: str) -> Any:
    """Remove an installation. Its repositories stay, with their commits, and become unclaimed.

    What the plugin could not clean up at the code host is printed; the installation is removed all the same.
    """
    found = INSTALLATIONS.find(api, name)
    answer = api.delete(INSTALLATIONS.place(found))
    return {"id": found["id"], "name": found["name"], "notes": answer["notes"] if answer else []}


@installations.verb("add", "org:integrations", "Installation {name} of {provider} is made (id {id}).")
@click.argument("name", required=False)
@click.option("--provider", required=True, metavar="KEY", help="As `scmhost installations providers` lists it.")
@click.option("--field", "fields", multiple=True, callback=_read_option, metavar="NAME=VALUE", help=_FIELDS_HELP)
@click.option(
    "--wait",
    metavar="SECONDS",
    default=600,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long to wait for the consent of a person in a browser.",
)
def add(api: OrganizationApi, name: str | None, provider: str, fields: Mapping[str, str], wait: int) -> Any:
    """Install a provider. NAME is short for --field name=NAME.

    If the code host asks a person for consent, the command prints the address to open in a browser, and waits for the
    result. The address is valid for ten minutes.
    """
    made = api.post(INSTALLATIONS.path, {**({"name": name} if name else {}), **fields, "provider": provider})
    if "redirect" in made:
        made = _after_consent(api, made, wait)
    return {"id": made["id"], "provider": provider, "name": made["name"]}


@installations.verb("change", "org:integrations", "Installation {name} is changed.")
@click.argument("name", metavar="NAME")
@click.option(
    "--field",
    "fields",
    multiple=True,
    required=True,
    callback=_read_option,
    metavar="NAME=VALUE",
    help=_FIELDS_HELP,
)
def change(api: OrganizationApi, name: str, fields: Mapping[str, str]) -> Any:
    """Change the configuration of an installation."""
    found = INSTALLATIONS.find(api, name)
    return api.post(INSTALLATIONS.place(found), fields)


def _sync_lines(status: Answer) -> str:
    lines = [f"{status['state']}: {status['fault']}" if status["fault"] else str(status["state"])]
    if status["dateFinished"]:
        lines.append(f"last: {status['checked']} checked, {status['changed']} changed, at {status['dateFinished']}")
    return "\n".join([*lines, *(f"  {note}" for note in status["notes"])])


@installations.verb("sync", "org:integrations", _sync_lines)
@click.argument("name", metavar="NAME")
def sync(api: OrganizationApi, name: str) -> Any:
    """Compare the repositories of an installation with its code host, in a running service.

    Prints what is under way and the last result: repositories may be renamed, moved, archived or deleted there.
    """
    return api.post(INSTALLATIONS.place(INSTALLATIONS.find(api, name), "sync/"), {})


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


def _after_consent(api: OrganizationApi, begun: Answer, seconds: int) -> Answer:
    """Print the address to open, wait, and return the installation. Exit if there is none."""
    # On standard error: the answer on standard output may be JSON for another program.
    echo_error(f"Open this address in a browser, before {begun['expiresAt']}:")
    echo_error(f"\n  {begun['redirect']}\n")
    echo_error("Waiting for the result. Ctrl-C stops waiting; the address stays valid.")
    try:
        done = wait_for_result(lambda: api.get(f"{INSTALLATIONS.path}pending/{segment(begun['id'])}/"), seconds)
    except KeyboardInterrupt:
        fail("stopped waiting; the address stays valid, and its page shows the result")
    if done["status"] in _RUNNING:
        fail(f"no result after {seconds} seconds; the page of the address shows it")
    if done["status"] != "installed":
        fail(f"not installed ({done['status']}): {done['detail']}")
    return dict(api.get(f"{INSTALLATIONS.path}{segment(done['integrationId'])}/"))


def wait_for_result(
    read_status: Callable[[], Answer],
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
            status = read_status()
        except ServerError:
            failures += 1
            if failures >= MOST_FAILURES or now() >= deadline:
                raise
        else:
            failures = 0
            if status["status"] not in _RUNNING or now() >= deadline:
                return status
        pause(POLL_SECONDS)


def _webhook_lines(listed: Sequence[Answer]) -> str:
    lines = []
    for each in listed:
        state = each["state"] if each["wanted"] else f"{each['state']} (to be removed)"
        reason = f": {each['reason']}" if each["reason"] else ""
        lines.append(f"{state:<11} {each['repositoryName']}{reason}")
    return "\n".join(lines) or "No webhooks."


webhooks: Final = ResourceGroup(
    "webhooks", "List webhooks at code hosts and their last deliveries, and register them again.", INSTALLATIONS
)

_installation_option: Final = click.option(
    "--installation", metavar="NAME", help="The installation (default: the only one)."
)


def _webhooks_path(api: OrganizationApi, installation: str | None) -> str:
    return INSTALLATIONS.place(INSTALLATIONS.only(api, installation), "webhook/repositories/")


@webhooks.verb("list", "org:read", _webhook_lines, writes=False)
@_installation_option
def list_registered(api: OrganizationApi, installation: str | None) -> Any:
    """List the webhooks of an installation by repository, each with its state."""
    return api.get(_webhooks_path(api, installation))


@webhooks.verb("register", "org:integrations", _webhook_lines)
@_installation_option
def register(api: OrganizationApi, installation: str | None) -> Any:
    """Register the webhooks of all active repositories of an installation again. The running service does it."""
    return api.post(_webhooks_path(api, installation), {})


_DELIVERIES: Final = Shown(
    {"RECEIVED": "dateReceived", "EVENT": "event", "OUTCOME": "outcome", "DETAIL": "detail"}, nothing="No deliveries."
)


@webhooks.verb("deliveries", "org:read", _DELIVERIES, writes=False)
@_installation_option
def deliveries(api: OrganizationApi, installation: str | None) -> Any:
    """List the last deliveries to an installation, and the outcome of each."""
    return api.get(INSTALLATIONS.place(INSTALLATIONS.only(api, installation), "webhook/deliveries/"))
