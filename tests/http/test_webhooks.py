"""Pushes from code hosts, signed with a secret of the installation."""

import hashlib
import hmac
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

import factories
from api import PLUGINS_TOML, SHA, ApiClient, commit, open_api
from scmhost.commits.push import receive_push
from scmhost.installations.webhooks import MAX_SECRETS, ROTATION

KEY = "an-operator-s-key-of-forty-characters-xx"


def new_secret(api: ApiClient, installation: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(f"integrations/{installation['id']}/webhook/", None)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def push(repository: str = "team/app", *commits: dict[str, Any]) -> bytes:
    """Return a delivery in the plain form."""
    return json.dumps({"repository": repository, "ref": "refs/heads/main", "commits": commits or [commit()]}).encode()


def deliver(api: ApiClient, installation: dict[str, Any], body: bytes, secret: str) -> Response:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Scmhost-Signature": f"sha256={signature}", "Content-Type": "application/json"}
    return api.client.post(f"/hooks/{installation['id']}/", content=body, headers=headers)


def test_a_push_brings_its_commits(api: ApiClient) -> None:
    """The answer with the secret has the URL; commits that are sent to it are saved."""
    repository, installation = api.claimed()
    made = new_secret(api, installation)
    assert made["url"].endswith(f"/hooks/{installation['id']}/")
    answer = deliver(api, installation, push(), made["secret"])
    assert (answer.status_code, answer.json()["repositories"][0]["new"]) == (200, 1)
    assert [item["id"] for item in api.get(f"repos/{repository['id']}/commits/").json()] == [SHA]


def test_the_same_delivery_again_is_harmless(api: ApiClient) -> None:
    """A repeated delivery changes nothing."""
    _, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    deliver(api, installation, push(), secret)
    before = factories.all_rows(api.services.store)
    again = deliver(api, installation, push(), secret).json()["repositories"][0]
    assert (again["new"], again["known"]) == (0, 1)
    assert factories.all_rows(api.services.store) == before


@pytest.mark.parametrize(
    "name", ["TEAM/APP", "https://git.example.com/Team/App.git", "https://elsewhere.example/team/app"]
)
def test_a_repository_is_named_in_many_ways(api: ApiClient, name: str) -> None:
    """A delivery may have the name or the URL in any case, or the path of the URL."""
    _, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    assert deliver(api, installation, push(name), secret).json()["repositories"][0]["name"] == "team/app"


def test_unknown_or_hidden_repository_is_reported_and_left_out(api: ApiClient) -> None:
    """Nothing is saved for such a repository, and the answer names it."""
    repository, installation = api.claimed()
    api.repository("team/free", None)
    secret = new_secret(api, installation)["secret"]
    api.put(f"repos/{repository['id']}/", {"status": "hidden"})
    for name in ("team/free", "team/app", "nobody"):
        answer = deliver(api, installation, push(name), secret).json()
        assert (answer["repositories"], len(answer["notes"])) == ([], 1)
        assert repr(name) in answer["notes"][0]


def test_secrets_change_without_a_gap(api: ApiClient) -> None:
    """The old secret is valid for one day beside the new one."""
    _, installation = api.claimed()
    old, new = (new_secret(api, installation)["secret"] for _ in range(2))
    assert old != new
    assert [deliver(api, installation, push(), secret).status_code for secret in (old, new)] == [200, 200]
    ends = [
        secret["dateExpires"] for secret in api.get(f"integrations/{installation['id']}/webhook/").json()["secrets"]
    ]
    assert ends[0] is None
    assert ends[1].endswith("Z")
    later = replace(api.services, clock=At(datetime.now(UTC) + ROTATION + timedelta(minutes=1)))
    body = push()
    for secret, fits in ((new, True), (old, False)):
        headers = {"x-scmhost-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
        with pytest.raises(Exception, match="not signed") if not fits else nullcontext():
            receive_push(later, int(installation["id"]), headers, body)


class At:
    """A clock that always returns the same time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def test_a_secret_can_be_revoked(api: ApiClient) -> None:
    """The secret is invalid at once; deleting it again is 404."""
    _, installation = api.claimed()
    made = new_secret(api, installation)
    path = f"integrations/{installation['id']}/webhook/{made['secrets'][0]['id']}/"
    assert [api.delete(path).status_code for _ in range(2)] == [204, 404]
    assert deliver(api, installation, push(), made["secret"]).status_code == 404


def test_a_wrong_signature_is_refused(api: ApiClient) -> None:
    """Another installation's secret, no signature, and the signature of another body are rejected."""
    _, installation = api.claimed()
    other = api.install(name="other")
    secret, foreign = (new_secret(api, each)["secret"] for each in (installation, other))
    assert deliver(api, installation, push(), foreign).status_code == 401
    signature = hmac.new(secret.encode(), b"other", hashlib.sha256).hexdigest()
    for value in (b"", signature.encode(), "sha256=\u00e9".encode("latin-1")):
        headers = {b"X-Scmhost-Signature": value} if value else {}
        assert api.client.post(f"/hooks/{installation['id']}/", content=push(), headers=headers).status_code == 401
    assert api.get("repos/1/commits/").status_code == 404


def test_last_deliveries_are_listed(api: ApiClient) -> None:
    """The newest is first; no one without the scope for installations sees them."""
    _, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    deliver(api, installation, push(), secret)
    deliver(api, installation, b"[", secret)
    found = api.get(f"integrations/{installation['id']}/webhook/deliveries/").json()
    assert [each["outcome"] for each in found] == ["refused", "saved"]
    assert found[1]["detail"] == "team/app: 1 new, 0 known."
    assert api.get("integrations/999999/webhook/deliveries/").status_code == 404


def test_malformed_push_is_refused_after_signature_check(api: ApiClient) -> None:
    """A signed body that cannot be read is 400 with ``detail``."""
    _, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    for body in (b"", b"[", b"[]", b'{"repository": 1}', push("team/app", {"message": "no id"})):
        answer = deliver(api, installation, body, secret)
        assert (answer.status_code, list(answer.json())) == (400, ["detail"]), body


def test_unauthenticated_request_reveals_nothing(api: ApiClient) -> None:
    """The answer is the same without an installation, without a secret and with a disabled provider."""
    _, installation = api.claimed()
    ids = ["999999", "x", installation["id"]]
    answers = [api.client.post(f"/hooks/{id_}/", content=push()) for id_ in ids]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].json() == answers[2].json()


def test_disabled_provider_accepts_no_delivery(api: ApiClient, tmp_path: Path) -> None:
    """Deliveries are 404 while the provider is off; afterwards the secret is valid again."""
    _, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    url = api.services.store.url_without_password
    off = tmp_path / "off"
    off.mkdir()
    with open_api(off, PLUGINS_TOML.replace('["acme"]', "[]"), url) as without:
        assert deliver(without, installation, push(), secret).status_code == 404
    assert deliver(api, installation, push(), secret).status_code == 200


def test_webhooks_need_a_key(tmp_path: Path) -> None:
    """The answer has the name of the setting."""
    with open_api(tmp_path, PLUGINS_TOML.replace(f'webhook_key = "{KEY}"', "")) as api:
        _, installation = api.claimed()
        answer = api.post(f"integrations/{installation['id']}/webhook/", None)
        assert answer.status_code == 409
        assert "host.webhook_key" in answer.json()["detail"]


def test_the_database_holds_no_secret(api: ApiClient) -> None:
    """Neither the secret nor the key is stored."""
    _, installation = api.claimed()
    made = new_secret(api, installation)
    rows = str(factories.all_rows(api.services.store))
    assert made["secret"] not in rows
    assert KEY not in rows
    assert KEY not in repr(api.services)


def test_secrets_are_few(api: ApiClient) -> None:
    """Above the maximum the answer is a conflict with the next step."""
    _, installation = api.claimed()
    for _ in range(MAX_SECRETS):
        new_secret(api, installation)
    assert api.post(f"integrations/{installation['id']}/webhook/", None).status_code == 409
    assert api.get("integrations/999999/webhook/").status_code == 404


def test_a_push_over_the_limit_is_refused_by_its_name(tmp_path: Path) -> None:
    """The limits for commits are the same as for other requests."""
    configuration = PLUGINS_TOML + "[limits]\ncommits_per_request = 1\nbody_bytes = 2000\n"
    with open_api(tmp_path, configuration) as api:
        _, installation = api.claimed()
        secret = new_secret(api, installation)["secret"]
        answer = deliver(api, installation, push("team/app", commit("1" * 40), commit("2" * 40)), secret)
        assert (answer.status_code, "limits.commits_per_request" in answer.text) == (400, True)
        large = deliver(api, installation, push("team/app", commit(message="x" * 2_000)), secret)
        assert (large.status_code, "limits.body_bytes" in large.text) == (413, True)


def test_marked_commits_are_left_out(api: ApiClient) -> None:
    """The rules for commits are the same as for other requests."""
    repository, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    marked = [commit("1" * 40, message="x #skipsentry"), commit("2" * 40, author_email=None, author_name="Ada L")]
    deliver(api, installation, push("team/app", *marked), secret)
    (kept,) = api.get(f"repos/{repository['id']}/commits/").json()
    assert (kept["id"], kept["author"]["email"]) == ("2" * 40, "adal@localhost")


@pytest.mark.parametrize(
    "name", ["http://[x", "ssh://[::1/team/app", "//[", "http://\u2100/team/app", "other/app", "/"]
)
def test_name_without_address_is_left_out(api: ApiClient, name: str) -> None:
    """A repository of that name without a URL is not used for a delivery."""
    installation = api.install()
    assert api.claim(api.repository(url=None), installation).status_code == 201
    answer = deliver(api, installation, push(name), new_secret(api, installation)["secret"])
    assert (answer.status_code, answer.json()["repositories"]) == (200, [])
    assert repr(name) in answer.json()["notes"][0]


def test_a_push_of_marked_commits_alone_brings_nothing(api: ApiClient) -> None:
    """If all commits are marked, the delivery is accepted and nothing is saved."""
    repository, installation = api.claimed()
    secret = new_secret(api, installation)["secret"]
    answer = deliver(api, installation, push("team/app", commit(message="x #skipsentry")), secret)
    assert (answer.status_code, answer.json()) == (200, {"repositories": [], "notes": []})
    assert api.get(f"repos/{repository['id']}/commits/").json() == []
