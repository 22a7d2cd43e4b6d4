"""API tokens and redirect keys of an organization: create, which shows the text once, and revoke."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import Conflict, InvalidInput
from scmhost.organizations.queries import Token
from scmhost.organizations.tokens import ALL_SCOPES, DEFAULT_SCOPES, create_token, list_tokens, revoke_token
from scmhost.redirects.keys import create_key, list_keys, revoke_key
from scmhost.redirects.queries import RedirectKey

from .visit import Visit, get, post

_SIZES: Final = (300, 100, 40, 10)

# What tokens are for, instead of scopes one by one; `scmhost token create` takes any of them.
_USES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "builds": ("Send commits and releases", ("org:ci", "project:releases")),
    "read": ("Read, and link frames", ("org:read", "project:read")),
    "all": ("All but read source code", DEFAULT_SCOPES),
    "code": ("All, and read source code", ALL_SCOPES),
}
_DAYS: Final[Mapping[str, str]] = {"30": "30 days", "90": "90 days", "365": "a year", "": "never"}


def show_tokens(visit: Visit) -> Response:
    """The tokens and the redirect keys of the organization, without their texts."""
    visit.require_admin()
    return _page(visit)


def add_token(visit: Visit) -> Response:
    """Create a token. The answer is the only page that has its text."""
    organization = visit.require_admin()
    problem = _token_problem(visit)
    if problem:
        return _page(visit, 400, token_problem=problem)
    expires_at = _after(visit, visit.field("days"))
    scopes = _USES[visit.field("use")][1]
    try:
        _, text = create_token(visit.acting, organization, visit.field("name"), scopes, expires_at)
    except InvalidInput as error:
        return _page(visit, 400, token_problem=error.message)
    return _page(visit, token_text=text)


def _after(visit: Visit, days: str) -> datetime | None:
    return visit.services.clock.now() + timedelta(days=int(days)) if days else None


def _token_problem(visit: Visit) -> str:
    if visit.field("use") not in _USES or visit.field("days") not in _DAYS:
        return "Choose what the token may, and when it expires."
    return ""


def add_key(visit: Visit) -> Response:
    """Create a redirect key. The answer is the only page that has its text."""
    organization = visit.require_admin()
    if visit.field("key_days") not in _DAYS:
        return _page(visit, 400, key_problem="Choose when the key expires.")
    try:
        _, text = create_key(
            visit.acting,
            organization,
            visit.field("key_name"),
            binds_sender=bool(visit.field("binds_sender")),
            expires_at=_after(visit, visit.field("key_days")),
        )
    except (InvalidInput, Conflict) as error:
        return _page(visit, 400, key_problem=str(error))
    return _page(visit, key_text=text)


def revoke_one_token(visit: Visit) -> Response:
    """Revoke a token."""
    organization = visit.require_admin()
    revoke_token(visit.acting, organization, visit.path_id("token"))
    return visit.redirect(f"{visit.organization_path}/tokens", "The token is revoked.")


def revoke_one_key(visit: Visit) -> Response:
    """Revoke a redirect key."""
    organization = visit.require_admin()
    revoke_key(visit.acting, organization, visit.path_id("key"))
    return visit.redirect(f"{visit.organization_path}/tokens", "The redirect key is revoked.")


def _page(
    visit: Visit,
    status: int = 200,
    *,
    token_text: str = "",
    key_text: str = "",
    token_problem: str = "",
    key_problem: str = "",
) -> Response:
    now = visit.services.clock.now()
    # Those that still work are first, each with the newest first.
    tokens = sorted(list_tokens(visit.services, visit.organization), key=_order)
    keys = sorted(list_keys(visit.services, visit.organization), key=_order)
    return visit.page_that_fits(
        "tokens.html",
        _SIZES,
        status,
        tokens=tokens,
        keys=keys,
        now=now,
        uses=[(key, title) for key, (title, _) in _USES.items()],
        days=list(_DAYS.items()),
        token_text=token_text,
        key_text=visit.address(f"/r/{key_text}") if key_text else "",
        token_problem=token_problem,
        key_problem=key_problem,
    )


def _order(each: Token | RedirectKey) -> tuple[bool, int]:
    return each.revoked_at is not None, -each.id


VIEWS: Final = (
    get("/organizations/{organization}/tokens", show_tokens),
    post("/organizations/{organization}/tokens", add_token),
    post("/organizations/{organization}/tokens/{token}/revoke", revoke_one_token),
    post("/organizations/{organization}/redirect-keys", add_key),
    post("/organizations/{organization}/redirect-keys/{key}/revoke", revoke_one_key),
)
