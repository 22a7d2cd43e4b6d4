"""Credentials of installations over HTTP, and a search for secrets in everything that leaves the process."""

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import text

from api import PLUGINS_TOML, ApiClient, open_api
from command import scmhost
from hosting import candidate
from plugins.keyed_forge import script
from scmhost.admin.doctor import run_checks
from scmhost.infra.logs import configure_logs
from scmhost.infra.secret_box import new_key
from scmhost.sdk import Installation, Offer, ProviderError, ProviderUnauthorized, RefreshedCredentials

FORGE: Final = candidate("keyed_forge", "plugins.keyed_forge")
ENABLED: Final = "[plugins.keyed_forge]\nenabled = true\ndefault = true\n"
TOKEN: Final = "a-token-of-the-forge"


def configuration(*keys: str) -> str:
    """Return plugins.toml with keys."""
    return PLUGINS_TOML.replace("[host]", f"[host]\nsecret_keys = {json.dumps(keys)}") + ENABLED


@contextmanager
def open_keyed(folder: Path, *keys: str) -> Iterator[ApiClient]:
    """An API with Keyed Forge and these keys."""
    script.reset()
    with open_api(folder, configuration(*keys), more=[FORGE], background=False) as api:
        yield api
    script.reset()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_keyed(tmp_path, new_key()) as opened:
        yield opened


def install(api: ApiClient, name: str = "team", token: str = TOKEN) -> dict[str, Any]:
    answer = api.post("integrations/", {"provider": "keyed_forge", "name": name, "token": token})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def offers(api: ApiClient, made: dict[str, Any]) -> Any:
    return api.get(f"integrations/{made['id']}/repos/")


def test_installation_with_a_token(api: ApiClient) -> None:
    """The token is used, and is not part of the answer."""
    used: list[str] = []

    def offer(installation: Installation) -> Sequence[Offer]:
        used.append(installation.secrets["token"].get_secret_value())
        return [Offer(identifier="1", name="app")]

    script.offer = offer
    made = install(api)
    assert (made["needsAttention"], made["configData"], TOKEN in str(made)) == (None, {}, False)
    assert [each["name"] for each in offers(api, made).json()["repos"]] == ["app"]
    assert used == [TOKEN]


def test_host_without_key_refuses_secrets(tmp_path: Path) -> None:
    """The answer names the command that makes a key, and nothing is installed."""
    with open_keyed(tmp_path) as api:
        answer = api.post("integrations/", {"provider": "keyed_forge", "name": "team", "token": TOKEN})
        assert (answer.status_code, "scmhost secrets new-key" in answer.text) == (409, True)
        assert api.get("integrations/").json() == []


def test_revoked_token_needs_attention_until_a_new_one_is_entered(api: ApiClient) -> None:
    """Requests that need the code host get 503 with the reason; the installation and the doctor show it, too."""

    def offer(installation: Installation) -> Sequence[Offer]:
        if installation.secrets["token"].get_secret_value() == TOKEN:
            raise ProviderUnauthorized("the token was revoked")
        return []

    script.offer = offer
    made = install(api)
    answer = offers(api, made)
    assert (answer.status_code, "the token was revoked" in answer.json()["detail"]) == (503, True)
    path = f"integrations/{made['id']}/"
    for shown in (api.get(path).json(), api.get("integrations/").json()[0]):
        assert "the token was revoked" in shown["needsAttention"]
    assert [item.severity for item in run_checks(api.services) if "was revoked" in item.problem] == ["error"]
    changed = api.post(path, {"token": "another-token", "branch": "main"}).json()
    assert (changed["needsAttention"], changed["configData"]) == (None, {"branch": "main"})
    events = api.get("audit-logs/", params={"event": "integration.edit"}).json()["rows"]
    assert [row["data"] for row in events] == [{"fields": ["branch", "token"]}]


def test_lost_key_is_reported(tmp_path: Path) -> None:
    """A host with another key shows which installation is affected; its other installations work."""
    with open_keyed(tmp_path, new_key()) as api:
        made = install(api)
    database = f"sqlite:///{tmp_path}/test.db"
    with open_api(tmp_path, configuration(new_key()), database, more=[FORGE], background=False) as api:
        other = install(api, "other")
        reasons = {item["name"]: item["needsAttention"] for item in api.get("integrations/").json()}
        assert reasons["other"] is None
        assert "host.secret_keys" in reasons["team"]
        assert (offers(api, made).status_code, offers(api, other).status_code) == (503, 200)
        (finding,) = [item for item in run_checks(api.services) if item.subject == f"installation {made['id']} of acme"]
        assert (finding.severity, "host.secret_keys" in finding.problem) == ("error", True)
        notes = [item.remedy for item in run_checks(api.services) if item.subject == "secrets"]
        assert notes == ["scmhost secrets rotate"]


def test_old_configuration_with_a_secret_is_not_shown(api: ApiClient) -> None:
    """A secret that an older version stored in the configuration still works, and is not part of answers."""
    made = install(api)
    with api.services.store.write() as tx:
        tx.execute(text("DELETE FROM installation_secrets"))
        tx.execute(text("UPDATE installations SET configuration = :old"), {"old": json.dumps({"token": TOKEN})})
    shown = api.get(f"integrations/{made['id']}/").json()
    assert (shown["configData"], shown["needsAttention"]) == ({}, None)


