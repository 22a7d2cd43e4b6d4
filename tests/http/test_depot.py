"""A code host unlike git, used from end to end: numbered changelists, labels, nested folders, and no branches."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate
from plugins.depot import depot
from scmhost.admin.background import run_due_jobs

CONFIGURATION = f"{PLUGINS_TOML}[plugins.depot]\nenabled = true\ndefault = true\n"
SWARM = "https://swarm.example.com/files"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    """A host with the provider of a depot, and without background work."""
    depot.reset()
    with open_api(tmp_path, CONFIGURATION, more=[candidate("depot", "plugins.depot")], background=False) as opened:
        yield opened


def install(api: ApiClient) -> dict[str, Any]:
    answer = api.post("integrations/", {"provider": "depot"})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def add(api: ApiClient, installation: dict[str, Any], folder: str) -> dict[str, Any]:
    fields = {"provider": "depot", "installation": installation["id"], "identifier": folder}
    answer = api.post("repos/", fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_folders_are_offered_in_pages(api: ApiClient) -> None:
    """Those that the installation has are left out of their page."""
    installation = install(api)
    add(api, installation, "//depot/main/lib")
    path = f"integrations/{installation['id']}/repos/"
    first = api.get(path).json()
    assert [offer["name"] for offer in first["repos"]] == ["//depot/main"]
    second = api.get(path, params={"cursor": first["nextCursor"]}).json()
    assert ([offer["name"] for offer in second["repos"]], second["nextCursor"]) == (["//depot/tools"], None)


def test_one_changelist_is_in_two_repositories(api: ApiClient) -> None:
    """A delivery without a repository brings each repository its own files of the changelist."""
    installation = install(api)
    main, lib = (add(api, installation, folder) for folder in ("//depot/main", "//depot/main/lib"))
    add(api, installation, "//depot/tools")
    made = api.post(f"integrations/{installation['id']}/webhook/", None).json()
    body = json.dumps({"change": 1043, "files": ["//depot/main/lib/money.py", "//depot/main/a.py"]}).encode()
    signature = hmac.new(made["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Depot-Signature": f"sha256={signature}", "Content-Type": "application/json"}
    answer = api.client.post(f"/hooks/{installation['id']}/", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert {(item["name"], item["new"]) for item in answer.json()["repositories"]} == {
        ("//depot/main", 1),
        ("//depot/main/lib", 1),
    }
    for repository in (main, lib):
        (stored,) = api.get(f"repos/{repository['id']}/commits/").json()
        assert stored["id"] == "1043"


def test_changelists_of_a_release_are_fetched(api: ApiClient) -> None:
    """A label is resolved to its changelist; the next release begins after it."""
    installation = install(api)
    add(api, installation, "//depot/main")
    api.release("1.0")
    api.put("releases/1.0/", {"refs": [{"repository": "//depot/main", "commit": "release-1.0"}]})
    run_due_jobs(api.services)
    assert api.shas("1.0") == ["1040"]
    api.release("2.0")
    api.put("releases/2.0/", {"refs": [{"repository": "//depot/main", "commit": "1042"}]})
    run_due_jobs(api.services)
    assert api.shas("2.0") == ["1042"]


def test_pasted_page_without_a_revision(api: ApiClient) -> None:
    """The innermost folder has the file. There is no default branch: the code mapping links to the newest."""
    installation = install(api)
    add(api, installation, "//depot/main")
    lib = add(api, installation, "//depot/main/lib")
    page = f"{SWARM}/depot/main/lib/money.py"
    body = {"sourceUrl": page, "stackPath": "/srv/money.py"}
    answer = api.post("/api/0/projects/acme/web/repo-path-parsing/", body)
    assert answer.status_code == 200, answer.text
    parsed = answer.json()
    assert (parsed["repositoryId"], parsed["defaultBranch"]) == (int(lib["id"]), None)
    assert (parsed["stackRoot"], parsed["sourceRoot"]) == ("/srv/", "")
    assert api.mapping(lib, installation, stackRoot="/srv/", sourceRoot="", defaultBranch=None).status_code == 201
    link = api.link(file="/srv/money.py", lineNo=3)
    assert link["sourceUrl"] == f"{SWARM}/depot/main/lib/money.py?v=@1042#3"
    at_change = api.link(file="/srv/money.py", lineNo=3, commitId="1040")
    assert at_change["sourceUrl"] == f"{SWARM}/depot/main/lib/money.py?v=@1040#3"
    assert api.link(file="/srv/none.py")["sourceUrl"] is None


def test_mapping_with_a_branch_links_to_the_newest_page(api: ApiClient) -> None:
    """The host has no branches: a branch that somebody wrote gives the page without a revision."""
    installation = install(api)
    main = add(api, installation, "//depot/main")
    api.mapping(main, installation, stackRoot="/srv/", sourceRoot="shop/", defaultBranch="main")
    assert api.link(file="/srv/cart.py", lineNo=2)["sourceUrl"] == f"{SWARM}/depot/main/shop/cart.py#2"


def test_moved_and_obliterated_folders(api: ApiClient) -> None:
    """A folder that moved is still found by its old page and name; one that is gone is shown as deleted."""
    installation = install(api)
    main, tools = (add(api, installation, folder) for folder in ("//depot/main", "//depot/tools"))
    depot.folders = {"//depot/shop": depot.folders["//depot/main"]}
    depot.obliterated = {"3"}
    path = f"integrations/{installation['id']}/sync/"
    api.post(path, None)
    run_due_jobs(api.services)
    assert (api.get(path).json()["changed"], api.get(path).json()["notes"]) == (2, [])
    moved = api.get(f"repos/{main['id']}/").json()
    assert (moved["name"], moved["url"]) == ("//depot/shop", f"{SWARM}/depot/shop")
    assert api.get(f"repos/{tools['id']}/").json()["hostState"] == "deleted"
    body = {"sourceUrl": f"{SWARM}/depot/main/shop/cart.py?v=@1040", "stackPath": "/srv/shop/cart.py"}
    parsed = api.post("/api/0/projects/acme/web/repo-path-parsing/", body).json()
    assert (parsed["repositoryId"], parsed["defaultBranch"]) == (int(main["id"]), "1040")
    sent = {"commits": [{"id": "1050", "repository": "//depot/main"}]}
    assert api.post("commits/", sent).json()["repositories"][0]["id"] == main["id"]
