"""From an access token to links at the exact commit, over HTTP, at a fake Forgejo."""

from pathlib import Path

import pytest

from api import open_api
from fake_hosts import base
from fake_hosts.forgejo import FakeForgejo
from fake_hosts.repository import history
from forgejo_service import Acme, plugins_toml


def test_a_token_is_no_part_of_any_answer(acme: Acme) -> None:
    """Neither when it is given nor later; the database has it encrypted."""
    installation = acme.install()
    shown = acme.api.get(f"integrations/{installation['id']}/").text + acme.api.get("integrations/").text
    assert "good-token" not in f"{installation}{shown}"
    assert b"good-token" not in b"".join(
        path.read_bytes() for path in (acme.host.folder.parent / "service").glob("*db*")
    )
    assert installation["name"].startswith("ada at 127.0.0.1")


@pytest.mark.parametrize(
    ("token", "status", "problem"),
    [("wrong-token", 403, "wrong, expired or revoked"), ("short", 400, "at least 8")],
)
def test_a_wrong_token_is_refused(acme: Acme, token: str, status: int, problem: str) -> None:
    """Nothing is saved, and the answer says what is wrong without repeating the token."""
    answer = acme.api.post("integrations/", {"provider": "forgejo", "instance": acme.host.url, "token": token})
    assert (answer.status_code, problem in answer.text) == (status, True), answer.text
    assert "wrong-token" not in answer.text
    assert acme.api.get("integrations/").json() == []


def test_repositories_are_offered_and_added(acme: Acme) -> None:
    """With the default branch; a second request is refused, and so is what the token does not show."""
    acme.host.repository("other/secret", private=True)
    installation = acme.install()
    path = f"integrations/{installation['id']}/repos/"
    (offer,) = acme.api.get(path, params={"search": "APP"}).json()["repos"]
    assert (offer["identifier"], offer["defaultBranch"]) == ("team/app", "main")
    repository = acme.api.add(installation)
    assert (repository["name"], repository["url"]) == ("team/app", acme.url)
    again = {"provider": "forgejo", "installation": installation["id"], "identifier": "team/app"}
    assert acme.api.post("repos/", again).status_code == 409
    assert acme.api.post("repos/", {**again, "identifier": "other/secret"}).status_code == 404


def test_a_ref_alone_gives_a_release_its_commits(acme: Acme) -> None:
    """The commits since the previous release are read from the server, page by page."""
    acme.host.largest_page = 3
    acme.ready()
    first = acme.app.resolve("main~1") or ""
    assert acme.api.set_ref("1.0", first)["commitCount"] == 1
    history(acme.app, 6)
    acme.app.tag("v2.0")
    release = acme.api.set_ref("2.0", "v2.0")
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (7, acme.app.head(), [])
    shown = acme.api.get("releases/2.0/commits/").json()
    assert shown[-1]["issueIds"] == ["SHOP-7"]
    assert shown[0]["url"] == f"{acme.url}/commit/{acme.app.head()}"


def test_links_lead_to_files_that_exist(acme: Acme) -> None:
    """At the release's commit; the page is there."""
    acme.ready()
    first, second = acme.app.resolve("main~1") or "", acme.app.head()
    acme.api.set_ref("1.0", first)
    acme.api.set_ref("2.0", second)
    answer = acme.api.link(file="/srv/app/cart.py", release="2.0", lineNo=2)
    assert (answer["sourceUrl"], answer["verified"]) == (f"{acme.url}/src/commit/{second}/src/cart.py#L2", True)
    assert acme.api.link(file="/srv/app/gone.py", release="1.0")["verified"] is True
    gone = acme.api.link(file="/srv/app/gone.py", release="2.0")
    assert (gone["error"], gone["sourceUrl"]) == ("file_not_found", None)


