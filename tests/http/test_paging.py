"""Every list, page by page: Link headers as Sentry's clients parse them, and forged cursors."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response

from api import OLDER_SHA, SHA, commit
from endpoints import ENDPOINTS, Endpoint, PopulatedHost, open_populated
from loading import case_id, load_cases
from scmhost.admin.bootstrap import bootstrap

COUNT = 7
O = "/api/0/organizations/{organization}"  # noqa: E741 - as the documentation calls it
P = "/api/0/projects/{organization}/{project}"
LISTED = [
    f"{O}/audit-logs/",
    f"{O}/integrations/",
    f"{O}/projects/",
    f"{O}/repos/",
    f"{O}/repos/{{repository_id}}/commits/",
    f"{O}/code-mappings/",
    f"{O}/releases/",
    f"{P}/releases/",
    f"{O}/releases/{{version}}/commits/",
    f"{P}/releases/{{version}}/commits/",
    f"{O}/releases/{{version}}/commitfiles/",
    f"{O}/releases/{{version}}/deploys/",
]
# A token has one organization, so this list has no second page.
LISTINGS = [endpoint for endpoint in ENDPOINTS if endpoint.id in {f"GET {path}" for path in LISTED}]
ALL_LISTINGS = [*LISTINGS, *(endpoint for endpoint in ENDPOINTS if endpoint.id == "GET /api/0/organizations/")]

each_listing = pytest.mark.parametrize("endpoint", LISTINGS, ids=lambda endpoint: endpoint.template)

ONE = r'<(?P<{0}_url>[^>]+)>; rel="{0}"; results="(?P<{0}>true|false)"; cursor="(?P<{0}_cursor>[\d:]+)"'
LINK = re.compile(f"{ONE.format('previous')}, {ONE.format('next')}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """One API for all of these tests, with seven objects in each list."""
    with open_populated(tmp_path_factory.mktemp("listings")) as opened:
        fill(opened)
        yield opened


def fill(populated: PopulatedHost) -> None:
    """Add objects until each list has seven."""
    api, installation = populated.api, {"id": populated.values["integration_id"]}
    repository = {"id": populated.values["repository_id"]}
    commits = [commit(sha) for sha in (SHA, OLDER_SHA, *(f"{number:040x}" for number in range(2, COUNT)))]
    api.put("releases/1.0/", {"commits": commits})
    for number in range(1, COUNT):
        api.mapping(repository, installation, stackRoot=f"/srv/{number}/")
        api.post("releases/", {"version": f"1.{number}", "projects": ["web"]})
        api.post("releases/1.0/deploys/", {"environment": f"stage-{number}"})
        if number > 1:
            # There are two: one is an example for the deletion of projects.
            api.post("projects/", {"slug": f"project-{number}"})
            api.install(name=f"team-{number}")
            api.repository(f"team/{number}")


def link(answer: Response) -> dict[str, str]:
    """Return the parts of a Link header after checking the form that clients require."""
    assert answer.status_code == 200, answer.text
    found = LINK.fullmatch(answer.headers["link"])
    assert found, answer.headers["link"]
    parts = found.groupdict()
    for rel in ("previous", "next"):
        assert parse_qs(urlsplit(parts[f"{rel}_url"]).query)["cursor"] == [parts[f"{rel}_cursor"]]
    return parts


def page(populated: PopulatedHost, endpoint: Endpoint, size: int, cursor: str = "") -> Response:
    return populated.send(endpoint, params={**(endpoint.query or {}), "per_page": size, "cursor": cursor})


def items(answer: Response) -> list[Any]:
    """Return the objects of a page; those of the audit log are under ``rows``."""
    found = answer.json()
    value: list[Any] = found["rows"] if isinstance(found, dict) else found
    return value


def walk(populated: PopulatedHost, endpoint: Endpoint, size: int, rel: str, cursor: str = "") -> list[Response]:
    """Return the pages from a cursor on, in the direction of ``rel``, up to the last one."""
    pages = [page(populated, endpoint, size, cursor)]
    while link(pages[-1])[rel] == "true":
        assert len(pages) <= COUNT * 2
        pages.append(page(populated, endpoint, size, link(pages[-1])[f"{rel}_cursor"]))
    return pages


def test_every_listing_is_among_these(shared: PopulatedHost) -> None:
    """All endpoints with pages of the host are tested here; those of offers are the provider's."""
    paths = shared.api.client.get("/api/openapi.json").json()["paths"]
    names = {
        path: {item["name"] for item in methods.get("get", {}).get("parameters", [])} for path, methods in paths.items()
    }
    paged = {path for path, query in names.items() if {"cursor", "per_page"} <= query}
    assert paged == {item.template for item in ALL_LISTINGS}


