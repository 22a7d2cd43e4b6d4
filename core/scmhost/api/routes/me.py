"""Who asks, and what they may see: the first questions of every client."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from scmhost import __version__
from scmhost.api.context import CallerOf, CallerOrNobody, ForOrganization, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.shapes import AuthOut, IndexOut, OrganizationOut, StatusOut, UserOut
from scmhost.kernel.paging import Page
from scmhost.sdk import Organization
from scmhost.usecases.create_organization import creation_time
from scmhost.usecases.services import Services
from scmhost.usecases.tokens import Caller

router: Final = APIRouter(prefix="/api/0", tags=["me"])


@router.get("/")
def index(caller: CallerOrNobody) -> IndexOut:
    """Who asks, and with which scopes; nobody is fine too."""
    if caller is None:
        return IndexOut(version=__version__, auth=None, user=None)
    return IndexOut(version=__version__, auth=AuthOut(scopes=sorted(caller.token.scopes)), user=_user(caller))


@router.get("/auth/")
def who(caller: CallerOf) -> UserOut:
    """The token that asks, in the form of a person: the clients that ask this expect one."""
    return _user(caller)


@router.get("/organizations/")
def list_organizations(services: ServicesOf, caller: CallerOf, page: Wanted) -> Sequence[OrganizationOut]:
    """The organization of the token."""
    own = [] if page.request.offset else [caller.organization]
    return page.answer(Page(own, page.request, more=False), [_shown(services, each) for each in own])


@router.get("/organizations/{organization}/")
def get_organization(services: ServicesOf, organization: ForOrganization) -> OrganizationOut:
    """One organization."""
    return _shown(services, organization)


def _user(caller: Caller) -> UserOut:
    token = caller.token
    address = f"token-{token.id}@{caller.organization.slug}.invalid"
    return UserOut(id=str(token.id), name=token.name, username=token.name, email=address)


def _shown(services: Services, organization: Organization) -> OrganizationOut:
    return OrganizationOut(
        id=str(organization.id),
        slug=organization.slug,
        name=organization.name,
        date_created=creation_time(services, organization),
        status=StatusOut(id="active", name="active"),
    )
