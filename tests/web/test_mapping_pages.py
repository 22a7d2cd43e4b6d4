"""Code mappings on pages: list, add, try, change, delete, derive, and what hostile names look like."""

from collections.abc import Iterator

import pytest

from api import ApiClient
from browsing import Browser, fields_of, signed_in
from scmhost.links.code_mappings import mappings_in_order
from scmhost.links.sharing import share_trace
from scmhost.links.traces import LinksIn
from scmhost.organizations.create import create_organization, create_project
from scmhost.organizations.queries import Project
from shown_pages import TRACE, open_sample
from use_cases import recorded

PAGE = "/organizations/acme/projects/web/mappings"
MONEY = "/builds/worker/site/src/lib/money.ts"


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A service with commits and two code mappings."""
    with open_sample(tmp_path_factory.mktemp("mappings")) as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """The same service for all tests that change nothing."""
    with open_sample(tmp_path_factory.mktemp("unchanged")) as opened:
        yield opened


@pytest.fixture(scope="module")
def looking(unchanged: ApiClient) -> Browser:
    """The browser of an administrator who changes nothing."""
    return signed_in(unchanged)


def roots(api: ApiClient) -> list[tuple[str, str, str, str | None]]:
    """Return the mappings in their order: repository, stack root, source root and branch."""
    listed, _ = mappings_in_order(api.services, api.there.organization, api.there.project, 100)
    return [
        (each.repository.name, each.mapping.stack_root, each.mapping.source_root, each.mapping.default_branch)
        for each in listed
    ]


def button(browser: Browser, label: str, do: str, **fields: str) -> None:
    """Press one of the buttons of the form of a mapping."""
    browser.submit(label, do=do, **fields)


SHOP = [("team/shop", "/srv/shop/shop/checkout/", "shop/checkout/", "main"), ("team/shop", "/srv/shop/", "", "main")]


def test_list_has_the_order_of_evaluation(looking: Browser) -> None:
    """The longer stack root is above the shorter one."""
    looking.open(PAGE)
    rows = [[cell.text(strip=True) for cell in row.css("td")][:5] for row in looking.page.css("tbody tr")]
    assert rows == [
        ["1", "/srv/shop/shop/checkout/", "team/shop", "shop/checkout/", "main"],
        ["2", "/srv/shop/", "team/shop", "(root)", "main"],
    ]


def test_mapping_from_the_page_of_a_file(api: ApiClient, admin: Browser) -> None:
    """The address of the file's page fills in the roots; the link is shown before the mapping is saved."""
    admin.open(f"{PAGE}/new")
    address = "https://git.acme.example/team/site/src/branch/trunk/src/lib/money.ts"
    button(admin, "Fill in", "read", path="/data/app/lib/money.ts", source_url=address)
    assert admin.status == 200
    assert admin.first("#stack_root").attributes["value"] == "/data/app/"
    assert admin.first("#source_root").attributes["value"] == "src/"
    assert admin.first("option[selected]").attributes["value"] == "team/site"
    assert address in [link.attributes["href"] for link in admin.page.css("tbody a")]
    assert len(roots(api)) == 2
    button(admin, "Save", "save")
    assert (admin.path, "The code mapping is saved." in admin.text) == (PAGE, True)
    assert ("team/site", "/data/app/", "src/", "trunk") in roots(api)
    assert recorded(api.services, api.there.organization)[-1] == ("code-mapping.create", "/data/app/")


def test_known_files_fill_in_the_roots(api: ApiClient, admin: Browser) -> None:
    """For a frame whose file is known the form is filled in and tried at once."""
    admin.open(f"{PAGE}/new?path={MONEY}&line=9")
    assert "The roots are filled in" in admin.text
    assert admin.first("#stack_root").attributes["value"] == "/builds/worker/site/"
    button(admin, "Save", "save")
    assert ("team/site", "/builds/worker/site/", "", None) in roots(api)


