"""A browser without a screen: it follows links, fills in forms, and checks every page that it sees."""

from typing import Any
from urllib.parse import urljoin

from fastapi.testclient import TestClient
from httpx2 import Response
from selectolax.lexbor import LexborHTMLParser, LexborNode

from api import ApiClient
from scmhost.organizations import people
from scmhost.organizations.people_queries import Role

LARGEST_PAGE = 60_000


class Browser:
    """A browser of one person, with cookies of its own."""

    def __init__(self, api: ApiClient) -> None:
        self.client = TestClient(
            api.client.app, follow_redirects=False, headers={"Accept": "text/html"}, raise_server_exceptions=False
        )
        self.answer = Response(200)
        self.page = LexborHTMLParser("")
        self.path = "/"

    def open(self, path: str, **options: Any) -> LexborHTMLParser:
        """Open an address, and follow redirects inside the service."""
        return self._show(path, self.client.get(path, **options))

    def submit(self, label: str, **fields: str) -> LexborHTMLParser:
        """Send the form whose button has this label, with these fields filled in."""
        form = self.form(label)
        sent = {**fields_of(form), **fields}
        path = urljoin(self.path, form.attributes.get("action") or self.path)
        if form.attributes.get("method") == "post":
            return self.post(path, sent)
        return self.open(path, params=sent)

    def post(self, path: str, fields: dict[str, str]) -> LexborHTMLParser:
        """Send fields as a form does."""
        return self._show(path, self.client.post(path, data=fields))

    def form(self, label: str) -> LexborNode:
        """Return the first form whose button has this label."""
        for form in self.page.css("form"):
            if any(text_of(button) == label for button in form.css("button")):
                return form
        raise AssertionError(f"no form with the button {label!r} on {self.path}: {self.text[:2000]}")

    def click(self, label: str) -> LexborHTMLParser:
        """Follow the first link with this text."""
        for link in self.page.css("a"):
            if text_of(link) == label:
                return self.open(urljoin(self.path, link.attributes["href"] or ""))
        raise AssertionError(f"no link {label!r} on {self.path}: {self.text[:2000]}")

    def first(self, selector: str) -> LexborNode:
        """Return the first element that a selector matches."""
        node = self.page.css_first(selector)
        assert node, f"no {selector} on {self.path}: {self.text[:2000]}"
        return node

    @property
    def text(self) -> str:
        """The text of the page, with single blanks."""
        return text_of(self.page.css_first("main") or self.page.root, " ")

    @property
    def status(self) -> int:
        return self.answer.status_code

    def _show(self, path: str, answer: Response) -> LexborHTMLParser:
        self.path = path
        hops = 0
        while answer.is_redirect and answer.headers["location"].startswith("/") and hops < 5:
            self.path = answer.headers["location"]
            answer, hops = self.client.get(self.path), hops + 1
        self.answer = answer
        self.page = LexborHTMLParser(answer.text)
        if answer.headers.get("content-type", "").startswith("text/html"):
            check_page(self.page, answer)
        return self.page


def check_page(page: LexborHTMLParser, answer: Response) -> None:
    """Check what holds for every page: its size, its headers, its forms, and that nothing is inline."""
    assert len(answer.content) <= LARGEST_PAGE
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert page.css_first("html[lang]")
    assert len(page.css("h1")) == 1
    assert page.css("[style], style, script:not([src]), [onclick], [onload], [onerror]") == []
    for form in page.css("form[method=post]"):
        token = form.css_first("input[name=form_token]")
        assert token
        assert token.attributes["value"]
    for control in page.css("input:not([type=hidden]), select, textarea"):
        assert page.css_first(f"label[for='{control.attributes['id']}']"), control.html
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))


def text_of(node: LexborNode | None, separator: str = "") -> str:
    """Return the text of an element, with single blanks."""
    return " ".join(node.text(separator=separator).split()) if node else ""


def fields_of(form: LexborNode) -> dict[str, str]:
    """Return the fields of a form as a browser sends them without changes."""
    fields: dict[str, str] = {}
    for node in form.css("input, textarea, select"):
        name = node.attributes.get("name")
        if not name or (node.attributes.get("type") in ("checkbox", "radio") and "checked" not in node.attributes):
            continue
        if node.tag == "select":
            chosen = node.css_first("option[selected]") or node.css_first("option")
            fields[name] = (chosen.attributes.get("value") or "") if chosen else ""
        elif node.tag == "textarea":
            fields[name] = node.text()
        else:
            fields[name] = node.attributes.get("value") or ""
    return fields


def signed_in(api: ApiClient, name: str = "Ada", role: Role = "admin", *, host_admin: bool = False) -> Browser:
    """Return the browser of a person of the organization who has signed in."""
    organization = None if host_admin else api.there.organization
    invitation = people.invite(api.services, organization, name, role=role, host_admin=host_admin)
    browser = Browser(api)
    browser.open(f"/sign-in?link={invitation.text}")
    browser.submit("Sign in")
    assert browser.status == 200, browser.text
    return browser