@pytest.mark.parametrize("size", [1, 2, 3, COUNT - 1, COUNT, 100])
@each_listing
def test_next_leads_through_everything_once(shared: PopulatedHost, endpoint: Endpoint, size: int) -> None:
    """Pages of any size together are the whole list; only the first one has no previous page."""
    whole = items(page(shared, endpoint, 100))
    pages = walk(shared, endpoint, size, "next")
    assert len(whole) == COUNT
    assert [item for each in pages for item in items(each)] == whole
    assert [len(items(each)) for each in pages[:-1]] == [size] * (len(pages) - 1)
    assert [link(each)["previous"] for each in pages] == ["false", *["true"] * (len(pages) - 1)]
    assert [link(each)["next"] for each in pages] == [*["true"] * (len(pages) - 1), "false"]


@pytest.mark.parametrize("size", [1, 2, 3, COUNT - 1, COUNT])
@each_listing
def test_previous_leads_back_through_everything_once(shared: PopulatedHost, endpoint: Endpoint, size: int) -> None:
    """From the last page, ``previous`` leads through the same pages in reverse."""
    forward = walk(shared, endpoint, size, "next")
    last_cursor = link(forward[-2])["next_cursor"] if len(forward) > 1 else ""
    back = walk(shared, endpoint, size, "previous", last_cursor)
    whole = items(page(shared, endpoint, 100))
    assert [item for each in reversed(back) for item in items(each)] == whole
    assert link(back[-1])["previous"] == "false"
    assert {link(each)["next"] for each in back[1:]} <= {"true"}


@each_listing
def test_link_url_is_usable_without_changes(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """The URL is complete and keeps the query, so that clients may use it or the cursor."""
    first = page(shared, endpoint, 3)
    by_url = shared.api.client.get(link(first)["next_url"], headers=shared.api.headers)
    by_cursor = page(shared, endpoint, 3, link(first)["next_cursor"])
    assert (by_url.json(), link(by_url)) == (by_cursor.json(), link(by_cursor))


def test_empty_list_has_no_next_page(shared: PopulatedHost) -> None:
    """An empty list has neither a next nor a previous page."""
    rival = bootstrap(shared.api.services, "rival", "web")
    empty = shared.api.repository("team/empty")
    of_release = [f"releases/1.1/{name}/" for name in ("commits", "commitfiles", "deploys")]
    foreign = [f"/api/0/organizations/rival/{name}/" for name in ("integrations", "repos", "code-mappings", "releases")]
    answers = [shared.api.get(path) for path in [f"repos/{empty['id']}/commits/", *of_release]]
    answers += [shared.api.get(path, token=rival.token) for path in [*foreign, "/api/0/projects/rival/web/releases/"]]
    for answer in answers:
        assert answer.json() == []
        assert (link(answer)["previous"], link(answer)["next"]) == ("false", "false")
    shared.api.delete(f"repos/{empty['id']}/")


def test_the_one_organization_is_a_list_too(shared: PopulatedHost) -> None:
    """The list of organizations has one page; the page after it is empty."""
    endpoint = ALL_LISTINGS[-1]
    only, beyond = page(shared, endpoint, 100), page(shared, endpoint, 100, "0:100:0")
    assert [item["slug"] for item in only.json()] == ["acme"]
    assert beyond.json() == []
    assert {link(only)["next"], link(only)["previous"], link(beyond)["next"]} == {"false"}


@pytest.mark.parametrize("case", load_cases("cursors"), ids=case_id)
def test_a_made_up_cursor_is_refused_or_harmless(shared: PopulatedHost, case: dict[str, Any]) -> None:
    """On every list a malformed cursor is 400, and a well-formed one returns a page."""
    for endpoint in ALL_LISTINGS:
        answer = page(shared, endpoint, 3, case["cursor"])
        if case.get("page"):
            assert len(items(answer)) <= 3
            link(answer)
        else:
            assert (answer.status_code, list(answer.json())) == (400, ["cursor"])


@pytest.mark.parametrize("size", ["0", "-1", "101", "x", "1.5", "1e2", "", "9" * 5_000, "²"], ids=lambda text: text[:8])
def test_a_page_has_a_size_that_is_allowed(shared: PopulatedHost, size: str) -> None:
    """Pages have 1 to 100 objects; any other size is 400 on every list."""
    for endpoint in ALL_LISTINGS:
        answer = shared.send(endpoint, params={"per_page": size})
        assert (answer.status_code, list(answer.json())) == (400, ["per_page"])
