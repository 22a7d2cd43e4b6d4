"""From the page of a redirect without a link to the missing code mapping."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from browsing import Browser, signed_in
from shown_pages import open_sample, redirect_for

MONEY = "/builds/worker/site/src/lib/other.ts"


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with commits and code mappings."""
    with open_sample(tmp_path_factory.mktemp("reasons")) as opened:
        yield opened


def test_missing_mapping_is_made_from_the_reason(api: ApiClient) -> None:
    """An administrator follows the reason, sees the link, saves, and the same redirect leads to the source."""
    address = redirect_for(api, MONEY, line="7")
    browser = signed_in(api)
    answer = browser.client.get(address)
    assert answer.status_code == 404
    browser._show(address, answer)
    browser.click("Make this mapping for web")
    assert browser.first("#path").attributes["value"] == MONEY
    page = "https://git.acme.example/team/site/src/branch/main/src/lib/other.ts"
    browser.submit("Fill in", do="read", source_url=page)
    assert f"{page}#L7" in [link.attributes["href"] for link in browser.page.css("tbody a")]
    browser.submit("Save", do="save")
    assert browser.client.get(address).headers["location"] == f"{page}#L7"


def test_stack_root_is_the_folder_if_no_file_is_known(api: ApiClient) -> None:
    """A person begins with a root that fits the frame, also one of Windows; a class of the JVM has no folder."""
    browser = signed_in(api)
    for path, root in (("/opt/new/x.py", "/opt/new/"), ("C:%5Capp%5Cx.cs", "C:\\app\\"), ("x.py", "")):
        browser.open(f"/organizations/acme/projects/web/mappings/new?path={path}")
        assert browser.first("#stack_root").attributes["value"] == root
    browser.open("/organizations/acme/projects/web/mappings/new?path=X/Cart.java&module=a.Cart")
    assert browser.first("#stack_root").attributes["value"] == ""


def test_who_is_not_signed_in_comes_back_to_the_form(api: ApiClient) -> None:
    """The link of the reason leads through the sign-in, and then to the form with the frame."""
    browser = Browser(api)
    address = redirect_for(api, MONEY)
    browser._show(address, browser.client.get(address))
    browser.click("Make this mapping for web")
    assert browser.path.startswith("/sign-in?next=%2Forganizations%2Facme%2Fprojects%2Fweb%2Fmappings%2Fnew%3Fpath%3D")


def test_member_is_refused(api: ApiClient) -> None:
    """A member reads the reason, and may not make the mapping."""
    browser = signed_in(api, "Eve", "member")
    address = redirect_for(api, MONEY)
    browser._show(address, browser.client.get(address))
    browser.click("Make this mapping for web")
    assert browser.status == 403


def test_reason_that_no_mapping_mends_offers_none(api: ApiClient) -> None:
    """A frame without a source file needs no code mapping."""
    browser = Browser(api)
    for address in (redirect_for(api, "<anonymous>"), redirect_for(api, "src/a.py", repo="https://a.example/no/such")):
        answer = browser.client.get(address)
        assert answer.status_code == 404
        assert "What was tried" in answer.text
        assert "Make this mapping" not in answer.text


def test_without_pages_nothing_is_offered(tmp_path: Path) -> None:
    """With pages turned off, the reason has no link to them."""
    with open_api(tmp_path, f"{PLUGINS_TOML}\n[web]\nenabled = false\n", background=False) as api:
        answer = api.client.get(redirect_for(api, "/srv/a.py"))
    assert (answer.status_code, "Make this mapping" in answer.text) == (404, False)
