"""People whom a trusted proxy names in a header of every request."""

from starlette.requests import Request

from scmhost.infra.errors import Forbidden
from scmhost.infra.http import peer_address
from scmhost.infra.web_settings import WebSettings
from scmhost.organizations.people import LONGEST_NAME, NamedPerson


def named_by_proxy(settings: WebSettings, request: Request) -> NamedPerson | None:
    """Return the person whom a proxy names; None: none is named, or no proxy may.

    Raises:
        Forbidden: the header is not from a listed address, or is there twice.
    """
    if settings.proxy_user_header is None:
        return None
    users = request.headers.getlist(settings.proxy_user_header)
    if not users:
        return None
    # Somebody who reaches the service beside the proxy could otherwise be anybody.
    if not settings.trusts(peer_address(request.scope)):
        raise Forbidden(f"The header {settings.proxy_user_header} is accepted from addresses of proxies alone.")
    if len(users) > 1 or not users[0].strip():
        raise Forbidden(f"The header {settings.proxy_user_header} must name one person.")
    user = users[0].strip()
    return NamedPerson(f"proxy:{user}", user[:LONGEST_NAME], _groups(settings, request))


def _groups(settings: WebSettings, request: Request) -> frozenset[str] | None:
    """Return the groups that the proxy names; None if none give a role, so that roles are kept."""
    if not settings.groups:
        return None
    sent = request.headers.getlist(settings.proxy_groups_header) if settings.proxy_groups_header else []
    return frozenset(group.strip() for line in sent for group in line.split(",") if group.strip())
