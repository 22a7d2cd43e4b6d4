"""Sign in with a link, sign out, and the account of the person, whose sessions can be ended one by one."""

from typing import Final

import structlog
from starlette.responses import Response

from scmhost.infra.db.base import hash_of
from scmhost.infra.errors import Unauthenticated
from scmhost.organizations.access import limit_rate
from scmhost.organizations.sessions import end_session, link_is_valid, list_sessions, use_link

from .visit import Visit, get, local_path, post

log = structlog.get_logger(__name__)


def show_sign_in(visit: Visit) -> Response:
    """The page to sign in. A link is not used up by opening it, because mail programs open links too."""
    link, back = visit.query("link"), local_path(visit.query("next"))
    if visit.signed_in and not link:
        return visit.redirect("/")
    if link:
        check_rate(visit)
    is_valid = bool(link) and link_is_valid(visit.services, link)
    if link and not is_valid:
        log.warning("sign in refused", client=_address(visit))
    return visit.page("sign_in.html", 200 if is_valid or not link else 410, link=link, is_valid=is_valid, back=back)


def sign_in(visit: Visit) -> Response:
    """Use up the link, and begin a session."""
    check_rate(visit)
    try:
        secret = use_link(visit.services, visit.field("link"), visit.request.headers.get("user-agent", ""))
    except Unauthenticated:
        log.warning("sign in refused", client=_address(visit))
        return visit.page("sign_in.html", 410, link="-", is_valid=False, back="/")
    visit.cookie.sign_in(secret)
    return visit.redirect(visit.below_base(local_path(visit.field("next"))))


def sign_out(visit: Visit) -> Response:
    """End the session."""
    signed_in = visit.person
    if signed_in.session:
        end_session(visit.services, signed_in.person, signed_in.session.id)
    visit.cookie.sign_out()
    return visit.redirect("/sign-in", "You are signed out.")


def check_rate(visit: Visit) -> None:
    """Count an attempt to sign in from the address of the visit.

    Raises:
        TooManyRequests: there were too many in the last minute.
    """
    most = visit.services.limits.sign_ins_per_minute
    limit_rate(visit.services, "address", hash_of(_address(visit)), most)


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""


# The first that a browser's name of itself contains counts: all of them claim to be others, too.
_BROWSERS: Final = (
    ("Firefox/", "Firefox"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Chrom", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(client: str) -> str:
    """Return a short name of a browser, from what it sends as its own."""
    browser, system = (next((name for mark, name in table if mark in client), "") for table in (_BROWSERS, _SYSTEMS))
    return " on ".join(filter(None, (browser, system))) or client[:60] or "unknown"


def show_account(visit: Visit) -> Response:
    """The person's roles and sessions."""
    signed_in = visit.person
    sessions = list_sessions(visit.services, signed_in.person)
    return visit.page("account.html", sessions=sessions, current=signed_in.session, named=browser_name)


def end_one(visit: Visit) -> Response:
    """End one session of the person."""
    signed_in = visit.person
    end_session(visit.services, signed_in.person, visit.field_id("session"))
    return visit.redirect("/account", "The session has ended.")


VIEWS: Final = (
    get("/sign-in", show_sign_in),
    post("/sign-in", sign_in),
    post("/sign-out", sign_out),
    get("/account", show_account),
    post("/account/sessions/end", end_one),
)
