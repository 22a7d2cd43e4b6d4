"""``scmhost redirects``: the keys of redirects, which other tools put into links to this service."""

from typing import Any, Final

import click

from .api_client import OrganizationApi
from .resources import Resource, ResourceGroup

REDIRECT_KEYS: Final = Resource(
    noun="redirect key",
    path="redirect-keys/",
    label="name",
    columns={"NAME": "name", "HINT": "hint", "BOUND TO": "sender", "REVOKED": "dateRevoked", "ID": "id"},
    details={"BINDS SENDER": "bindsSender", "SINCE": "dateCreated"},
)

redirects: Final = ResourceGroup(
    "redirects", "Add, list and remove redirect keys, which other tools put into links to this service.", REDIRECT_KEYS
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
