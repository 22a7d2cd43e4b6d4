"""Signing in and out, what other people see, and what holds for every form and error."""

import io
import json
import re
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from browsing import Browser, fields_of, signed_in
from scmhost.application import create_application
from scmhost.infra.logs import configure_logs
from scmhost.organizations import people
from scmhost.organizations.create import create_organization, create_project
from scmhost.web.sign_in import browser_name
from use_cases import recorded


def test_start_page_asks_to_sign_in(api: ApiClient) -> None:
    """Without a session every page leads to the page to sign in."""
    browser = Browser(api)
    browser.open("/")
    assert browser.path == "/sign-in?next=%2F"
    assert "Open the link that an administrator sent you" in browser.text


def test_link_signs_in_and_leads_back(api: ApiClient) -> None:
    """Opening a link changes nothing, its button signs in, and the page that was wanted follows."""
    text = people.invite(api.services, api.there.organization, "Ada").text
    browser = Browser(api)
    for _ in range(2):
        browser.open(f"/sign-in?link={text}&next=/account")
    browser.submit("Sign in")
    assert (browser.path, browser.status) == ("/account", 200)
    assert ("person.sign-in", "Ada") in recorded(api.services, api.there.organization)
    browser.open(f"/sign-in?link={text}")
    assert browser.status == 410
    assert "used already" in browser.text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"])
def test_sign_in_leads_to_no_other_host(api: ApiClient, target: str) -> None:
    """The page after the sign-in is one of this service."""
    text = people.invite(api.services, api.there.organization, "Ada").text
    browser = Browser(api)
    browser.open("/sign-in", params={"link": text, "next": target})
    answer = browser.client.post("/sign-in", data={**fields_of(browser.form("Sign in")), "next": target})
    assert answer.headers["location"] == "/"


def test_cookie_is_kept_from_scripts_and_other_sites(api: ApiClient) -> None:
    """The cookie is HttpOnly and SameSite=Lax, and Secure over TLS."""
    text = people.invite(api.services, api.there.organization, "Grace").text
    browser = Browser(api)
    browser.client.base_url = "https://testserver"
    cookie = browser.client.get(f"/sign-in?link={text}").headers["set-cookie"].lower()
    assert [flag in cookie for flag in ("httponly", "samesite=lax", "secure", "path=/")] == [True] * 4


def test_changed_cookie_is_ignored(api: ApiClient) -> None:
    """A cookie whose signature does not fit counts as none."""
    browser = signed_in(api)
    value = browser.client.cookies["scmhost"]
    browser.client.cookies.clear()
    browser.client.cookies.set("scmhost", f"{value[:-3]}xxx")
    browser.open("/account")
    assert browser.path.startswith("/sign-in")


def test_sign_out_ends_the_session(api: ApiClient) -> None:
    """After signing out, the old cookie is worthless."""
    browser = signed_in(api)
    old = browser.client.cookies["scmhost"]
    browser.submit("Sign out")
    assert "You are signed out." in browser.text
    browser.client.cookies.clear()
    browser.client.cookies.set("scmhost", old)
    browser.open("/account")
    assert browser.path.startswith("/sign-in")


def test_session_can_be_ended_from_another_browser(api: ApiClient) -> None:
    """A person sees both sessions, and ends one of them."""
    first = signed_in(api)
    ada = people.list_members(api.services, api.there.organization)[0].person
    second = Browser(api)
    second.open(f"/sign-in?link={people.invite_again(api.services, api.there.organization, ada.id).text}")
    second.submit("Sign in")
    second.open("/account")
    rows = [row for row in second.page.css("tbody tr") if "this one" not in row.text()]
    (form,) = rows[0].css("form")
    second.post("/account/sessions/end", fields_of(form))
    assert "The session has ended." in second.text
    first.open("/account")
    assert first.path.startswith("/sign-in")


