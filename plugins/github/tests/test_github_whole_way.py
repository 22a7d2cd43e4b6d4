"""From a token or a GitHub App of a fake GitHub to verified links at the exact commit, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import httpx2
import pytest

from api import PLUGINS_TOML, ApiClient, commit, open_api
from fake_hosts import base
from fake_hosts.base import Delivery
from fake_hosts.github import FakeGitHub, secondary_limit, signed
from fake_hosts.repository import BareRepository, history
from github_calls import TOKEN, app_settings
from scmhost.admin.background import run_due_jobs
from scmhost.infra.secret_box import new_key

URL = "https://scmhost.example"


def plugins_toml(host: FakeGitHub) -> str:
    app = "\n".join(f"{name} = {json.dumps(value)}" for name, value in app_settings().items())
    return (
        PLUGINS_TOML.replace("[host]", f'[host]\nurl = "{URL}"\nsecret_keys = ["{new_key()}"]')
        + '[plugins.github]\nenabled = true\ndistribution = "scmhost-github"\nallow = { organizations = ["acme"] }\n'
        + f'[plugins.github.settings.instances.company]\nurl = "{host.url}"\n'
        + f"[plugins.github.settings.instances.company.app]\n{app}\n"
    )


@pytest.fixture
def app(host: FakeGitHub) -> BareRepository:
    """A private repository with two releases."""
    made = host.repository("team/app", private=True)
    host.tokens[TOKEN].repositories.add(made.full_name)
    made.commit({"src/cart.py": "one\n", "src/gone.py": "1\n"}, "First")
    made.tag("v1.0")
    made.commit({"src/cart.py": "one\ntwo\n", "src/gone.py": None}, "Second, fixes SHOP-7")
    made.tag("v2.0", message="Version 2")
    return made


@pytest.fixture
def api(tmp_path: Path, host: FakeGitHub) -> Iterator[ApiClient]:
    """A service with the plugin, whose background jobs run only when a test runs them. GitHub's deliveries reach it."""
    folder = tmp_path / "service"
    folder.mkdir()
    with open_api(folder, plugins_toml(host), background=False) as opened:

        def deliver(delivery: Delivery) -> int:
            path = delivery.url.removeprefix(URL)
            return opened.client.post(path, content=delivery.body, headers=dict(delivery.headers)).status_code

        host.deliver = deliver
        yield opened


def installed(api: ApiClient, **form: str) -> dict[str, Any]:
    return api.installed(**{"provider": "github", "instance": "company", "token": TOKEN, **form})


def installed_app(api: ApiClient, host: FakeGitHub, *repositories: BareRepository) -> dict[str, Any]:
    """Install the App as a person does in the browser."""
    begun = api.post("integrations/", {"provider": "github", "instance": "company"})
    assert begun.status_code == 202, begun.text
    there = urlsplit(begun.json()["redirect"])
    assert f"{there.scheme}://{there.netloc}" == host.url
    made = host.install("team", *repositories)
    query = {
        "installation_id": made.id,
        "setup_action": "install",
        "code": host.person("ada", *(one.full_name for one in repositories)),
        "state": parse_qs(there.query)["state"][0],
    }
    page = api.client.get(f"/hooks/install/github/?{urlencode(query)}")
    assert page.status_code == 200, page.text
    shown = api.get(f"integrations/pending/{begun.json()['id']}/").json()
    found: dict[str, Any] = api.get(f"integrations/{shown['integrationId']}/").json()
    return found


