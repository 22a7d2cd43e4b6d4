"""``scmhost redirects``: the keys of redirects, which other tools put into links to this service."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import click

from scmhost.infra.errors import InvalidInput

from .api_client import OrganizationApi
from .resources import Resource, ResourceGroup, Shown

REDIRECT_KEYS: Final = Resource(
    noun="redirect key",
    path="redirect-keys/",
    label="name",
    columns={"NAME": "name", "HINT": "hint", "BOUND TO": "sender", "REVOKED": "dateRevoked", "ID": "id"},
    details={"BINDS SENDER": "bindsSender", "SINCE": "dateCreated"},
)

redirects: Final = ResourceGroup(
    "redirects",
    "Add, list and remove redirect keys, which other tools put into links to this service; test redirects.",
    REDIRECT_KEYS,
)
redirects.add_list("org:read")


@redirects.verb("add", "org:integrations", "{key}")
@click.argument("name", metavar="NAME")
@click.option("--bind", is_flag=True, help="Accept only the first sender, as installationId in Sentry's URLs names it.")
def add(api: OrganizationApi, name: str, bind: bool) -> Any:  # noqa: FBT001 - an option
    """Create a key and print it once. The address of a redirect is /r/KEY below that of the service.

    NAME shows what the key is for, such as sentry.
    """
    return api.post(REDIRECT_KEYS.path, {"name": name, "bindsSender": bind})


redirects.add_remove(
    "org:integrations", "Redirect key {name} is revoked.", "Revoke a key immediately, by its name or id."
)

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
    url = urlsplit(place)
    found = _ADDRESS.fullmatch(place.partition("?")[0])
    if found:
        return {**dict(parse_qsl(url.query)), "key": found["key"]}
    if url.scheme in ("http", "https"):
        raise InvalidInput(f"{place} is not the URL of a redirect: its path has no /r/KEY")
    return {"loc": place}
