"""What a service and a fake Forgejo do together: webhooks and pushes."""

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
