"""Releases on pages: the list, and commits, files, refs, deploys and comparisons of one."""

from api import OLDER_SHA, SHA, ApiClient, commit
from browsing import Browser, fields_of, text_of

PAGE = "/organizations/acme/releases"


def rows(browser: Browser, region: str) -> list[list[str]]:
    """Return the texts of the table with this name."""
    table = browser.first(f"[aria-label='{region}']")
    return [[text_of(cell, " ") for cell in row.css("td")] for row in table.css("tbody tr")]


def test_release_has_everything_that_builds_reported(api: ApiClient, member: Browser) -> None:
    """The list leads to the release with its ref, comparison, deploy, commits and files."""
    api.claimed()
    api.release("1.0+a", commits=[commit()], refs=[{"repository": "team/app", "commit": f"{OLDER_SHA}..{SHA}"}])
    api.post("releases/1.0+a/deploys/", {"environment": "production", "url": "https://ci.example.com/7", "name": "7"})
    member.open(PAGE)
    assert rows(member, "Releases")[0][:4] == ["1.0+a", "web", "1", SHA[:12]]
    member.click("1.0+a")
    assert rows(member, "Refs") == [["team/app", SHA[:12], OLDER_SHA[:12], "compare team/app"]]
    compare = member.first("[aria-label=Refs] td:last-child a").attributes["href"] or ""
    assert compare.startswith("https://git.example.com/team/app/compare/")
    assert rows(member, "Deploys")[0][:2] == ["production", "7"]
    assert rows(member, "Commits")[0][:3] == [SHA[:12], "Mend it team/app", "Ada"]
    member.click("Changed files")
    assert rows(member, "Files") == [["changed", "src/a.py", "team/app", SHA[:12]]]


def test_search_and_project_limit_the_list(api: ApiClient, member: Browser) -> None:
    """Releases are found by a part of the version and by the project; an unknown project is a problem of the form."""
    api.post("/api/0/teams/acme/acme/projects/", {"name": "api", "slug": "api"})
    api.release("1.0")
    api.release("2.0")
    for query, names in (("query=2", ["2.0"]), ("project=web", ["2.0", "1.0"]), ("query=x", [])):
        member.open(f"{PAGE}?{query}")
        assert [text_of(cell) for cell in member.page.css("tbody td:first-child")] == names
    member.open(f"{PAGE}?project=none")
    assert text_of(member.first("[role=alert]"))


def test_address_of_a_deploy_is_a_link_only_if_it_is_safe(api: ApiClient, member: Browser) -> None:
    """What a build sends as an address is never a script."""
    api.release("1.0", url="javascript:alert(1)")
    api.post("releases/1.0/deploys/", {"environment": "production", "url": "javascript:alert(2)", "name": "x"})
    member.open(f"{PAGE}/1.0")
    assert member.status == 200
    assert [a for a in member.page.css("a") if (a.attributes["href"] or "").startswith("javascript")] == []


def test_only_administrators_delete(api: ApiClient, admin: Browser, member: Browser) -> None:
    """Deleting keeps the commits; a member may not."""
    api.claimed()
    api.release("1.0", commits=[commit()])
    member.open(f"{PAGE}/1.0")
    assert member.page.css("main form") == []
    member.post(f"{PAGE}/1.0/delete", fields_of(member.form("Sign out")))
    assert member.status == 403
    admin.open(f"{PAGE}/1.0")
    admin.submit("Delete this release")
    assert admin.path == PAGE
    admin.open(f"{PAGE}/1.0")
    assert admin.status == 404
    assert api.post("commits/missing/", {"repository": "team/app", "ids": [SHA]}).json() == {"missing": []}