@pytest.mark.parametrize("token", [{}, {"form_token": ""}, {"form_token": "0" * 64}])
def test_form_without_the_token_changes_nothing(api: ApiClient, token: dict[str, str]) -> None:
    """A form that another site sends is refused."""
    browser = signed_in(api)
    browser.post("/organizations/acme/projects", {"slug": "api", **token})
    assert browser.status == 403
    assert "came from another site" in browser.text
    browser.open("/organizations/acme")
    assert [link.text() for link in browser.page.css("tbody a")] == ["web"]


def test_token_of_another_person_is_refused(api: ApiClient) -> None:
    """The token of a form belongs to one browser."""
    mine, theirs = signed_in(api), signed_in(api, "Eve")
    mine.post("/organizations/acme/projects", {**fields_of(theirs.form("Create project")), "slug": "api"})
    assert mine.status == 403


def test_attempts_are_limited(api: ApiClient) -> None:
    """An address that guesses links is refused for a while."""
    browser = Browser(api)
    most = api.services.limits.sign_ins_per_minute
    statuses = []
    for number in range(most + 1):
        browser.open(f"/sign-in?link=guess{number}")
        statuses.append(browser.status)
    assert statuses == [410] * most + [429]
    assert int(browser.answer.headers["retry-after"]) > 0


def test_member_cannot_change(api: ApiClient, member: Browser) -> None:
    """A member sees no form that changes something, and may not send one."""
    member.open("/organizations/acme")
    assert [form.attributes["action"] for form in member.page.css("form")] == ["/sign-out"]
    token = fields_of(member.form("Sign out"))
    member.post("/organizations/acme/projects", {**token, "slug": "api"})
    assert member.status == 403
    assert "Only administrators of 'acme'" in member.text


def test_other_organizations_are_not_found(api: ApiClient, admin: Browser) -> None:
    """A page of another organization is answered like one of an organization that does not exist."""
    other = create_organization(api.services, "globex")
    create_project(api.services, other, "secret-project")
    answers = []
    for slug in ("globex", str(other.id), "no-such"):
        admin.open(f"/organizations/{slug}")
        answers.append((admin.status, admin.text.replace(slug, "SLUG").rpartition("Request id")[0]))
    assert answers[0][0] == 404
    assert len(set(answers)) == 1
    admin.open("/account")
    assert "globex" not in admin.answer.text


def test_only_administrators_of_the_host_add_organizations(api: ApiClient, admin: Browser) -> None:
    """An administrator of an organization cannot add another one."""
    token = fields_of(admin.form("Sign out"))
    admin.post("/organizations", {**token, "slug": "mine"})
    assert admin.status == 403


def test_unknown_page_is_a_page_for_browsers_alone(api: ApiClient) -> None:
    """A browser gets a page, and a client of the API the answer that it expects."""
    browser = Browser(api)
    browser.open("/no/such/page")
    assert (browser.status, "Check the address" in browser.text) == (404, True)
    assert api.client.get("/no/such/page").json() == {"detail": "Not Found"}
    assert browser.client.get("/api/0/nothing").json() == {"detail": "Not Found"}


def test_database_that_does_not_answer_is_503(api: ApiClient, admin: Browser) -> None:
    """The page names neither the database nor its address, and says what to do."""
    assert api.services.store.file
    api.services.store.close()
    moved = api.services.store.file.rename(api.services.store.file.with_suffix(".moved"))
    api.services.store.file.mkdir()
    try:
        admin.open("/account")
        assert (admin.status, "Try again in a moment" in admin.text) == (503, True)
        assert str(api.services.store.file.parent) not in admin.answer.text
        assert "retry-after" in admin.answer.headers
    finally:
        api.services.store.file.rmdir()
        moved.rename(api.services.store.file)


def test_files_of_pages_are_small_and_cached(api: ApiClient) -> None:
    """Every file that a page loads is one of this service, and the style sheet has at most 20 kB."""
    browser = Browser(api)
    browser.open("/sign-in")
    addresses = re.findall(r'(?:href|src)="(/-/[^"]+)"', browser.answer.text)
    answers = {address.partition("?")[0]: browser.client.get(address) for address in addresses}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers.values())
    assert len(answers["/-/scmhost.css"].content) <= 20_000
    assert browser.client.get("/-/nothing.css").status_code == 404


