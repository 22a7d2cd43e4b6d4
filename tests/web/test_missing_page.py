"""The page of frames without a link, and the way from it to the missing mapping."""

from api import ApiClient
from browsing import Browser, text_of
from scmhost.links.missing import save_missing
from scmhost.redirects.keys import create_key

PAGE = "/organizations/acme/missing"
HOSTILE = "/<img/src=x>/"


def test_missing_mapping_is_found_and_made(api: ApiClient, admin: Browser, member: Browser) -> None:
    """The most frequent root is first, and leads to the form with the root filled in; a member only reads."""
    api.claimed()
    for path in ("/srv/app/a.py", "/srv/app/b/c.py", f"{HOSTILE}x.py"):
        api.link(file=path)
    save_missing(api.services)
    admin.open(PAGE)
    rows = [[text_of(cell, " ") for cell in row.css("td")][:4] for row in admin.page.css("tbody tr")]
    reason = "The project has no code mappings."
    assert rows == [["2", "/srv/app/", "web", reason], ["1", HOSTILE, "web", reason]]
    assert admin.page.css("img") == []
    admin.click("Make this mapping for /srv/app/")
    assert admin.first("#stack_root").attributes["value"] == "/srv/app/"
    admin.submit("Save", do="save", source_root="src/", default_branch="main")
    assert "The code mapping is saved." in admin.text
    assert api.link(file="/srv/app/a.py")["sourceUrl"]
    member.open(PAGE)
    assert (member.status, member.page.css("main .button")) == (200, [])


def test_redirect_without_a_link_is_counted_once(api: ApiClient, member: Browser) -> None:
    """A redirect tries derived mappings too, and still counts as one frame."""
    _, key = create_key(api.services, api.there.organization, "x")
    api.client.get(f"/r/{key}?file=/srv/app/x.py&project=web")
    save_missing(api.services)
    member.open(PAGE)
    assert [text_of(cell) for cell in member.page.css("tbody td.figure")] == ["1"]


def test_redirect_without_a_project_counts_for_the_nearest(api: ApiClient, member: Browser) -> None:
    """Of several projects, the one that has code mappings gets the frame."""
    api.mapping(*api.claimed())
    api.post("projects/", {"name": "api", "slug": "api"})
    _, key = create_key(api.services, api.there.organization, "sentry")
    api.client.get(f"/r/{key}?file=/opt/x.py")
    save_missing(api.services)
    member.open(PAGE)
    rows = [[text_of(cell, " ") for cell in row.css("td")][:3] for row in member.page.css("tbody tr")]
    assert rows == [["1", "/opt/", "web"]]