def ready(api: ApiClient, **mapping: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Install, add the repository, and map its ``src`` folder."""
    installation = installed(api)
    repository = api.add(installation)
    assert api.mapping(repository, installation, **mapping).status_code == 201
    return repository, installation


@pytest.mark.usefixtures("app")
def test_a_token_stays_secret(api: ApiClient) -> None:
    """Neither the answers nor the database have it; the same token twice is a conflict."""
    installation = installed(api)
    shown = [api.get(path).text for path in ("integrations/", f"integrations/{installation['id']}/", "audit-logs/")]
    assert TOKEN not in "".join([*shown, str(installation)])
    folder = Path(api.services.store._engine.url.database or "").parent
    assert TOKEN.encode() not in b"".join(path.read_bytes() for path in folder.glob("*db*"))
    again = {"provider": "github", "instance": "company", "token": TOKEN}
    assert api.post("integrations/", again).status_code == 409


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"token": "wrong-token"}, 403),
        ({"token": TOKEN, "instance": "elsewhere"}, 400),
        ({"token": TOKEN, "owner": "a/b"}, 400),
        ({"token": "short"}, 400),
    ],
)
def test_a_wrong_form_installs_nothing(api: ApiClient, form: dict[str, str], code: int) -> None:
    """The answer says what to do, without the token."""
    answer = api.post("integrations/", {"provider": "github", "instance": "company", **form})
    assert answer.status_code == code, answer.text
    assert form["token"] not in answer.text
    assert api.get("integrations/").json() == []


def test_repositories_are_offered_and_added(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """With the default branch, and no longer after it was added; foreign ones do not exist."""
    host.repository("other/secret", private=True)
    installation = installed(api)
    path = f"integrations/{installation['id']}/repos/"
    (offer,) = api.get(path, params={"search": "APP"}).json()["repos"]
    assert (offer["identifier"], offer["name"], offer["defaultBranch"]) == ("team/app", "team/app", "main")
    repository = api.add(installation)
    expected = ("team/app", f"{host.url}/team/app", str(app.id), "team/app")
    assert tuple(repository[name] for name in ("name", "url", "externalId", "externalSlug")) == expected
    assert api.get(path, params={"installableOnly": "true"}).json()["repos"] == []
    again = {"provider": "github", "installation": installation["id"], "identifier": "team/app"}
    assert api.post("repos/", again).status_code == 409
    assert api.post("repos/", {**again, "identifier": "other/secret"}).status_code == 404


def test_a_repository_from_commits_is_claimed(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """It keeps its commits and gets the page's URL."""
    api.post("commits/", {"commits": [commit(repository="Team/App")]})
    repository = api.add(installed(api))
    assert (repository["name"], repository["url"]) == ("Team/App", f"{host.url}/team/app")
    assert repository["externalId"] == str(app.id)
    assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 1


def test_a_ref_alone_gives_a_release_its_commits(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """The commits since the previous release, with authors, files, resolved issues and pages."""
    ready(api)
    second, first = (one.sha for one in app.log("main"))
    assert api.set_ref("1.0", "v1.0")["commitCount"] == 1
    release = api.set_ref("2.0", "v2.0")
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (1, second, [])
    files = {(item["type"], item["filename"]) for item in api.get("releases/2.0/commitfiles/").json()}
    assert files == {("M", "src/cart.py"), ("D", "src/gone.py")}
    (shown,) = api.get("releases/2.0/commits/").json()
    assert (shown["url"], shown["issueIds"]) == (f"{host.url}/team/app/commit/{second}", ["SHOP-7"])
    api.put("releases/2.0/", {"refs": [{"repository": "team/app", "commit": f"{first}..{second}"}]})
    compared = api.get("releases/2.0/").json()["refs"][0]["compareUrl"]
    assert compared == f"{host.url}/team/app/compare/{first}...{second}"


def test_links_are_verified_at_the_exact_commit(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """The page of a link is there; a file that is gone has no link, and says why."""
    ready(api)
    second = app.head()
    api.set_ref("2.0", "v2.0")
    app.commit({"src/cart.py": None}, "Third")
    link = api.link(file="/srv/app/cart.py", release="2.0", lineNo=2)
    assert (link["sourceUrl"], link["verified"]) == (f"{host.url}/team/app/blob/{second}/src/cart.py#L2", True)
    assert api.link(file="/srv/app/gone.py", release="2.0")["error"] == "file_not_found"
    app_public = link["sourceUrl"].partition("#")[0]
    app.private = False
    with urlopen(app_public) as page:  # noqa: S310 - http
        assert (page.status, page.read().splitlines()[1]) == (200, b"two")


def test_a_mapping_without_a_branch_uses_the_default_branch(
    api: ApiClient, host: FakeGitHub, app: BareRepository
) -> None:
    """GitHub knows it."""
    ready(api, defaultBranch=None)
    link = api.link(file="/srv/app/cart.py")
    assert (link["sourceUrl"], link["verified"]) == (f"{host.url}/team/app/blob/main/src/cart.py", True)
    assert link["ref"] == app.default_branch


@pytest.mark.parametrize("fault", [base.status(502), base.web_page(), base.half_body(), secondary_limit(30)])
def test_a_link_survives_an_outage(api: ApiClient, host: FakeGitHub, app: BareRepository, fault: base.Fault) -> None:
    """It is not verified; nothing else is lost."""
    ready(api)
    host.fault(fault)
    link = api.link(file="/srv/app/cart.py", commitId=app.head(), lineNo=2)
    page = f"{host.url}/team/app/blob/{app.head()}/src/cart.py#L2"
    assert (link["sourceUrl"], link["verified"]) == (page, None)


def test_a_rate_limit_reaches_the_client(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """With the seconds to wait; GitHub is not asked again before."""
    _, installation = ready(api)
    host.fault(secondary_limit(30))
    host.calls.clear()
    path = f"integrations/{installation['id']}/repos/"
    answers = [api.get(path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert 0 < int(answers[1].headers["Retry-After"]) <= 31
    assert len(host.calls) == 1
    assert app.full_name in api.get("repos/").text


def test_a_new_token_takes_the_place_of_a_revoked_one(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """The answer says what to do; afterwards everything works again."""
    _, installation = ready(api)
    host.tokens["newer-token"] = host.tokens.pop(TOKEN)
    path = f"integrations/{installation['id']}/"
    refused = api.get(f"{path}repos/")
    assert (refused.status_code, "needs attention" in refused.text) == (503, True)
    changed = api.post(path, {"token": "newer-token"})
    assert changed.status_code == 200, changed.text
    assert "newer-token" not in changed.text
    assert api.get(f"{path}repos/").status_code == 200
    link = api.link(file="/srv/app/cart.py", commitId=app.head())
    assert link["verified"] is True


def test_a_pasted_page_is_read(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """A branch with a slash is separated from the path after it, by asking GitHub."""
    ready(api)
    app.commit({"src/new.py": "1\n"}, branch="feature/new")
    url = f"{host.url}/team/app/blob/feature/new/src/new.py#L1"
    answer = api.post("/api/0/projects/acme/web/repo-path-parsing/", {"sourceUrl": url, "stackPath": "/srv/app/new.py"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["stackRoot"], found["sourceRoot"], found["defaultBranch"]) == ("/srv/app/", "src/", "feature/new")


def test_source_lines_come_from_github(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """A token that may read code gets the lines of the linked commit; they are read once."""
    ready(api)
    sha = app.commit({"src/cart.py": "".join(f"line {number}\n" for number in range(1, 8))})
    trace = 'Traceback (most recent call last):\n  File "/srv/app/cart.py", line 4, in total\nKeyError: 1\n'
    path, token = "/api/0/projects/acme/web/trace-links/?context=1", api.token("project:read", "code:read")
    for _ in range(2):
        (frame,) = api.post(path, {"text": trace, "commit": sha}, token=token).json()["frames"]
        assert (frame["context"]["startLine"], frame["context"]["lines"]) == (3, ["line 3", "line 4", "line 5"])
    reads = [call for call in host.calls if "/contents/" in call.path]
    # For the link, for its lines, and for the second link; GitHub answers twice that nothing has changed.
    assert [bool(call.headers.get("if-none-match")) for call in reads] == [False, True, True]


def test_a_transferred_repository_keeps_its_links(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """After a synchronization it has its new name and URL; its old name and its commits still lead to it."""
    repository, installation = ready(api)
    api.set_ref("1.0", "v1.0")
    app.rename("globex", "shop")
    app.archived = True
    host.tokens[TOKEN].repositories.add("globex/shop")
    sync = f"integrations/{installation['id']}/sync/"
    assert api.post(sync, None).status_code == 202
    run_due_jobs(api.services)
    done = api.get(sync).json()
    assert (done["checked"], done["changed"], done["notes"]) == (1, 1, []), done
    shown = api.get(f"repos/{repository['id']}/").json()
    assert (shown["name"], shown["url"]) == ("globex/shop", f"{host.url}/globex/shop")
    link = api.link(file="/srv/app/cart.py", release="1.0", lineNo=1)
    first = app.resolve("v1.0")
    assert (link["sourceUrl"], link["verified"]) == (f"{host.url}/globex/shop/blob/{first}/src/cart.py#L1", True)
    assert api.set_ref("2.0", "v2.0")["commitCount"] == 1


def test_pushes_arrive_through_the_repository_s_webhook(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """The service registers it after the repository was added, and removes it with the repository."""
    repository, _ = ready(api)
    run_due_jobs(api.services)
    (hook,) = host.hooks
    assert hook.url.startswith(f"{URL}/hooks/")
    pushed = host.push(app, {"src/cart.py": "one\ntwo\nthree\n"}, "Third")
    assert [status for _, status in host.deliveries] == [200]
    commits = api.get(f"repos/{repository['id']}/commits/").json()
    assert (commits[0]["id"], commits[0]["message"]) == (pushed, "Third")
    forged = signed(hook.url, "push", host.deliveries[0][0].body, "another secret")
    assert host.deliver(forged) == 401
    assert api.delete(f"repos/{repository['id']}/").status_code in (202, 204)
    run_due_jobs(api.services)
    assert host.hooks == []


def test_the_app_is_installed_and_used(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """Its token is renewed when it ends; it sees only the repositories that were selected."""
    host.repository("team/other", private=True)
    installation = installed_app(api, host, app)
    assert (installation["name"], installation["domainName"]) == ("team", f"{host.url.partition('//')[2]}/team")
    path = f"integrations/{installation['id']}/repos/"
    assert [offer["name"] for offer in api.get(path).json()["repos"]] == ["team/app"]
    repository = api.add(installation)
    assert api.mapping(repository, installation).status_code == 201
    first = set(host.granted)
    host.end_tokens()
    link = api.link(file="/srv/app/cart.py", commitId=app.head())
    assert link["verified"] is True
    assert len(host.granted) == 1
    shown = api.get("integrations/").text
    assert not any(token in shown for token in (*first, *host.granted))


def test_an_app_that_is_installed_already_is_connected(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """GitHub sends the browser back at once."""
    host.install("team", app)
    begun = api.post("integrations/", {"provider": "github", "instance": "company", "owner": "team"}).json()
    agreed = httpx2.get(begun["redirect"], follow_redirects=False, trust_env=False)
    page = api.client.get(agreed.headers["Location"].removeprefix(URL))
    assert page.status_code == 200, page.text
    (installation,) = api.get("integrations/").json()
    assert installation["name"] == "team"


def test_pushes_arrive_at_the_app_s_address(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """One address for all installations; a long push is completed by comparing its ends."""
    repository = api.add(installed_app(api, host, app))
    run_due_jobs(api.services)
    assert host.hooks == []
    host.app_address = f"{URL}/hooks/provider/github/"
    pushed = host.push(app, {"src/cart.py": "one\ntwo\nthree\n"}, "Third")
    commits = f"repos/{repository['id']}/commits/"
    assert api.get(commits).json()[0]["id"] == pushed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fake_hosts.github.MOST_PUSHED", 3)
        patch.setattr("scmhost_github.repositories.MOST_LISTED", 3)
        shas = history(app, 6)
        host.pushed(app, "refs/heads/main", pushed, shas[-1])
    run_due_jobs(api.services)
    assert {one["id"] for one in api.get(commits).json()} >= set(shas)
    stranger = host.repository("stranger/app")
    stranger.commit({"a.py": "1\n"})
    host.install("stranger", stranger)
    host.deliveries.clear()
    host.push(stranger, {"a.py": "2\n"})
    assert [status for _, status in host.deliveries] == [202]
    forged = signed(host.app_address, "push", host.deliveries[0][0].body, "another secret")
    assert host.deliver(forged) == 401


def test_the_installation_of_others_is_not_connected(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """The person comes back with the number of somebody else's installation."""
    theirs = host.install("victim", app)
    begun = api.post("integrations/", {"provider": "github", "instance": "company"}).json()
    state = parse_qs(urlsplit(begun["redirect"]).query)["state"][0]
    query = urlencode({"installation_id": theirs.id, "state": state, "code": host.person("eve")})
    page = api.client.get(f"/hooks/install/github/?{query}")
    assert page.status_code >= 400
    assert "does not show installation" in page.text
    assert api.get("integrations/").json() == []


def test_an_uninstalled_app_needs_attention(api: ApiClient, host: FakeGitHub, app: BareRepository) -> None:
    """Links stay, unverified; the answer says what to do."""
    installation = installed_app(api, host, app)
    repository = api.add(installation)
    assert api.mapping(repository, installation).status_code == 201
    host.installations.clear()
    host.end_tokens()
    refused = api.get(f"integrations/{installation['id']}/repos/")
    assert refused.status_code == 503
    assert "install it again" in refused.text
    link = api.link(file="/srv/app/cart.py", commitId=app.head())
    assert (link["sourceUrl"] is not None, link["verified"]) == (True, None)