def test_a_mapping_without_a_branch_uses_the_default_branch(acme: Acme) -> None:
    """The server knows it."""
    acme.ready(defaultBranch=None)
    answer = acme.api.link(file="/srv/app/cart.py")
    assert (answer["sourceUrl"], answer["ref"], answer["verified"]) == (
        f"{acme.url}/src/branch/main/src/cart.py",
        "main",
        True,
    )


def test_a_branch_with_slashes_is_read_from_a_pasted_page(acme: Acme) -> None:
    """The server tells the branch from the path."""
    acme.app.commit({"b.py": "1"}, branch="feature/x")
    acme.api.add(acme.install())
    body = {"sourceUrl": f"{acme.url}/src/branch/feature/x/src/cart.py", "stackPath": "/srv/app/cart.py"}
    answer = acme.api.post("/api/0/projects/acme/web/repo-path-parsing/", body).json()
    assert (answer["stackRoot"], answer["sourceRoot"], answer["defaultBranch"]) == ("/srv/app/", "src/", "feature/x")


@pytest.mark.parametrize("fault", [base.status(502), base.web_page(), base.half_body(), base.rate_limit(30)])
def test_links_stay_while_the_server_fails(acme: Acme, fault: base.Fault) -> None:
    """Unverified; commits are fetched as soon as it works again."""
    acme.ready()
    acme.host.fault(fault)
    answer = acme.api.link(file="/srv/app/cart.py", commitId=acme.app.head())
    assert (answer["sourceUrl"], answer["verified"]) == (
        f"{acme.url}/src/commit/{acme.app.head()}/src/cart.py",
        None,
    )


def test_a_rate_limit_reaches_the_client(acme: Acme) -> None:
    """With the seconds to wait; the server is not asked again before."""
    installation = acme.ready()
    acme.host.fault(base.rate_limit(30))
    path = f"integrations/{installation['id']}/repos/"
    answers = [acme.api.get(path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert 0 < int(answers[0].headers["Retry-After"]) <= 31
    assert len([call for call in acme.host.calls if call.path.endswith("/user/repos") and "page" in call.query]) == 1


def test_a_revoked_token_is_shown(acme: Acme) -> None:
    """Links stay, and the person who asks reads what is wrong."""
    installation = acme.ready()
    del acme.host.tokens["good-token"]
    answer = acme.api.get(f"integrations/{installation['id']}/repos/")
    assert answer.status_code == 503
    assert "needs attention" in answer.text
    assert "enter new ones in its configuration" in answer.text
    assert acme.api.link(file="/srv/app/cart.py", commitId=acme.app.head())["verified"] is None


def test_a_new_token_replaces_the_revoked_one(acme: Acme) -> None:
    """Without a new installation."""
    installation = acme.ready()
    acme.host.tokens["the-next-token"] = acme.host.tokens.pop("good-token")
    changed = acme.api.post(f"integrations/{installation['id']}/", {"token": "the-next-token"})
    assert changed.status_code == 200, changed.text
    assert "the-next-token" not in changed.text
    assert acme.api.get(f"integrations/{installation['id']}/repos/").status_code == 200


@pytest.mark.parametrize(
    ("allow", "status"), [("", 400), ("allow = ['127.0.0.0/8']", 201), ("allow = ['git.intern.example']", 400)]
)
def test_private_addresses_are_refused(tmp_path: Path, host: FakeForgejo, allow: str, status: int) -> None:
    """Where the operator forbids them, but for the exceptions; nothing is sent."""
    (tmp_path / "strict").mkdir()
    rule = f"[host.outbound]\ndeny_private = true\n{allow}\n"
    text = plugins_toml().replace("[plugins.custom_scm]", f"{rule}[plugins.custom_scm]")
    with open_api(tmp_path / "strict", text, background=False) as api:
        answer = api.post("integrations/", {"provider": "forgejo", "instance": host.url, "token": "good-token"})
    assert answer.status_code == status, answer.text
    assert ("not at a public address" in answer.text) == (status == 400)
    assert (host.calls == []) == (status == 400)