def test_pages_can_be_turned_off(tmp_path: Path) -> None:
    """Without pages ``/`` is unknown, and the API works."""
    with open_api(tmp_path, f"{PLUGINS_TOML}\n[web]\nenabled = false\n", background=False) as api:
        app = create_application(api.services)
        paths = {getattr(route, "path", "") for route in app.routes}
    assert paths.isdisjoint({"/", "/sign-in", "/-/{name}"})


def test_pages_below_a_path_of_a_proxy(tmp_path: Path) -> None:
    """All addresses of pages begin with the path of ``[host] url``."""
    configuration = PLUGINS_TOML.replace("[host]", '[host]\nurl = "https://tools.example.com/links"')
    with open_api(tmp_path, configuration, background=False) as api:
        browser = Browser(api)
        answer = browser.client.get("/account")
        assert answer.headers["location"].startswith("/links/sign-in?next=%2Faccount")
        text = people.invite(api.services, api.there.organization, "Ada").text
        browser.open("/sign-in", params={"link": text, "next": "/links/account"})
        form = fields_of(browser.form("Sign in"))
        # The proxy takes the path away, which the cookie belongs to.
        value = browser.client.cookies["scmhost"]
        browser.client.cookies.clear()
        browser.client.cookies.set("scmhost", value)
        assert browser.client.post("/sign-in", data=form).headers["location"] == "/links/account"
        browser.client.cookies.clear()
        page = browser.open("/sign-in")
        local = [node.attributes.get("href") or node.attributes.get("src") for node in page.css("[href], [src]")]
        assert {str(address)[:7] for address in local if not str(address).startswith("#")} == {"/links/"}


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)
def test_browser_has_a_short_name(client: str, name: str) -> None:
    """A person recognizes a session by the browser and the system."""
    assert browser_name(client) == name


@pytest.mark.parametrize(
    "path",
    [
        "/organizations/%00",
        "/organizations/%ff%fe",
        "/organizations/" + "a" * 3_000,
        "/organizations/acme/projects/%ed%a0%80",
        "/organizations/acme/projects/web/mappings/9999999999999999999",
        "/organizations/acme/projects/web/mappings/-1",
        "/organizations/acme/projects/web/mappings/%3Cscript%3E",
        "/organizations/acme?cursor=%3Cscript%3E",
        "/-/..%2f..%2fpages.py",
    ],
)
def test_hostile_address_is_an_ordinary_error(admin: Browser, path: str) -> None:
    """An address that nobody links to is answered with 400 or 404, and its text is escaped."""
    admin.open(path)
    assert admin.status in (400, 404)
    assert admin.page.css("script:not([src])") == []


def test_log_has_the_person_and_the_organization(api: ApiClient) -> None:
    """The line of a request of a page has both as in the audit log, and a page of another organization has none."""
    browser = signed_in(api)
    create_organization(api.services, "globex")
    (ada,) = people.list_members(api.services, api.there.organization)
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs()
        browser.open("/organizations/acme")
        browser.open("/organizations/globex")
    configure_logs(quiet=True)
    lines = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "request"]
    assert [(line.get("person"), line.get("organization")) for line in lines] == [
        (ada.person.id, "acme"),
        (ada.person.id, None),
    ]


def test_long_names_are_not_repeated_as_a_whole(api: ApiClient) -> None:
    """A page with the error of a form, or with a query, stays small."""
    browser = signed_in(api, host_admin=True)
    browser.open("/")
    browser.submit("Create organization", slug="X" * 100_000)
    assert (browser.status, "is not valid" in browser.text) == (400, True)
    browser.open("/organizations/acme/repositories", params={"query": "'" * 15_000})
    assert browser.status == 200
