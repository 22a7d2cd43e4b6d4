"""``scmhost redirects`` and ``channel``: the keys of redirects, and settings of the tools that link with them."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import click

from scmhost.infra.errors import InvalidInput, NotFound

from .admin import read_moment
from .api_client import OrganizationApi
from .context import (
    EXIT_CONFIGURATION,
    CommandContext,
    SuggestingGroup,
    database_options,
    echo,
    fail,
    organization_named,
)
from .resources import Resource, ResourceGroup, Shown, org_option
from .targets import TargetOptions

if TYPE_CHECKING:
    from scmhost.services import Services

REDIRECT_KEYS: Final = Resource(
    noun="redirect key",
    path="redirect-keys/",
    label="name",
    columns={
        "NAME": "name",
        "HINT": "hint",
        "BOUND TO": "sender",
        "LAST USED": "dateLastUsed",
        "EXPIRES": "dateExpires",
        "REVOKED": "dateRevoked",
        "ID": "id",
    },
    details={"BINDS SENDER": "bindsSender", "SINCE": "dateCreated"},
)

redirects: Final = ResourceGroup(
    "redirects",
    "Add, list and remove redirect keys, which other tools put into links to this service; test redirects.",
    REDIRECT_KEYS,
)
redirects.add_list("org:read")


_bind_option = click.option(
    "--bind", is_flag=True, help="Accept only the first sender, as installationId in Sentry's URLs names it."
)
_expires_option = click.option(
    "--expires", metavar="TIME", callback=read_moment, help="Such as 90d, or a date (default: never)."
)


@redirects.verb("add", "org:integrations", "{key}")
@click.argument("name", metavar="NAME")
@_bind_option
@_expires_option
def add(api: OrganizationApi, name: str, bind: bool, expires: datetime | None) -> Any:  # noqa: FBT001 - an option
    """Create a key and print it once. The address of a redirect is /r/KEY below that of the service.

    NAME shows what the key is for, such as sentry.
    """
    return api.post(
        REDIRECT_KEYS.path, {"name": name, "bindsSender": bind, "expiresAt": expires and expires.isoformat()}
    )


@redirects.verb("create", "org:integrations", "{key}")
@click.option("--name", metavar="NAME", required=True, help="What the key is for, such as sentry.")
@_bind_option
@_expires_option
def create(api: OrganizationApi, **options: Any) -> Any:
    """Do the same as add, with the name as an option."""
    return add(api, **options)


@redirects.verb("remove", "org:integrations", "Redirect key {name} is revoked.")
@click.argument("name", metavar="NAME")
def remove(api: OrganizationApi, name: str) -> Any:
    """Revoke a key, by its name or id; within a second no process accepts it."""
    keys = REDIRECT_KEYS.all(api)
    # A key that replaced another one mostly has its name.
    valid = [key for key in keys if not key["dateRevoked"]]
    found = REDIRECT_KEYS.among(valid if any(key["name"].lower() == name.lower() for key in valid) else keys, name)
    api.delete(REDIRECT_KEYS.place(found))
    return found


_ADDRESS: Final = re.compile(r"(?:https?://[^/]+)?(?:/.*)?/r/(?:sentry/)?(?P<key>[^/]+)")

_TESTED: Final = Shown(
    {"OUTCOME": "outcome", "PAGE OR REASON": "text", "REPOSITORY": "repository", "PROJECT": "project"},
    rows="outcomes",
    fails=lambda answer: answer["status"] >= _FIRST_ERROR,
)
_FIRST_ERROR: Final = 400
_OUTCOMES: Final = {302: "redirects to", 200: "offers"}


@redirects.verb("test", "project:read", _TESTED, writes=False)
@click.argument("place", metavar="PLACE|URL")
@click.option("--project", metavar="SLUG", help="The project (default: all are tried).")
@click.option("--release", metavar="VERSION", help="Link to the commits of this release.")
@click.option("--commit", metavar="SHA", help="Link to this commit.")
@click.option("--repo", metavar="URL", help="The repository; then a relative path needs no code mapping.")
def test_redirect(api: OrganizationApi, place: str, **options: str | None) -> Any:
    """Show what a redirect does, and why, without following it.

    PLACE is a path and a line, such as /srv/app/cart.py:42. Or give the URL of a link in another tool, with its key.
    The exit code is 1 if it leads nowhere.
    """
    given = {name: value for name, value in options.items() if value}
    answer = api.post(f"{REDIRECT_KEYS.path}test/", {**_fields(place), **given})
    outcome = _OUTCOMES.get(answer["status"])
    if outcome:
        return {**answer, "outcomes": [{"outcome": outcome, "text": page["url"], **page} for page in answer["pages"]]}
    reason = {"outcome": "leads nowhere", "text": f"{answer['message']} {answer['nextStep']}"}
    return {**answer, "outcomes": [reason]}


def _fields(place: str) -> dict[str, str]:
    """Return the fields of a redirect: those of its URL, or the place alone."""
    try:
        url = urlsplit(place)
    except ValueError as error:
        raise InvalidInput(f"{place} is no URL: {error}") from error
    found = _ADDRESS.fullmatch(place.partition("?")[0])
    if found:
        return {**dict(parse_qsl(url.query)), "key": found["key"]}
    if url.scheme in ("http", "https"):
        raise InvalidInput(f"{place} is not the URL of a redirect: its path has no /r/KEY")
    return {"loc": place}


_TOOLS = ("errbit", "grafana", "jaeger", "kibana", "otel", "sentry")


@click.group(name="channel", cls=SuggestingGroup)
def channel() -> None:
    """Show links to the source in other tools, such as Sentry."""


@channel.command(name="print")
@click.argument("tool", type=click.Choice(_TOOLS))
@org_option
@click.option("--key", metavar="KEY", help="A key of scmhost redirects add (default: a new one with the tool's name).")
@click.option(
    "--url",
    metavar="URL",
    envvar="SCMHOST_URL",
    help="The address of the service (default: url under [host] of plugins.toml).",
)
@click.option(
    "--token",
    metavar="TOKEN",
    envvar="SCMHOST_AUTH_TOKEN",
    help="A token with org:integrations: the service at --url makes the key (default: the local database).",
)
@database_options
@click.pass_obj
def print_channel(
    context: CommandContext, /, *, tool: str, org: str | None, key: str | None, url: str | None, **where: str | None
) -> None:
    """Print the settings of TOOL, ready to paste, with a redirect key of the organization."""
    from scmhost.redirects.tools import snippet

    place = TargetOptions(url, **where)
    if key is None:
        url, key = _address_and_new_key(context, place, org, tool)
    elif url is None:
        with context.open_host(place.config, place.database_url, plugins=False) as host:
            url = _address(host.services)
    echo(snippet(tool, url.rstrip("/"), key).rstrip())


def _address_and_new_key(context: CommandContext, place: TargetOptions, org: str | None, tool: str) -> tuple[str, str]:
    """Create a key with the name of a tool. Return the address of the service, and the key."""
    if place.url and place.token:
        url = place.url
        with place.api(context, org, writes=True) as api:
            made = api.post(REDIRECT_KEYS.path, {"name": tool})
        key, key_id = made["key"], made["id"]
    else:
        url, key, key_id = _new_local_key(context, place, org, tool)
    # The name may be that of older keys, too.
    click.echo(f"Made the redirect key {tool}; scmhost redirects remove {key_id} ends its links.\n", err=True)
    return url, key


def _new_local_key(context: CommandContext, place: TargetOptions, org: str | None, tool: str) -> tuple[str, str, str]:
    from scmhost.redirects.keys import create_key

    try:
        with context.open_host(place.config, place.database_url, plugins=False) as host:
            url = place.url or _address(host.services)
            saved, key = create_key(host.services, organization_named(host.services, org), tool)
    except NotFound as error:
        if place.url is None:
            raise
        raise NotFound(f"{error}; or give --token, with which the service at --url makes the key") from error
    return url, key, str(saved.id)


def _address(services: "Services") -> str:
    if services.url is None:
        fail("the address of the service is not known; give --url, or set url under [host]", EXIT_CONFIGURATION)
    return services.url
