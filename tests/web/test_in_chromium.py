"""Every page in a real browser: accessibility in light and dark, keyboard, narrow screens, the policy for scripts."""

from collections.abc import Iterator
from typing import Any

import pytest

from api import ApiClient
from chromium import axe_source, findings, open_chromium
from scmhost.links.code_mappings import mappings_in_order
from scmhost.redirects.keys import create_key
from shown_pages import TRACE, link_for, open_sample, served

PROJECT = "/organizations/acme/projects/web"
MONEY = "/builds/worker/site/src/lib/money.ts"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser that all tests share."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with sample data."""
    with open_sample(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(api: ApiClient) -> Iterator[str]:
    """The address of the service."""
    with served(api) as address:
        yield address


def open_context(chromium: Any, url: str, link: str = "", **options: Any) -> Any:
    """Return a page of a new context, signed in with a link."""
    page = chromium.new_context(base_url=url, **options).new_page()
    page.set_default_timeout(10_000)
    if link:
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
    return page


def pages_of(api: ApiClient) -> dict[str, str]:
    """Return the address of each page by its name."""
    listed, _ = mappings_in_order(api.services, api.there.organization, api.there.project, 1)
    _, key = create_key(api.services, api.there.organization, "sentry")
    return {
        "start": "/",
        "account": "/account",
        "organization": "/organizations/acme",
        "paste": PROJECT,
        "mappings": f"{PROJECT}/mappings",
        "new mapping": f"{PROJECT}/mappings/new?path={MONEY}&line=9",
        "mapping": f"{PROJECT}/mappings/{listed[0].mapping.id}",
        "derive": f"{PROJECT}/mappings/derive",
        "not found": "/no/such/page",
        "reason": f"/r/{key}?file=/opt/x.py",
        "link used": "/sign-in?link=used",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(chromium: Any, api: ApiClient, url: str, scheme: str) -> None:
    """axe-core finds nothing serious on any page, no page breaks its own policy, and none is wider than a telephone."""
    axe = axe_source()
    page = open_context(chromium, url, link_for(api, host_admin=True), color_scheme=scheme)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.on("pageerror", lambda error: refused.append(str(error)))
    found: dict[str, list[str]] = {}
    for name, address in pages_of(api).items():
        page.goto(address)
        found[name] = findings(page, axe)
        found[f"{name}, width"] = wider_than_a_telephone(page)
    page.goto(PROJECT)
    page.get_by_label("Stack trace, output or event").fill(TRACE)
    page.get_by_role("button", name="Find the source").click()
    for summary in page.get_by_text("What was tried").all():
        summary.click()
    found["links"] = [*findings(page, axe), *wider_than_a_telephone(page)]
    page.context.close()
    assert {name: each for name, each in found.items() if each} == {}
    # The pages that are not there say so in the console too.
    assert [text for text in refused if "404" not in text and "410" not in text] == []


_TOO_WIDE = """
document.documentElement.scrollWidth <= 360 ? [] : [...document.querySelectorAll("html, body *")]
  .filter(each => each.getBoundingClientRect().right > 360 || each === document.documentElement)
  .map(each => each.outerHTML.slice(0, 200))
"""


def wider_than_a_telephone(page: Any) -> list[str]:
    """Return the elements that make a page wider than a narrow screen."""
    page.set_viewport_size({"width": 360, "height": 700})
    wide: list[str] = page.evaluate(_TOO_WIDE)
    page.set_viewport_size({"width": 1280, "height": 720})
    return wide


def test_keyboard_alone_is_enough(chromium: Any, api: ApiClient, url: str) -> None:
    """The first Tab skips to the content, a text is sent with Ctrl+Enter, and the focus is always visible."""
    page = open_context(chromium, url, link_for(api))
    page.goto(f"{PROJECT}/mappings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Derive from a trace"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.goto(PROJECT)
    page.keyboard.type('File "/srv/shop/shop/cart.py", line 41, in total')
    page.keyboard.press("Control+Enter")
    page.get_by_role("heading", name="1 of 1 frame has a link").wait_for()
    page.context.close()


def test_file_is_dropped_into_the_text(chromium: Any, api: ApiClient, url: str) -> None:
    """A dropped file becomes the text; without scripts the same page takes a pasted one."""
    page = open_context(chromium, url, link_for(api))
    page.goto(PROJECT)
    transfer = page.evaluate_handle(
        "text => { const data = new DataTransfer(); data.items.add(new File([text], 'a.txt')); return data }", TRACE
    )
    page.dispatch_event("textarea", "drop", {"dataTransfer": transfer})
    page.wait_for_function("document.querySelector('textarea').value.includes('Traceback')")
    page.context.close()
    plain = open_context(chromium, url, link_for(api), java_script_enabled=False)
    plain.goto(PROJECT)
    plain.get_by_label("Stack trace, output or event").fill(TRACE)
    plain.get_by_role("button", name="Find the source").click()
    plain.get_by_role("heading", name="4 of 6 frames have a link").wait_for()
    plain.context.close()