def test_all_secrets_are_encrypted_again_with_a_new_key(tmp_path: Path) -> None:
    """A key is made, named as an older one, and all secrets are encrypted again; the counts are printed."""
    first, second = (scmhost("secrets", "new-key").out.strip() for _ in range(2))
    assert first != second
    with open_keyed(tmp_path, first) as api:
        install(api)
    config, url = tmp_path / "plugins.toml", f"sqlite:///{tmp_path}/test.db"
    (tmp_path / "key").write_text(f"{second}\n", encoding="utf-8")
    keys = f'secret_keys = [{{ file = "{tmp_path}/key" }}, "{first}"]'
    config.write_text(f"schema = 1\n[host]\n{keys}\n", encoding="utf-8")
    done = scmhost("secrets", "rotate", "--config", config, "--database-url", url, "--json")
    assert (done.code, json.loads(done.out)) == (0, {"rotated": 1, "current": 0, "lost": 0})
    done = scmhost("secrets", "rotate", "--config", config, "--database-url", url)
    assert (done.code, done.out) == (0, "0 encrypted again with the first key, 1 were already.\n")
    config.write_text(f'schema = 1\n[host]\nsecret_keys = ["{new_key()}"]\n', encoding="utf-8")
    done = scmhost("secrets", "rotate", "--config", config, "--database-url", url)
    assert (done.code, "1 cannot be decrypted" in done.err) == (1, True)
    (tmp_path / "key").unlink()
    config.write_text(f"schema = 1\n[host]\n{keys}\n", encoding="utf-8")
    done = scmhost("secrets", "rotate", "--config", config, "--database-url", url)
    assert (done.code, first in done.err, "has no key" in done.err) == (3, False, True)


def raising(error: Callable[[str], Exception]) -> Callable[[str], Any]:
    def fail(secret: str) -> Any:
        raise error(secret)

    return fail


def chained(secret: str) -> Any:
    """Raise an error whose cause has the secret."""
    try:
        return int(secret, 36), int(secret, 2)
    except ValueError as error:
        raise ProviderError("no") from error


LEAKS: Final[dict[str, Callable[[str], Any]]] = {
    "refusal": raising(lambda secret: ProviderError(f"the forge does not accept {secret}")),
    "unauthorized": raising(lambda secret: ProviderUnauthorized(f"Bearer {secret}")),
    "exception": raising(ValueError),
    "exception with a value": raising(lambda secret: KeyError({"token": secret})),
    "chained": chained,
    "end of a long text": raising(lambda secret: ProviderError("x" * 1_995 + secret)),
    "address": raising(lambda secret: ProviderError(f"https://forge.example/?token={quote(secret, safe='')}")),
    "header": raising(lambda secret: ProviderError(b64encode(f"user:{secret}".encode()).decode())),
    "JSON": raising(lambda secret: ProviderError(json.dumps({"token": secret}))),
    "result": lambda secret: [secret],
    "invalid value": lambda secret: [Offer(identifier="", name=secret)],
}


def forms(secret: str) -> set[bytes]:
    """Return the texts in which a secret may leak."""
    plain = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret)}
    # The characters in the middle are the same whatever is around them.
    encoded = {b64encode(bytes(shift) + secret.encode())[4:12] for shift in range(3)}
    return {text.encode() for text in plain} | encoded


NUMBERS = count()


def everything(api: ApiClient, folder: Path, secret: str, leak: Callable[[str], Any]) -> bytes:
    """Return all that a host with an installation shows while its plugin leaks the secret."""

    def offer(installation: Installation) -> Any:
        token = installation.secrets["token"].get_secret_value()
        assert token == secret
        return leak(token)

    def refresh(installation: Installation) -> RefreshedCredentials:
        return RefreshedCredentials(secrets={"token": SecretStr(secret)}, expires_at=leak(str(installation)))

    script.offer, script.refresh = offer, refresh
    stream, answers = io.StringIO(), []
    with redirect_stderr(stream):
        configure_logs()
        made = install(api, f"team {next(NUMBERS)}", secret)
        path = f"integrations/{made['id']}/"
        answers += [api.post("integrations/", {"provider": "keyed_forge", "name": made["name"], "token": secret}).text]
        answers += [offers(api, made).text for _ in range(2)]
        answers += [api.post(path, {"branch": "x" * 30, "token": secret}).text]
        answers += [api.post(path, {"branch": "main", "token": [secret]}).text]
        answers += [api.post(path, {"branch": "main", "token": f"{secret} "}).text]
        answers += [api.get(place).text for place in (path, "integrations/", "audit-logs/", "/api/0/plugins/")]
        answers += [str(made), repr(run_checks(api.services)), repr(api.services), repr(api.services.plugins.plugins)]
        answers += [scmhost("audit", "--org", "acme", "--database-url", f"sqlite:///{folder}/test.db").out]
    configure_logs(quiet=True)
    files = [file.read_bytes() for file in sorted(folder.glob("test.db*"))]
    return b"\n".join([*(answer.encode() for answer in answers), stream.getvalue().encode(), *files])


SECRETS = st.one_of(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=80),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=12, max_size=40),
    st.lists(st.text("ABCDEFabcdef0123456789+/", min_size=64, max_size=64), min_size=2, max_size=3).map("\n".join),
)


@pytest.mark.parametrize("leak", LEAKS)
def test_secrets_leave_the_process_in_no_way(tmp_path: Path, leak: str) -> None:
    """Whatever a plugin does, no answer, log line, audit entry, finding, command or database file has its secrets."""
    with open_keyed(tmp_path, new_key()) as api:

        @settings(max_examples=5, database=None, derandomize=True, phases=(Phase.generate,))
        @given(SECRETS.filter(lambda secret: len(set(secret)) > 5))
        def check(secret: str) -> None:
            shown = everything(api, tmp_path, secret, LEAKS[leak])
            assert [form for form in forms(secret) if form in shown] == []

        check()
