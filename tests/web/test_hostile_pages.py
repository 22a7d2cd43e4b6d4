"""Pages with names that others chose: they stay text, and long lists of long names still fit into a page."""

from collections.abc import Iterator
from typing import Any

import pytest

from api import SHA, ApiClient, commit, open_api
from browsing import Browser, signed_in
from scmhost.infra.db import jobs
from scmhost.links.missing import save_missing
from scmhost.organizations import people
from scmhost.organizations.tokens import create_token
from scmhost.redirects.keys import create_key

HOSTILE = "<img src=x onerror=alert(1)>"
MANY = 120
ACME = "/organizations/acme"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """An organization whose every name is hostile or long."""
    with open_api(tmp_path_factory.mktemp("hostile"), background=False) as opened:
        installation = opened.install(name=f"Forge {HOSTILE}", url="https://git.example.com/")
        repository = opened.repository(f"team/{HOSTILE}")
        assert opened.claim(repository, installation).status_code == 201
        commits = [commit(f"{number:040x}", f"team/{HOSTILE}", **_texts(number)) for number in range(1, MANY)]
        version = f"1.0 {HOSTILE}"
        opened.release(
            version, commits=commits, refs=[{"repository": f"team/{HOSTILE}", "commit": f"{SHA}..{'1' * 40}"}]
        )
        deploy = {"environment": f"prod {HOSTILE}", "name": HOSTILE, "url": f"https://x.example/?{HOSTILE}"}
        opened.post(f"releases/{version}/deploys/", deploy)
        _add_many(opened)
        yield opened


def _texts(number: int) -> dict[str, Any]:
    message = f"{HOSTILE} {'long ' * 60}"
    files = [{"path": f"{HOSTILE}/{'x' * 150}/{number}.py", "type": "A"}]
    return {"message": message, "author_name": f"Eve {HOSTILE}", "author_email": f"{number}@x", "patch_set": files}


def _add_many(api: ApiClient) -> None:
    services, organization = api.services, api.there.organization
    for number in range(MANY):
        name = f"{number} {HOSTILE} {'x' * 40}"
        create_token(services, organization, name, ["org:read"])
        api.repository(f"{'r' * 150}{number} {HOSTILE}", f"https://git.example.com/{'u' * 150}{number}")
        api.link(file=f"/{HOSTILE}/{'f' * 90}{number}/a.py")
        if number < 99:
            create_key(services, organization, name[:100])
        if number < 40:
            people.invite(services, organization, name[:100])
    save_missing(services)
    with services.store.write() as tx:
        for number in range(MANY):
            jobs.put(tx, organization.id, "fetch_commits", f"{number} {HOSTILE}", {}, services.clock.now())


@pytest.fixture(scope="module")
def operator(api: ApiClient) -> Browser:
    """The browser of an administrator of the host with a hostile name."""
    return signed_in(api, f"Eve {HOSTILE}", host_admin=True)


def pages(api: ApiClient) -> list[str]:
    """Return the addresses of all pages with names of others."""
    installation = f"{ACME}/installations/{api.get('integrations/').json()[0]['id']}"
    claimed = api.get("repos/", params={"query": f"team/{HOSTILE}"}).json()[0]["id"]
    release = f"{ACME}/releases/1.0%20%3Cimg%20src=x%20onerror=alert(1)%3E"
    return [
        f"{ACME}/repositories",
        f"{ACME}/repositories/{claimed}",
        f"{ACME}/installations",
        installation,
        f"{installation}/repositories",
        f"{installation}/configuration",
        f"{ACME}/releases",
        release,
        f"{release}/files",
        f"{ACME}/missing",
        f"{ACME}/people",
        f"{ACME}/tokens",
        "/host/audit?organization=acme",
        "/host/people",
        "/host/jobs",
    ]


def test_hostile_names_stay_text_and_pages_stay_small(api: ApiClient, operator: Browser) -> None:
    """No name becomes an element; every page has it as text, and is at most 60 kB."""
    shown = set()
    for path in pages(api):
        operator.open(path)
        assert operator.status == 200, path
        assert operator.page.css("img, [onerror]") == [], path
        shown |= {path} if "onerror=alert" in operator.text else set()
    assert shown == set(pages(api))


@pytest.mark.parametrize("name", [HOSTILE, "x' onload='alert(1)", '"><script>alert(1)</script>', "\u202e \x1b[31m"])
def test_hostile_queries_are_text(operator: Browser, name: str) -> None:
    """What stands in the query of an address is text in the page, too."""
    for path in ("repositories", "releases"):
        operator.open(f"{ACME}/{path}", params={"query": name, "project": name, "status": name})
        assert operator.status == 200
        assert operator.page.css("img, script:not([src]), [onload]") == []
    for path in ("/host/flags", "/host/audit"):
        operator.open(path, params={"organization": name, "action": name})
        assert operator.status == 200
        assert operator.page.css("img, script:not([src]), [onload]") == []


@pytest.mark.parametrize("cursor", ["x", "1:2", "9" * 40, "1:0:1"])
def test_wrong_cursor_is_an_error_of_the_address(operator: Browser, cursor: str) -> None:
    """A cursor that no page gave is refused, or leads to a page; it is never an internal error."""
    for path in ("repositories", "installations", "releases"):
        operator.open(f"{ACME}/{path}", params={"cursor": cursor})
        assert operator.status in (200, 400)
