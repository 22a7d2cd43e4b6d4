"""The people of an organization on its page: invite, change roles, take out."""

import re

import pytest

from api import ApiClient
from browsing import Browser, fields_of, signed_in
from scmhost.organizations import people

PAGE = "/organizations/acme/people"


def names(api: ApiClient) -> list[tuple[str, str]]:
    """Return the people of the organization with their roles."""
    return [(each.person.name, each.role) for each in people.list_members(api.services, api.there.organization)]


def test_invited_person_signs_in_with_the_link_of_the_page(api: ApiClient, admin: Browser) -> None:
    """The link is shown once, and signs the person in with the chosen role."""
    admin.open("/organizations/acme")
    admin.click("People")
    admin.submit("Invite", name="Grace", role="admin")
    link = re.search(r"/sign-in\?link=[\w-]+", admin.first("main pre").text())
    assert link
    guest = Browser(api)
    guest.open(link[0])
    guest.submit("Sign in")
    assert guest.path == "/organizations/acme"
    assert names(api) == [("Ada", "admin"), ("Grace", "admin")]
    admin.open(PAGE)
    assert "link=" not in admin.answer.text


def test_role_is_changed_and_person_taken_out(api: ApiClient, admin: Browser) -> None:
    """A changed role applies at once, and who is taken out is signed out."""
    eve = signed_in(api, "Eve", "member")
    admin.open(PAGE)
    admin.submit("Make admin")
    assert ("Eve", "admin") in names(api)
    eve.open(PAGE)
    assert eve.status == 200
    admin.submit("Remove")
    assert names(api) == [("Ada", "admin")]
    eve.open("/account")
    assert eve.path.startswith("/sign-in")


def test_new_link_replaces_the_one_that_was_lost(api: ApiClient, admin: Browser) -> None:
    """A person whose link is out of date gets another one."""
    people.invite(api.services, api.there.organization, "Eve")
    admin.open(PAGE)
    admin.submit("New link")
    assert "Send this link to Eve" in admin.text


def test_nobody_changes_the_own_role(api: ApiClient, admin: Browser) -> None:
    """An administrator cannot leave the organization without one."""
    (ada,) = people.list_members(api.services, api.there.organization)
    admin.open(PAGE)
    token = fields_of(admin.form("Invite"))
    for path in ("role", "remove"):
        admin.post(f"{PAGE}/{path}", {**token, "person": str(ada.person.id), "role": "member"})
        assert admin.status == 400
    assert names(api) == [("Ada", "admin")]


@pytest.mark.parametrize("fields", [{"name": " "}, {"name": "x" * 101}, {"name": "Eve", "role": "owner"}])
def test_wrong_invitation_is_refused(api: ApiClient, admin: Browser, fields: dict[str, str]) -> None:
    """A blank or long name and an unknown role invite nobody."""
    admin.open(PAGE)
    admin.submit("Invite", **fields)
    assert admin.status == 400
    assert names(api) == [("Ada", "admin")]


def test_members_do_not_see_the_people(api: ApiClient, member: Browser) -> None:
    """The page and its forms are for administrators."""
    member.open("/organizations/acme")
    assert "People" not in [link.text() for link in member.page.css(".tabs a")]
    token = fields_of(member.form("Sign out"))
    member.open(PAGE)
    assert member.status == 403
    for path in ("", "/link", "/role", "/remove"):
        member.post(f"{PAGE}{path}", {**token, "name": "Mallory", "role": "admin", "person": "1"})
        assert member.status == 403
