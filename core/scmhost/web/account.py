"""The account of the person who is signed in: the sessions, each of which can be ended."""

from typing import Final

from starlette.responses import Response

from scmhost.organizations.sessions import end_session, list_sessions

from .visit import Visit, get, post


def show_account(visit: Visit) -> Response:
    """The person's roles and sessions."""
    signed_in = visit.person
    sessions = list_sessions(visit.services, signed_in.person)
    return visit.page("account.html", sessions=sessions, current=signed_in.session)


def end_one(visit: Visit) -> Response:
    """End one session of the person."""
    signed_in = visit.person
    end_session(visit.services, signed_in.person, visit.field_id("session"))
    return visit.redirect("/account", "The session has ended.")


VIEWS: Final = (
    get("/account", show_account),
    post("/account/sessions/end", end_one),
)
