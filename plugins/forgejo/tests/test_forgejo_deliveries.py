"""What a service and a fake Forgejo do together: webhooks, pushes, pages of offers, changes."""

from collections.abc import Mapping
from typing import Any

from fake_hosts.repository import history
from forgejo_service import SERVICE, Acme
from scmhost.admin.background import run_due_jobs


def test_a_webhook_is_registered_and_pushes_arrive(acme: Acme) -> None:
    """A long push is completed; a wrong signature is refused."""
    acme.ready()
    run_due_jobs(acme.api.services)
    [hook] = acme.host.hooks
    assert hook.url.startswith(f"{SERVICE}/hooks/")
    acme.host.deliver = acme.deliver
    before = acme.app.head()
    shas = history(acme.app, 7)
    acme.host.pushed(acme.app, "refs/heads/main", before, shas[-1])
    assert acme.host.deliveries[-1][1] == 200
    run_due_jobs(acme.api.services)
    (repository,) = acme.api.get("repos/").json()
    stored = {commit["id"] for commit in acme.api.get(f"repos/{repository['id']}/commits/").json()}
    assert stored >= set(shas)
    hook.secret = "another secret"
    acme.host.pushed(acme.app, "refs/heads/main", before, shas[-1])
    assert acme.host.deliveries[-1][1] == 401


def test_a_webhook_is_removed_with_its_repository(acme: Acme) -> None:
    """The server sends nothing more."""
    acme.ready()
    run_due_jobs(acme.api.services)
    assert len(acme.host.hooks) == 1
    (repository,) = acme.api.get("repos/").json()
    assert acme.api.put(f"repos/{repository['id']}/", {"integrationId": None}).status_code == 200
    run_due_jobs(acme.api.services)
    assert acme.host.hooks == []


def test_a_token_without_the_right_to_webhooks_is_shown(acme: Acme) -> None:
    """Links work; the repository says why it gets no pushes."""
    acme.host.tokens["good-token"].scopes = frozenset({"read:user", "read:repository"})
    acme.ready()
    run_due_jobs(acme.api.services)
    (repository,) = acme.api.get("repos/").json()
    assert "write:repository" in repository["webhook"]["reason"]
    assert acme.api.link(file="/srv/app/cart.py", commitId=acme.app.head())["verified"] is True


def test_offers_have_pages(acme: Acme) -> None:
    """Everything that the server has is reachable."""
    acme.host.largest_page = 2
    for index in range(3):
        acme.host.repository(f"ada/tool{index}")
    installation = acme.install()
    found, path = [], f"integrations/{installation['id']}/repos/"
    answer = acme.api.get(path).json()
    found += [offer["identifier"] for offer in answer["repos"]]
    while answer["nextCursor"]:
        answer = acme.api.get(path, params={"cursor": answer["nextCursor"]}).json()
        found += [offer["identifier"] for offer in answer["repos"]]
    assert found == ["team/app", "ada/tool0", "ada/tool1", "ada/tool2"]


def synchronized(acme: Acme, installation: Mapping[str, Any]) -> dict[str, Any]:
    """Synchronize the repositories of an installation. Return the state."""
    path = f"integrations/{installation['id']}/sync/"
    assert acme.api.post(path, {}).status_code == 202
    run_due_jobs(acme.api.services)
    state: dict[str, Any] = acme.api.get(path).json()
    return state


def test_a_renamed_repository_keeps_its_links(acme: Acme) -> None:
    """It gets its new name and page; the old name still finds it."""
    installation = acme.ready()
    acme.host.tokens["good-token"].repositories.add("group/shop")
    acme.app.rename("group", "shop")
    assert synchronized(acme, installation)["changed"] == 1
    (repository,) = acme.api.get("repos/").json()
    assert (repository["name"], repository["url"]) == ("group/shop", f"{acme.host.url}/group/shop")
    answer = acme.api.link(file="/srv/app/cart.py", commitId=acme.app.head())
    assert answer["sourceUrl"] == f"{acme.host.url}/group/shop/src/commit/{acme.app.head()}/src/cart.py"
    assert answer["verified"] is True
    assert acme.api.set_ref("1.0", "main")["commitCount"] == 2
    assert synchronized(acme, installation)["changed"] == 0


def test_source_lines_come_from_the_server(acme: Acme) -> None:
    """For a token that may read code; of a private repository, too."""
    acme.ready()
    token = acme.api.token("project:read", "code:read")
    body = {"frames": [{"filename": "/srv/app/cart.py", "lineno": 2}], "commit": acme.app.head()}
    answer = acme.api.post("/api/0/projects/acme/web/trace-links/?context=1", body, token=token)
    assert answer.status_code == 200, answer.text
    (frame,) = answer.json()["frames"]
    assert (frame["context"]["startLine"], frame["context"]["lines"]) == (1, ["1", "2"])


def test_a_removed_installation_leaves_nothing_behind(acme: Acme) -> None:
    """Its webhooks are removed at the server."""
    installation = acme.ready()
    run_due_jobs(acme.api.services)
    assert len(acme.host.hooks) == 1
    assert acme.api.delete(f"integrations/{installation['id']}/").status_code == 204
    assert acme.host.hooks == []
