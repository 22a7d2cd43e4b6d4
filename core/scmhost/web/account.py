"""The account of the person who is signed in: the sessions, each of which can be ended."""

from typing import Final

from starlette.responses import Response

from scmhost.organizations.sessions import end_session, list_sessions

from .visit import Visit, get, post

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
    get("/account", show_account),
    post("/account/sessions/end", end_one),
)
