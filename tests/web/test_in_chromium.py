"""Every page in a real browser: accessibility in light and dark, keyboard, narrow screens, the policy for scripts."""

from collections.abc import Iterator
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from chromium import COLOURS, RULES, axe_source, findings, open_chromium
from scmhost.links.code_mappings import mappings_in_order
from scmhost.links.sharing import share_trace
from scmhost.links.traces import LinksIn
from scmhost.organizations.people import first_invitation
from shown_pages import TRACE, link_for, open_sample, redirect_for, served

PROJECT = "/organizations/acme/projects/web"
STATUS = {"not found": 404, "reason": 404, "key unknown": 404, "link used": 410}
MONEY = "/builds/worker/site/src/lib/money.ts"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser that all tests share."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with sample data, and a second project with files of the same names."""
    with open_sample(tmp_path_factory.mktemp("chromium")) as opened:
        project = opened.post("projects/", {"name": "till"}).json()["id"]
        sites = [each for each in opened.get("repos/").json() if each["name"] == "team/site"]
        roots = {"stackRoot": "/srv/shop/", "sourceRoot": f"services/{'x' * 40}/"}
        (installation,) = opened.get("integrations/").json()
        assert opened.mapping(sites[0], installation, projectId=project, **roots).status_code == 201
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
    return {
        "start": "/",
        "account": "/account",
        "organization": "/organizations/acme",
        "people": "/organizations/acme/people",
        "paste": PROJECT,
        "mappings": f"{PROJECT}/mappings",
        "new mapping": f"{PROJECT}/mappings/new?path={MONEY}&line=9",
        "mapping": f"{PROJECT}/mappings/{listed[0].mapping.id}",
        "derive": f"{PROJECT}/mappings/derive",
        "shared": f"{PROJECT}/traces/{_shared(api)}",
        "shared traces": f"{PROJECT}/traces",
        "settings of a project": f"{PROJECT}/settings",
        "settings": "/organizations/acme/settings",
        **_pages_of_things(api),
        "not found": "/no/such/page",
        "reason": redirect_for(api, f"/opt/releases/{'x' * 80}/shop/a.py"),
        "choice": redirect_for(api, "/srv/shop/shop/cart.py"),
        "key unknown": f"/r/1-{'a' * 43}?file=x.py",
        "link used": "/sign-in?link=used",
    }


def _shared(api: ApiClient) -> int:
    """Return the id of a shared trace."""
    return share_trace(api.services, api.there.organization, api.there.project, LinksIn(text=TRACE)).id


def _pages_of_things(api: ApiClient) -> dict[str, str]:
    """Return the addresses of repositories, installations, releases, tokens and the host."""
    organization = "/organizations/acme"
    repository = f"{organization}/repositories/{api.get('repos/').json()[0]['id']}"
    installation = f"{organization}/installations/{api.get('integrations/').json()[0]['id']}"
    return {
        "repositories": f"{organization}/repositories",
        "repository": repository,
        "installations": f"{organization}/installations",
        "installation": installation,
        "configuration": f"{installation}/configuration",
        "offers": f"{installation}/repositories",
        "install": f"{organization}/installations/new/custom_scm",
        "releases": f"{organization}/releases",
        "release": f"{organization}/releases/1.4.2",
        "files": f"{organization}/releases/1.4.2/files",
        "missing": f"{organization}/missing",
        "tokens": f"{organization}/tokens",
        "plugins": "/host",
        "plugin": "/host/plugins/custom_scm",
        "flags": "/host/flags?organization=acme",
        "doctor": "/host/doctor",
        "audit": "/host/audit?organization=acme",
        "people of the host": "/host/people",
        "jobs": "/host/jobs",
    }


@pytest.mark.parametrize(("scheme", "rules"), [("light", RULES), ("dark", COLOURS)], ids=["light", "dark"])
def test_pages_are_accessible(chromium: Any, api: ApiClient, url: str, scheme: str, rules: dict[str, Any]) -> None:
    """axe-core finds nothing serious on any page, no page breaks its own policy, and none is wider than a telephone."""
    axe = axe_source()
    page = open_context(chromium, url, link_for(api, host_admin=True), color_scheme=scheme)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.on("pageerror", lambda error: refused.append(str(error)))
    found: dict[str, list[str]] = {}
    for name, address in pages_of(api).items():
        assert page.goto(address).status == STATUS.get(name, 200), name
        found[name] = findings(page, axe, rules)
        found[f"{name}, width"] = wider_than_a_telephone(page)
    page.goto(PROJECT)
    page.get_by_label("Stack trace, output or event").fill(TRACE)
    page.get_by_role("button", name="Find the source").click()
    for summary in page.get_by_text("What was tried").all():
        summary.click()
    found["links"] = [*findings(page, axe, rules), *wider_than_a_telephone(page)]
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


