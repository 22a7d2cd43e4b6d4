"""From a token of a fake GitLab to verified links at the exact commit, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api import PLUGINS_TOML, ApiClient, commit, open_api
from fake_hosts.base import Delivery, rate_limit, status
from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import BareRepository, history
from scmhost.admin.background import run_due_jobs
from scmhost.infra.secret_box import new_key

URL = "https://scmhost.example"
PATH = "acme/shop/cart"


def plugins_toml(host: FakeGitLab, application: str = "") -> str:
    head = f'[host]\nurl = "{URL}"\nsecret_keys = ["{new_key()}"]'
    return (
        PLUGINS_TOML.replace("[host]", head)
        + '[plugins.gitlab]\nenabled = true\ndistribution = "scmhost-gitlab"\nallow = { organizations = ["acme"] }\n'
        + f'[plugins.gitlab.settings.instances.work]\nurl = "{host.url}"\n{application}'
    )


@pytest.fixture
def project(host: FakeGitLab) -> BareRepository:
    """A private project in a subgroup, with a release and a branch after it."""
    made = host.repository("acme/shop/cart", private=True)
    host.tokens["good-token"].repositories.add(made.full_name)
    made.commit({"src/cart.py": "one\n", "src/gone.py": "1\n"}, "First")
    made.tag("v1.0")
    made.commit({"src/cart.py": "one\ntwo\n", "src/gone.py": None}, "Second, fixes SHOP-7")
    made.tag("v2.0")
    return made


@pytest.fixture
def api(tmp_path: Path, host: FakeGitLab) -> Iterator[ApiClient]:
    """A service with the plugin, whose background jobs run only when a test runs them."""
    folder = tmp_path / "service"
    folder.mkdir()
    with open_api(folder, plugins_toml(host), background=False) as opened:
        yield opened


def installed(api: ApiClient, **form: str) -> dict[str, Any]:
    return api.installed(**{"provider": "gitlab", "token": "good-token", **form})


def ready(api: ApiClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """Install, add the project, and map its ``src`` folder."""
    installation = installed(api)
    repository = api.add(installation, PATH)
    assert api.mapping(repository, installation).status_code == 201
    return repository, installation


@pytest.mark.usefixtures("project")
def test_a_token_stays_secret(api: ApiClient) -> None:
    """Neither the answers nor the database have it."""
    installation = installed(api, group="acme")
    assert (installation["name"], installation["configData"]) == ("acme", {"group": "acme"})
    shown = [api.get(path).text for path in ("integrations/", f"integrations/{installation['id']}/", "audit-logs/")]
    assert "good-token" not in "".join(shown)
    database = Path(api.services.store._engine.url.database or "")
    assert b"good-token" not in database.read_bytes()
    again = api.post("integrations/", {"provider": "gitlab", "token": "good-token", "group": "acme"})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"token": "wrong-token"}, 403),
        ({"token": "good-token", "group": "globex"}, 400),
        ({"token": "good-token", "instance": "home"}, 400),
        ({"token": "a b"}, 400),
        ({}, 400),
    ],
)
def test_a_wrong_form_installs_nothing(api: ApiClient, form: dict[str, str], code: int) -> None:
    """The answer says what to do, without the token."""
    answer = api.post("integrations/", {"provider": "gitlab", **form})
    assert answer.status_code == code, answer.text
    assert "wrong-token" not in answer.text
    assert api.get("integrations/").json() == []


def test_projects_are_offered_and_added(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """A project is offered with its branch, and no longer after it was added."""
    installation = installed(api)
    path = f"integrations/{installation['id']}/repos/"
    (offer,) = api.get(path, params={"search": "CART"}).json()["repos"]
    assert (offer["identifier"], offer["name"], offer["defaultBranch"]) == ("acme/shop/cart",) * 2 + ("main",)
    repository = api.add(installation, PATH)
    expected = ("acme/shop/cart", f"{host.url}/acme/shop/cart", str(project.id))
    assert (repository["name"], repository["url"], repository["externalId"]) == expected
    assert api.get(path, params={"installableOnly": "true"}).json()["repos"] == []
    again = {"provider": "gitlab", "installation": installation["id"], "identifier": "acme/shop/cart"}
    assert api.post("repos/", again).status_code == 409
    assert api.post("repos/", {**again, "identifier": "globex/secret"}).status_code == 404


@pytest.mark.parametrize("name", ["acme/shop/cart", "http://gitlab-ci-token:glcbt-64_abc@{host}/acme/shop/cart.git"])
def test_a_repository_of_a_ci_job_is_claimed(
    api: ApiClient, host: FakeGitLab, project: BareRepository, name: str
) -> None:
    """By its path or its clone URL, whose token is not used; the repository keeps its commits."""
    remote = name.format(host=host.url.removeprefix("http://"))
    assert api.post("commits/", {"commits": [commit(repository=remote)]}).status_code in (200, 201)
    (unclaimed,) = api.get("repos/").json()
    repository = api.add(installed(api), unclaimed["id"])
    assert (repository["id"], repository["externalId"]) == (unclaimed["id"], str(project.id))
    assert repository["url"] == f"{host.url}/acme/shop/cart"
    assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 1
    assert "glcbt-64_abc" not in f"{host.calls}"


def test_a_ref_alone_gives_a_release_its_commits(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """The commits since the previous release, with authors, files, resolved issues and links."""
    ready(api)
    second, first = (one.sha for one in project.log("main"))
    assert api.set_ref("1.0", "v1.0", PATH)["commitCount"] == 1
    release = api.set_ref("2.0", "v2.0", PATH)
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (1, second, [])
    files = {(item["type"], item["filename"]) for item in api.get("releases/2.0/commitfiles/").json()}
    assert files == {("M", "src/cart.py"), ("D", "src/gone.py")}
    (shown,) = api.get("releases/2.0/commits/").json()
    assert (shown["url"], shown["issueIds"]) == (f"{host.url}/acme/shop/cart/-/commit/{second}", ["SHOP-7"])
    refs = [{"repository": "acme/shop/cart", "commit": f"{first}..{second}"}]
    api.put("releases/2.0/", {"refs": refs})
    compared = api.get("releases/2.0/").json()["refs"][0]["compareUrl"]
    assert compared == f"{host.url}/acme/shop/cart/-/compare/{first}...{second}"


def test_links_are_verified_at_the_exact_commit(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """A file of the release has a link; one that is gone has none, and says why."""
    ready(api)
    second = project.head()
    api.set_ref("2.0", "v2.0", PATH)
    project.commit({"src/cart.py": None}, "Third")
    link = api.link(file="/srv/app/cart.py", release="2.0", lineNo=2)
    page = f"{host.url}/acme/shop/cart/-/blob/{second}/src/cart.py#L2"
    assert (link["sourceUrl"], link["verified"]) == (page, True)
    assert api.link(file="/srv/app/gone.py", release="2.0")["error"] == "file_not_found"


@pytest.mark.parametrize("fault", [status(502), rate_limit(30)], ids=["outage", "rate limit"])
def test_a_link_survives_an_outage(api: ApiClient, host: FakeGitLab, project: BareRepository, fault: Any) -> None:
    """It is not verified; nothing else is lost."""
    ready(api)
    host.fault(fault)
    link = api.link(file="/srv/app/cart.py", commitId=project.head(), lineNo=2)
    page = f"{host.url}/acme/shop/cart/-/blob/{project.head()}/src/cart.py#L2"
    assert (link["sourceUrl"], link["verified"]) == (page, None)


def test_a_pasted_page_is_read(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """A branch with a slash is separated from the path after it, by asking GitLab."""
    ready(api)
    project.commit({"src/new.py": "1\n"}, branch="feature/new")
    url = f"{host.url}/acme/shop/cart/-/blob/feature/new/src/new.py#L1"
    answer = api.post("/api/0/projects/acme/web/repo-path-parsing/", {"sourceUrl": url, "stackPath": "/srv/app/new.py"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["stackRoot"], answer.json()["sourceRoot"]) == ("/srv/app/", "src/")
    assert answer.json()["defaultBranch"] == "feature/new"


def test_source_lines_come_from_gitlab(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """A token that may read code gets the lines of the linked commit; they are read once."""
    ready(api)
    sha = project.commit({"src/cart.py": "".join(f"line {number}\n" for number in range(1, 8))})
    trace = 'Traceback (most recent call last):\n  File "/srv/app/cart.py", line 4, in total\nKeyError: 1\n'
    path, token = "/api/0/projects/acme/web/trace-links/?context=1", api.token("project:read", "code:read")
    for _ in range(2):
        (frame,) = api.post(path, {"text": trace, "commit": sha}, token=token).json()["frames"]
        assert (frame["context"]["startLine"], frame["context"]["lines"]) == (3, ["line 3", "line 4", "line 5"])
    assert len([call for call in host.calls if call.path.endswith("/raw")]) == 1


# Webhooks.


@pytest.fixture
def answers(api: ApiClient, host: FakeGitLab) -> list[int]:
    """The statuses with which the service answers the deliveries of the fake."""
    statuses: list[int] = []

    def deliver(delivery: Delivery) -> int:
        assert delivery.url.startswith(f"{URL}/hooks/")
        path = delivery.url.removeprefix(URL)
        answer = api.client.post(path, content=delivery.body, headers=dict(delivery.headers))
        statuses.append(answer.status_code)
        return answer.status_code

    host.deliver = deliver
    return statuses


def test_a_webhook_is_registered_and_delivers(
    api: ApiClient, host: FakeGitLab, project: BareRepository, answers: list[int]
) -> None:
    """A push arrives with its commits; without the repository there is no webhook any more."""
    repository, installation = ready(api)
    run_due_jobs(api.services)
    (hook,) = host.hooks
    assert hook.url == f"{URL}/hooks/{installation['id']}/"
    shown = api.get(f"repos/{repository['id']}/").json()
    assert shown["webhook"] == {"state": "registered", "reason": None}
    pushed = host.push(project, {"src/new.py": "1\n"}, "Pushed")
    assert answers == [200]
    newest = api.get(f"repos/{repository['id']}/commits/").json()[0]
    assert (newest["id"], newest["message"].strip()) == (pushed, "Pushed")
    hook.secret = "another"
    host.push(project, {"src/new.py": "2\n"})
    assert answers == [200, 401]
    assert api.put(f"repos/{repository['id']}/", {"integrationId": None}).status_code == 200
    run_due_jobs(api.services)
    assert host.hooks == []


def test_a_long_push_is_completed(
    api: ApiClient, host: FakeGitLab, project: BareRepository, answers: list[int]
) -> None:
    """GitLab lists twenty of its commits; a job reads the others."""
    repository, _ = ready(api)
    run_due_jobs(api.services)
    before = project.head()
    pushed = history(project, 26)
    host.pushed(project, "refs/heads/main", before, pushed[-1])
    assert answers == [200]
    path = f"repos/{repository['id']}/commits/"
    assert len(api.get(path, params={"per_page": 100}).json()) == 20
    run_due_jobs(api.services)
    assert {one["id"] for one in api.get(path, params={"per_page": 100}).json()} == set(pushed)


def test_a_token_without_the_right_for_webhooks_adds_repositories(
    api: ApiClient, host: FakeGitLab, project: BareRepository
) -> None:
    """The repository works, and says why it has no webhook."""
    host.tokens["good-token"].scopes = frozenset({"read_api", "read_user"})
    repository, _ = ready(api)
    run_due_jobs(api.services)
    webhook = api.get(f"repos/{repository['id']}/").json()["webhook"]
    assert webhook["state"] == "failed"
    assert "do not allow" in webhook["reason"]
    assert api.link(file="/srv/app/cart.py", commitId=project.head())["verified"] is True


# OAuth.


@pytest.fixture
def application(tmp_path: Path, host: FakeGitLab) -> Iterator[ApiClient]:
    """A service with an OAuth application at the fake."""
    folder = tmp_path / "with-application"
    folder.mkdir()
    host.applications["app"] = "s3cret-of-app"
    settings = 'client_id = "app"\nclient_secret = "s3cret-of-app"\n'
    with open_api(folder, plugins_toml(host, settings), background=False) as opened:
        yield opened


def confirmed(api: ApiClient, **form: str) -> dict[str, Any]:
    """Install, agree at GitLab as a person would in the browser, and return the installation."""
    begun = api.post("integrations/", {"provider": "gitlab", **form})
    assert begun.status_code == 202, begun.text
    agreed = httpx2.get(begun.json()["redirect"], follow_redirects=False, trust_env=False)
    back = agreed.headers["Location"]
    assert back.startswith(f"{URL}/hooks/install/gitlab/?")
    page = api.client.get(back.removeprefix(URL))
    assert (page.status_code, "installed" in page.text) == (200, True), page.text
    shown = api.get(f"integrations/pending/{begun.json()['id']}/").json()
    made: dict[str, Any] = api.get(f"integrations/{shown['integrationId']}/").json()
    return made


def test_a_person_installs_at_gitlab(application: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """The installation works with the tokens that GitLab gave, and renews them when they expire."""
    installation = confirmed(application, group="acme")
    assert installation["name"] == "acme"
    path = f"integrations/{installation['id']}/repos/"
    assert [offer["name"] for offer in application.get(path).json()["repos"]] == [project.full_name]
    first = set(host.tokens) - {"good-token"}
    host.expired |= first
    assert [offer["name"] for offer in application.get(path).json()["repos"]] == [project.full_name]
    second = set(host.tokens) - {"good-token"} - first
    assert len(second) == 1
    shown = application.get("integrations/").text
    assert not any(token in shown for token in (*first, *second, "s3cret-of-app"))


def test_a_revoked_application_needs_attention(
    application: ApiClient, host: FakeGitLab, project: BareRepository
) -> None:
    """Neither the token nor its renewal works; the answer says so, and links stay, unverified."""
    installation = confirmed(application)
    repository = application.add(installation, PATH)
    assert application.mapping(repository, installation).status_code == 201
    host.expired |= set(host.tokens) - {"good-token"}
    host.refresh_tokens.clear()
    refused = application.get(f"integrations/{installation['id']}/repos/")
    assert refused.status_code in (400, 403, 409, 503)
    link = application.link(file="/srv/app/cart.py", commitId=project.head())
    assert (link["sourceUrl"] is not None, link["verified"]) == (True, None)


def test_uninstalling_revokes_the_token(application: ApiClient, host: FakeGitLab) -> None:
    """GitLab accepts the token that it gave no more."""
    installation = confirmed(application)
    (token,) = set(host.tokens) - {"good-token"}
    assert application.delete(f"integrations/{installation['id']}/").status_code in (200, 202, 204)
    run_due_jobs(application.services)
    assert token not in host.tokens


# Synchronization.


def test_a_renamed_project_is_followed(api: ApiClient, host: FakeGitLab, project: BareRepository) -> None:
    """The repository has the new name, and its old one is still found; links lead to the new address."""
    repository, installation = ready(api)
    first = project.head()
    project.rename("acme", "basket")
    assert api.post(f"integrations/{installation['id']}/sync/", None).status_code in (200, 202)
    run_due_jobs(api.services)
    shown = api.get(f"repos/{repository['id']}/").json()
    assert (shown["name"], shown["url"]) == ("acme/basket", f"{host.url}/acme/basket")
    link = api.link(file="/srv/app/cart.py", commitId=first)
    assert (link["sourceUrl"], link["verified"]) == (f"{host.url}/acme/basket/-/blob/{first}/src/cart.py", True)
    assert api.post("commits/", {"commits": [commit(repository="acme/shop/cart")]}).status_code in (200, 201)
    assert [one["id"] for one in api.get("repos/").json()] == [repository["id"]]


def test_a_deleted_project_is_shown_and_may_come_back(
    api: ApiClient, host: FakeGitLab, project: BareRepository
) -> None:
    """Nothing of it is lost."""
    repository, installation = ready(api)
    states = []
    for visible in (False, True):
        host.tokens["good-token"].repositories = {project.full_name} if visible else set()
        api.post(f"integrations/{installation['id']}/sync/", None)
        run_due_jobs(api.services)
        states.append(api.get(f"repos/{repository['id']}/").json()["hostState"])
    assert states == ["deleted", "active"]