def test_changed_fields_are_tried_before_they_are_saved(api: ApiClient, admin: Browser) -> None:
    """Pressing Save with other fields than those that were tried shows what they would give instead."""
    admin.open(f"{PAGE}/new?path={MONEY}&line=9")
    button(admin, "Save", "save", stack_root="/builds/", default_branch="main")
    assert (admin.status, len(roots(api))) == (200, 2)
    assert "/src/branch/main/worker/site/src/lib/money.ts" in admin.answer.text
    button(admin, "Save", "save")
    assert ("team/site", "/builds/", "", "main") in roots(api)


def test_difference_on_a_trace(unchanged: ApiClient, looking: Browser) -> None:
    """Trying a change shows the frames that would get another link, and saves nothing."""
    looking.open(PAGE)
    looking.click("Edit /srv/shop/")
    button(looking, "Try", "try", source_root="other/", text=TRACE)
    rows = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in looking.page.css("tbody tr")]
    assert looking.first("h2").text() == "2 of 6 frames would change"
    assert [row[0] for row in rows] == ["/srv/shop/shop/__main__.py:14", "/srv/shop/shop/cart.py:41"]
    assert "team/shop: shop/cart.py at main" in rows[1][1]
    assert "team/shop: other/shop/cart.py at main" in rows[1][2]
    assert "no known commit has this file" in rows[1][2]
    assert roots(unchanged) == SHOP


def test_mapping_is_tried_on_the_trace_that_was_shared_last(api: ApiClient, admin: Browser) -> None:
    """What was entered stays; the button is there while a trace is shared."""
    admin.open(PAGE)
    admin.click("Edit /srv/shop/")
    label = "Try it on the trace that was shared last"
    assert label not in admin.text
    share_trace(api.services, api.there.organization, api.there.project, LinksIn(text=TRACE))
    admin.open(admin.path)
    button(admin, label, "shared", source_root="other/")
    assert admin.first("h2").text() == "2 of 6 frames would change"
    assert admin.first("#source_root").attributes["value"] == "other/"
    assert admin.first("#text").text().strip() == TRACE.strip()


def test_change_and_delete(api: ApiClient, admin: Browser) -> None:
    """A changed mapping is saved, and a deleted one is gone; both are in the audit log."""
    admin.open(PAGE)
    admin.click("Edit /srv/shop/")
    button(admin, "Save", "save", default_branch="stable")
    assert roots(api)[1] == ("team/shop", "/srv/shop/", "", "stable")
    admin.click("Edit /srv/shop/")
    admin.submit("Delete this code mapping")
    assert roots(api) == SHOP[:1]
    assert [action for action, _ in recorded(api.services, api.there.organization)][-2:] == [
        "code-mapping.edit",
        "code-mapping.delete",
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"stack_root": "with space"}, "stack_root"),
        ({"source_root": 'quo"te'}, "source_root"),
        ({"default_branch": "/main"}, "default_branch"),
        ({"repository": "no/such"}, "repository"),
        ({"do": "read", "path": "/srv/a.py", "source_url": "https://elsewhere.example/a.py"}, "source_url"),
        ({"do": "read", "source_url": "https://git.acme.example/team/site"}, "path"),
    ],
)
def test_wrong_fields_are_marked(unchanged: ApiClient, looking: Browser, fields: dict[str, str], field: str) -> None:
    """A wrong field keeps its value, names its problem, and nothing is saved."""
    looking.open(f"{PAGE}/new")
    looking.submit("Save", **{"do": "save", **fields})
    assert looking.status == 400
    control = looking.first(f"#{field}")
    assert control.attributes["aria-invalid"] == "true"
    assert looking.first(f"#wrong-{field}").text()
    assert roots(unchanged) == SHOP


def test_same_mapping_twice_is_refused(unchanged: ApiClient, looking: Browser) -> None:
    """A mapping that the project has already is not saved again; the page says so."""
    looking.open(f"{PAGE}/new")
    button(looking, "Save", "save", repository="team/shop", stack_root="/srv/shop/", default_branch="main")
    assert looking.status == 400
    assert "already exists" in looking.first("[role=alert]").text()
    assert roots(unchanged) == SHOP


