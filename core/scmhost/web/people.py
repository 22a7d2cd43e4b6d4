"""The people of an organization: invite them, change their roles, and take them out."""

from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import InvalidInput
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

_SIZES: Final = (1_000, 200, 100, 40)
_ROLES: Final[dict[str, Role]] = {"member": "member", "admin": "admin"}


def show_people(visit: Visit) -> Response:
    """The people of an organization, for its administrators."""
    visit.require_admin()
    return _page(visit)


def invite_person(visit: Visit) -> Response:
    """Add a person, and show the link to sign in with. It is shown once."""
    organization = visit.require_admin()
    try:
        invited = invite(visit.acting, organization, visit.field("name"), role=_role(visit))
    except InvalidInput as error:
        return _page(visit, 400, problem=error.message)
    return _page(visit, invited=invited)


def new_link(visit: Visit) -> Response:
    """Show a new link for a person, in place of an earlier one."""
    organization = visit.require_admin()
    return _page(visit, invited=invite_again(visit.acting, organization, visit.field_id("person")))


def set_role(visit: Visit) -> Response:
    """Change the role of a person."""
    organization = visit.require_admin()
    change_role(visit.acting, organization, _other(visit), _role(visit))
    return visit.redirect(f"{visit.organization_path}/people", "The role is changed.")


def remove_person(visit: Visit) -> Response:
    """Take a person out of the organization."""
    organization = visit.require_admin()
    remove_member(visit.acting, organization, _other(visit))
    return visit.redirect(f"{visit.organization_path}/people", "The person is no longer in the organization.")


def _role(visit: Visit) -> Role:
    role = _ROLES.get(visit.field("role"))
    if role is None:
        raise InvalidInput("Choose a role: member or admin.", "role")
    return role


def _other(visit: Visit) -> int:
    """Return the id of the person in the form, who must be another one: an organization keeps an administrator."""
    person_id = visit.field_id("person")
    if person_id == visit.person.person.id:
        raise InvalidInput("You cannot change your own role, or remove yourself; another administrator can.")
    return person_id


def _page(
    visit: Visit, status: int = 200, *, invited: Invitation | None = None, problem: str | None = None
) -> Response:
    members = list_members(visit.services, visit.organization)
    link = visit.address(f"/sign-in?link={invited.text}") if invited else None
    return visit.page_that_fits(
        "people.html", _SIZES, status, members=members, invited=invited, link=link, problem=problem
    )


VIEWS: Final = (
    get("/organizations/{organization}/people", show_people),
    post("/organizations/{organization}/people", invite_person),
    post("/organizations/{organization}/people/link", new_link),
    post("/organizations/{organization}/people/role", set_role),
    post("/organizations/{organization}/people/remove", remove_person),
)
