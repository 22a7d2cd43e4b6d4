"""The people of an organization: invite, change a role, remove."""

from collections.abc import Callable, Mapping
from typing import Final, get_args

from starlette.responses import Response

from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.organizations.people import (
    Invitation,
    change_role,
    invite,
    invite_again,
    list_members,
    remove_member,
)
from scmhost.organizations.people_queries import Role

from .visit import Visit, get, post

_SIZES: Final = (500, 150, 60, 20)


def show_people(visit: Visit) -> Response:
    """The people of the organization."""
    return _page(visit)


def invite_person(visit: Visit) -> Response:
    """Add a person, and show the link to sign in with."""
    organization = visit.require_admin()
    try:
        invitation = invite(visit.acting, organization, visit.field("name"), role=_role(visit))
    except InvalidInput as error:
        return _page(visit, 400, problem=error.message)
    return _page(visit, invitation=invitation)


def change(visit: Visit) -> Response:
    """Do what the button beside a person says."""
    visit.require_admin()
    act = _ACTS.get(visit.path("act"))
    if act is None:
        raise NotFound("A person has no such action.")
    try:
        return act(visit, visit.path_id("person"))
    except InvalidInput as error:
        return _page(visit, 400, problem=error.message)


def _invite_again(visit: Visit, person_id: int) -> Response:
    return _page(visit, invitation=invite_again(visit.acting, visit.organization, person_id))


def _change_role(visit: Visit, person_id: int) -> Response:
    role = _role(visit)
    change_role(visit.acting, visit.organization, person_id, role)
    return visit.redirect(f"{visit.organization_path}/people", f"The role is {role} from now on.")


def _remove(visit: Visit, person_id: int) -> Response:
    remove_member(visit.acting, visit.organization, person_id)
    return visit.redirect(f"{visit.organization_path}/people", "The person does not belong to it any more.")


_ACTS: Final[Mapping[str, Callable[[Visit, int], Response]]] = {
    "link": _invite_again,
    "role": _change_role,
    "remove": _remove,
}


def _role(visit: Visit) -> Role:
    for role in get_args(Role):
        if role == visit.field("role"):
            return role
    raise InvalidInput("Choose one of the roles.", "role")


def _page(visit: Visit, status: int = 200, *, invitation: Invitation | None = None, problem: str = "") -> Response:
    base = visit.services.url or str(visit.request.base_url).rstrip("/") + visit.base
    return visit.page_that_fits(
        "people.html",
        _SIZES,
        status,
        members=list_members(visit.services, visit.organization),
        invitation=invitation,
        link=f"{base}/sign-in?link={invitation.text}" if invitation else "",
        problem=problem,
    )


VIEWS: Final = (
    get("/organizations/{organization}/people", show_people),
    post("/organizations/{organization}/people", invite_person),
    post("/organizations/{organization}/people/{person}/{act}", change),
)