def test_derived_mappings_are_accepted_one_by_one(api: ApiClient, admin: Browser) -> None:
    """A trace gives a mapping for each root that known files support; only the accepted one is saved."""
    admin.open(f"{PAGE}/derive")
    text = f'  File "{MONEY}", line 9, in f\n  File "/x/y/shop/prices.py", line 2, in g\n'
    admin.submit("Derive", text=text)
    assert len(admin.page.css("button[name=accept]")) == 2
    assert len(roots(api)) == 2
    chosen = admin.page.css("button[name=accept]")[0].attributes["value"] or ""
    admin.submit("Derive again", accept=chosen)
    assert "The code mapping is saved." in admin.text
    assert len(admin.page.css("button[name=accept]")) == 1
    listed, _ = mappings_in_order(api.services, api.there.organization, api.there.project, 100)
    assert [each.mapping.generated for each in listed] == [False] * 3
    admin.submit("Derive again", accept=chosen)
    assert (admin.status, len(roots(api))) == (404, 3)


@pytest.mark.parametrize("path", ["/new", "/derive", "/ID", "/ID/delete"])
def test_member_changes_no_mapping(unchanged: ApiClient, path: str) -> None:
    """A member reads the list, and may open no form that changes it."""
    member = signed_in(unchanged, "Eve", "member")
    listed, _ = mappings_in_order(unchanged.services, unchanged.there.organization, unchanged.there.project, 1)
    address = PAGE + path.replace("ID", str(listed[0].mapping.id))
    member.open(PAGE)
    assert "Add a code mapping" not in member.text
    member.post(address, {**fields_of(member.form("Sign out")), "do": "save", "text": "x"})
    assert member.status == 403
    assert roots(unchanged) == SHOP


def test_mappings_of_other_projects_and_organizations_are_not_found(api: ApiClient, admin: Browser) -> None:
    """A mapping is found in its own project, by its own organization."""
    listed, _ = mappings_in_order(api.services, api.there.organization, api.there.project, 1)
    create_project(api.services, api.there.organization, "other")
    globex = create_organization(api.services, "globex")
    create_project(api.services, globex, "web")
    for path in ("acme/projects/other", "globex/projects/web", "acme/projects/none"):
        admin.open(f"/organizations/{path}/mappings/{listed[0].mapping.id}")
        assert admin.status == 404


HOSTILE = "<img/src=x/onerror=alert(1)>"


def test_hostile_names_stay_text(api: ApiClient) -> None:
    """Names that others chose are text on every page: of organizations, projects, people, repositories and roots."""
    organization = create_organization(api.services, "evil", f"Evil {HOSTILE}")
    project, _ = create_project(api.services, organization, "app", f"App {HOSTILE}")
    assert isinstance(project, Project)
    browser = signed_in(api, f"Eve {HOSTILE}", host_admin=True)
    api.mapping(*hostile_repository(api), stackRoot=f"/x/{HOSTILE}/", sourceRoot=f"{HOSTILE}/")
    paths = ["/", "/account", "/organizations/evil", "/organizations/evil/projects/app", PAGE, f"{PAGE}/new"]
    shown = 0
    for path in paths:
        browser.open(path)
        assert browser.status == 200, path
        assert browser.page.css("img, [onerror]") == []
        shown += browser.page.text().count(HOSTILE) > 0
    assert shown == len(paths)


def hostile_repository(api: ApiClient) -> tuple[dict[str, str], dict[str, str]]:
    """Return a claimed repository with a hostile name, and its installation."""
    installation = api.get("integrations/").json()[0]
    repository = api.repository(f"team/{HOSTILE}", "https://git.acme.example/team/evil")
    assert api.claim(repository, installation).status_code == 201
    return repository, installation
