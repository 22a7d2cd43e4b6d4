"""Repositories on pages: search, why one is idle, claim, unclaim, hide, delete, and who may."""

import pytest

from api import ApiClient, commit
from browsing import Browser, fields_of, text_of
from scmhost.repositories.idle import idle_reasons
from scmhost.repositories.manage import get_repository
from use_cases import recorded

PAGE = "/organizations/acme/repositories"


def rows(browser: Browser) -> list[list[str]]:
    """Return the texts of the table."""
    return [[text_of(cell, " ") for cell in row.css("td")] for row in browser.page.css("tbody tr")]


def reasons(api: ApiClient, repository: dict[str, str]) -> list[str]:
    """Return the keys of the reasons why a repository is idle."""
    organization = api.there.organization
    stored = get_repository(api.services, organization, int(repository["id"]))
    return [reason.key for reason in idle_reasons(api.services, organization, [stored])[stored.id]]


def test_list_has_status_and_first_reason(api: ApiClient, member: Browser) -> None:
    """A list shows which repository is claimed and what is missing; the filters and the search limit it."""
    _, installation = api.claimed(name="Forge")
    api.repository("team/other")
    api.put(f"repos/{api.repository('team/old')['id']}/", {"status": "hidden"})
    member.open(PAGE)
    assert rows(member) == [
        ["team/app", "claimed", installation["name"], "No code mapping leads to it."],
        ["team/old", "hidden", "", ""],
        ["team/other", "unclaimed", "", ""],
    ]
    for query, names in (("?status=unclaimed", ["team/other"]), ("?query=APP", ["team/app"]), ("?query=zzz", [])):
        member.open(PAGE + query)
        assert [row[0] for row in rows(member)] == names
    assert "No repository is like this." in member.text


def test_long_lists_have_pages(api: ApiClient, member: Browser) -> None:
    """A list of more than fifty has a second page, which keeps the search."""
    for number in range(52):
        api.repository(f"team/r{number:02}")
    member.open(f"{PAGE}?query=r")
    member.click("Next")
    assert [row[0] for row in rows(member)] == ["team/r50", "team/r51"]
    member.click("Previous")
    assert len(rows(member)) == 50


def test_reasons_disappear_one_by_one(api: ApiClient) -> None:
    """An unclaimed repository lacks everything; with a claim, a mapping and commits nothing is left."""
    repository = api.repository()
    assert reasons(api, repository) == ["unclaimed", "no_mapping", "no_commits"]
    installation = api.install()
    api.claim(repository, installation)
    api.mapping(repository, installation)
    assert reasons(api, repository) == ["no_commits"]
    api.post("commits/", {"commits": [commit()]})
    assert reasons(api, repository) == []
    api.put(f"repos/{repository['id']}/", {"status": "hidden"})
    assert reasons(api, repository) == ["hidden"]
    api.delete(f"repos/{repository['id']}/")
    assert reasons(api, repository) == ["deleted"]


def test_claim_and_everything_after_it(api: ApiClient, admin: Browser) -> None:
    """Every button of an administrator does what it says, and each change is in the audit log."""
    api.install(name="Forge")
    admin.open(PAGE)
    admin.submit("Add repository", name="team/app", url="https://git.example.com/team/app")
    admin.submit("Claim")
    assert "team/app is claimed for Forge." in admin.text
    for button, badge in (("Hide", "hidden"), ("Show", "claimed"), ("Unclaim", "unclaimed")):
        admin.submit(button)
        assert text_of(admin.first("dd .badge")) == badge
    api.post("commits/", {"commits": [commit()]})
    admin.submit("Delete this repository")
    assert text_of(admin.first("dd .badge")) == "to be deleted"
    admin.submit("Keep it")
    assert text_of(admin.first("dd .badge")) == "unclaimed"
    assert [action for action, _ in recorded(api.services, api.there.organization)][-7:] == [
        "repository.add",
        "repository.claim",
        "repository.edit",
        "repository.edit",
        "repository.unclaim",
        "repository.delete",
        "repository.edit",
    ]


def test_commits_have_their_links_and_releases(api: ApiClient, member: Browser) -> None:
    """A commit leads to its page at the code host, and to the releases that contain it."""
    repository, _ = api.claimed()
    api.release("1.0", commits=[commit(message="Mend the cart\n\nLong.")])
    member.open(f"{PAGE}/{repository['id']}")
    assert rows(member)[0][1:3] == ["Mend the cart", "Ada"]
    links = [link.attributes["href"] or "" for link in member.page.css("tbody a")]
    assert links[0].startswith("https://git.example.com/team/app/")
    assert links[1] == "/organizations/acme/releases/1.0"


@pytest.mark.parametrize("name", ["", " ", "a" * 201])
def test_wrong_name_is_refused_beside_the_form(api: ApiClient, admin: Browser, name: str) -> None:
    """A name that cannot be stored changes nothing, and the page says why."""
    admin.open(PAGE)
    admin.submit("Add repository", name=name)
    assert admin.status == 400
    assert text_of(admin.first("[role=alert]"))
    assert api.get("repos/").json() == []


@pytest.mark.parametrize("act", ["claim", "unclaim", "sync", "hide", "show", "delete", "keep", "address"])
def test_member_changes_no_repository(api: ApiClient, member: Browser, act: str) -> None:
    """A member reads repositories, sees no buttons, and may not do what they do."""
    repository, _ = api.claimed()
    before = api.get(f"repos/{repository['id']}/").json()
    member.open(f"{PAGE}/{repository['id']}")
    assert member.page.css("main form") == []
    member.post(f"{PAGE}/{repository['id']}/{act}", fields_of(member.form("Sign out")))
    assert member.status == 403
    assert api.get(f"repos/{repository['id']}/").json() == before


def test_unknown_repository_and_action_are_not_found(api: ApiClient, admin: Browser) -> None:
    """Neither a repository that is not there nor an action that no page has is an internal error."""
    repository = api.repository()
    admin.open(f"{PAGE}/{repository['id']}")
    fields = fields_of(admin.form("Hide"))
    admin.post(f"{PAGE}/{repository['id']}/burn", fields)
    assert admin.status == 404
    for path in ("999", "x"):
        admin.open(f"{PAGE}/{path}")
        assert admin.status == 404