def test_address_contains_the_text(chromium: Any, api: ApiClient, url: str) -> None:
    """The text is after the # of the address, which reaches no server. A signed-in person who opens it has links."""
    page = open_context(chromium, url, link_for(api), permissions=["clipboard-read", "clipboard-write"])
    page.goto(PROJECT)
    page.get_by_label("Stack trace, output or event").fill(f"{TRACE}\u2014 \U0001f4a5")
    page.get_by_role("button", name="Copy an address with the text").click()
    page.get_by_text("The address is copied.").wait_for()
    address = page.evaluate("navigator.clipboard.readText()")
    assert address.startswith(f"{url}{PROJECT}#trace=")
    other = open_context(chromium, url, link_for(api))
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    other.goto(address)
    other.get_by_role("heading", name="4 of 6 frames have a link").wait_for()
    assert other.get_by_label("Stack trace, output or event").input_value() == f"{TRACE}\u2014 \U0001f4a5"
    other.goto("/account")
    other.goto(f"{PROJECT}#trace=cut_on_its_way")
    other.get_by_role("heading", name="Links of a trace").wait_for()
    assert [each for each in asked if "trace=" in each.partition("#")[0]] == []
    page.context.close()
    other.context.close()


def test_examples_follow_what_is_typed(chromium: Any, api: ApiClient, url: str) -> None:
    """The addresses of the sample repository change with the template, and a wrong one is named."""
    page = open_context(chromium, url, link_for(api))
    page.goto("/organizations/acme/installations/new/custom_scm")
    page.get_by_label("Name").fill("Forge")
    page.get_by_label("URL", exact=True).fill("https://git.acme.example")
    page.get_by_label("Preset").select_option("forgejo")
    examples = page.get_by_role("region", name="Examples")
    examples.get_by_text("/src/branch/main/src/cart.py#L41").wait_for()
    page.get_by_text("more fields").click()
    page.get_by_label("Template", exact=False).first.fill("{repo_url}/show/{ref}/{path}")
    examples.get_by_text("https://git.acme.example/team/app/show/main/src/cart.py").wait_for()
    page.get_by_label("Template", exact=False).first.fill("{nothing}")
    examples.get_by_text("None yet").wait_for()
    page.context.close()


def test_second_click_sends_no_second_form(chromium: Any, api: ApiClient, url: str) -> None:
    """A double click on a button does what it says once; another form of the page works meanwhile."""
    page = open_context(chromium, url, link_for(api))
    page.goto("/organizations/acme/people")
    page.get_by_label("Name").fill("Grace Double")
    page.get_by_role("button", name="Invite").dblclick()
    page.get_by_text("Send this link to Grace Double").wait_for()
    page.goto("/organizations/acme/people")
    assert page.get_by_role("cell", name="Grace Double").count() == 1
    page.context.close()


def test_from_a_fresh_service_to_a_link(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With only the address that the first start prints, a person comes to a correct link with twelve clicks."""
    configuration = PLUGINS_TOML.replace('allow = { organizations = ["acme"] }', "default = true")
    folder = tmp_path_factory.mktemp("fresh")
    with open_api(folder, configuration, background=False) as fresh, served(fresh) as address:
        first = first_invitation(fresh.services)
        assert first
        page = open_context(chromium, address)
        clicks = Clicks(page)
        page.goto(f"/sign-in?link={first}")
        clicks.button("Sign in")
        page.get_by_label("Slug").fill("globex")
        clicks.button("Create organization")
        clicks.link("Code hosts")
        clicks.link("Install CustomSCM")
        page.get_by_label("Name").fill("Globex Forge")
        page.get_by_label("URL").fill("https://git.globex.example")
        page.get_by_label("Preset").select_option("forgejo")
        clicks.button("Install")
        page.get_by_label("Name").fill("team/shop")
        page.get_by_label("Address of its page").fill("https://git.globex.example/team/shop")
        clicks.button("Claim")
        clicks.link("Projects")
        page.get_by_label("Slug").fill("shop")
        clicks.button("Create project")
        clicks.link("Code mappings")
        clicks.link("Add a code mapping")
        page.get_by_label("Path in the trace").fill("/srv/shop/shop/cart.py")
        source = "https://git.globex.example/team/shop/src/branch/main/shop/cart.py"
        page.get_by_label("Address of the file's page").fill(source)
        clicks.button("Fill in")
        link = page.get_by_role("region", name="Difference").get_by_role("link")
        assert link.get_attribute("href") == source
        clicks.button("Save")
        page.get_by_text("The code mapping is saved.").wait_for()
        assert clicks.number == 12
        page.context.close()


class Clicks:
    """Clicks and counts."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self.number = 0

    def button(self, name: str) -> None:
        """Press a button of the content."""
        self._click("button", name)

    def link(self, name: str) -> None:
        """Follow a link."""
        self._click("link", name)

    def _click(self, role: str, name: str) -> None:
        self._page.get_by_role(role, name=name, exact=True).click()
        self.number += 1
