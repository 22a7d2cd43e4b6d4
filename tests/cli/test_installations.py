"""``scmhost installations add``: fields of the form, waiting, and what is printed."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import factories
from command import Done, scmhost
from scmhost.cli import installations
from scmhost.cli.api_client import CommandAnswer as Reply
from scmhost.cli.installations import Answer, read_fields, wait_for_result
from scmhost.cli.targets import ServerClient, ServerError
from scmhost.installations.install import install_provider
from scmhost.repositories import sync_queries
from scmhost.repositories.sync_queries import StoredSync
from scripted_host import open_scripted


def test_fields_of_files_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret comes from a file or from standard input, without its line feed; @@ stands for @."""
    (tmp_path / "token").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\r\n")))
    texts = ["name=team", "url=https://x/?a=b", f"token=@{tmp_path}/token", "key=-", "at=@@home", "empty=", "dash=--"]
    assert read_fields(texts) == {
        "name": "team",
        "url": "https://x/?a=b",
        "token": "from a file",
        "key": "from a pipe",
        "at": "@home",
        "empty": "",
        "dash": "--",
    }


def test_field_without_a_value_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed is not shown, and the question is not part of the answer."""
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def prompt(name: str, **how: Any) -> str:
        asked.append((name, how))
        return "typed"

    monkeypatch.setattr("click.prompt", prompt)
    assert read_fields(["token"]) == {"token": "typed"}
    assert asked == [("token", {"hide_input": True, "err": True})]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["=x"], "'=x' has no name"),
        (["a=1", "a=2"], "'a' occurs twice"),
        (["a=@missing/file"], "missing/file: No such file or directory"),
    ],
)
def test_wrong_fields_leave_no_database_behind(tmp_path: Path, texts: Sequence[str], problem: str) -> None:
    """Wrong usage has exit code 2, and leaves no database behind."""
    words = [word for text in texts for word in ("--field", text)]
    done = add(*words, "--database-url", f"sqlite:///{tmp_path}/none.db")
    assert (done.code, problem in done.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def add(*words: object) -> Done:
    return scmhost("installations", "add", "--provider", "forge", "--org", "acme", *words)


class ScriptedServer:
    """Begins an installation, and answers with these statuses, one after the other; an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers: Iterator[object] = iter(answers)

    def status(self) -> Answer:
        answer = next(self.answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, dict) else {"status": answer, "detail": None, "integrationId": None}

    def answer(self, method: str, path: str, body: Any = None) -> Reply:
        below = path.removeprefix("/api/0/organizations/acme/integrations/")
        match method, below:
            case "POST", "":
                redirect = f"https://forge.example/?{body.get('q')}"
                return Reply({"id": "7", "redirect": redirect, "expiresAt": "2026-01-01T00:10:00Z"})
            case "GET", "pending/7/":
                return Reply(self.status())
            case "GET", "5/":
                return Reply({"id": "5", "name": "team"})
        raise AssertionError((method, path))


def waited(*answers: object, seconds: float = 100) -> tuple[str, int]:
    """Return the status that ended waiting, and the number of pauses before."""
    time = 0.0

    def pause(by: float) -> None:
        nonlocal time
        time += by

    done = wait_for_result(ScriptedServer(*answers).status, seconds, pause, lambda: time)
    return done["status"], round(time / installations.POLL_SECONDS)


def test_waiting_ends_with_a_result_or_in_time() -> None:
    """It waits while the installation is open, up to the given time, and through a restart of the server."""
    assert waited("waiting", "waiting", "finishing", "installed") == ("installed", 3)
    for status in ("refused", "failed", "expired"):
        assert waited("waiting", status) == (status, 1)
    assert waited(*["waiting"] * 20, seconds=5) == ("waiting", 5)
    down = ServerError("it does not answer")
    assert waited("waiting", *[down] * 4, "waiting", *[down] * 4, "installed") == ("installed", 10)
    with pytest.raises(ServerError):
        waited(*[down] * 5)
    with pytest.raises(ServerError):
        waited(*[down] * 3, seconds=1)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that replaces the server by one with these answers."""

    def replace(*answers: object) -> None:
        server = ScriptedServer(*answers)
        monkeypatch.setattr(ServerClient, "answer", lambda _client, *request: server.answer(*request))

    return replace


REMOVED = "Installation team is removed. Its repositories are unclaimed now.\n"
SERVER = ("--url", "https://scmhost.example", "--token", "t", "--field", "q=\x1b[31m")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"status": "refused", "detail": "you declined"}, "not installed (refused): you declined"),
        ({"status": "expired", "detail": "begin again"}, "not installed (expired): begin again"),
        (KeyboardInterrupt(), "the address stays valid"),
    ],
)
def test_no_installation(scripted: Callable[..., None], answer: object, problem: str) -> None:
    """The exit code is 1, with the reason; standard output is empty. Control characters are not sent to a terminal."""
    scripted(answer)
    done = add(*SERVER)
    assert (done.code, done.out, problem in done.err) == (1, "", True)
    assert "  https://forge.example/?" in done.err
    assert "\x1b" not in done.err


def test_installation_is_printed(scripted: Callable[..., None]) -> None:
    """As text, or as JSON for another program."""
    scripted({"status": "installed", "detail": None, "integrationId": "5"})
    assert add(*SERVER).out == "Installation team of forge is made (id 5).\n"
    scripted({"status": "installed", "detail": None, "integrationId": "5"})
    assert json.loads(add(*SERVER, "--json").out) == {"id": "5", "name": "team", "provider": "forge"}


def test_no_result_in_time(scripted: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says how long it has waited."""
    scripted()
    monkeypatch.setattr(installations, "wait_for_result", lambda *_: {"status": "waiting", "detail": None})
    done = add(*SERVER, "--wait", "5")
    assert (done.code, "no result after 5 seconds" in done.err) == (1, True)


def test_installation_at_once_in_the_local_database(tmp_path: Path) -> None:
    """A provider without steps installs, and the audit log names the user."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n[plugins.custom_scm]\nenabled = true\ndefault = true\n", encoding="utf-8")
    where = ["--config", config, "--database-url", f"sqlite:///{tmp_path}/x.db"]
    assert scmhost("bootstrap", "--org", "acme", "--project", "web", *where).code == 0
    words = ["--provider", "custom_scm", "--organization", "acme", "--field", "name=team"]
    done = scmhost("installations", "add", *words, "--field", "url=https://git.example.com/", *where)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Installation team of custom_scm is made (id ")
    assert "integration.add" in scmhost("audit", "--org", "acme", *where).out
    wrong = scmhost("installations", "add", *words, "--field", "url=ftp://x", *where)
    assert (wrong.code, "url: " in wrong.err) == (1, True)
    off = scmhost("installations", "add", "--provider", "forge", "--org", "acme", *where)
    assert (off.code, "'forge' is off" in off.err) == (1, True)


def test_installation_is_removed_from_the_local_database(tmp_path: Path) -> None:
    """The command names the installation; a second time there is none."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n[plugins.custom_scm]\nenabled = true\ndefault = true\n", encoding="utf-8")
    where = ["--config", config, "--database-url", f"sqlite:///{tmp_path}/x.db"]
    assert scmhost("bootstrap", "--org", "acme", "--project", "web", *where).code == 0
    fields = ["--field", "name=team", "--field", "url=https://git.example.com/"]
    made = scmhost("installations", "add", "--provider", "custom_scm", "--org", "acme", *fields, "--json", *where)
    id_ = json.loads(made.out)["id"]
    done = scmhost("installations", "remove", id_, "--org", "acme", *where)
    assert (done.code, done.out, done.err) == (
        0,
        "Installation team is removed. Its repositories are unclaimed now.\n",
        "",
    )
    assert "integration.remove" in scmhost("audit", "--org", "acme", *where).out
    again = scmhost("installations", "remove", id_, "--org", "acme", *where)
    assert (again.code, f"there is no installation '{id_}'; none is known" in again.err) == (1, True)


@pytest.mark.parametrize(("answer", "notes"), [(None, []), ({"notes": ["Remove it."]}, ["Remove it."])])
def test_installation_is_removed_from_a_server(
    monkeypatch: pytest.MonkeyPatch, answer: object, notes: list[str]
) -> None:
    """An empty answer means that all is cleaned up; notes are printed on standard error, or are part of the JSON."""
    sent: list[Any] = []

    def reply(_client: ServerClient, method: str, path: str, _body: object = None) -> Reply:
        sent.append((method, path))
        return Reply(answer if method == "DELETE" else [{"id": "7", "name": "team"}])

    monkeypatch.setattr(ServerClient, "answer", reply)
    words = ["installations", "remove", "team", "--org", "acme", "--url", "https://x.example", "--token", "t"]
    done = scmhost(*words)
    assert (done.code, done.err.splitlines()) == (0, notes)
    assert json.loads(scmhost(*words, "--json").out) == {"id": "7", "name": "team", "notes": notes}
    assert sent[1] == ("DELETE", "/api/0/organizations/acme/integrations/7/")


def test_server_that_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without what is needed is an error with a next step."""
    words = ["--url", "https://x.example", "--token", "t", "--org", "acme"]
    answers: list[Any] = [{}, [], None, {"other": 1}, {"redirect": "https://x.example"}]
    for answer in answers:
        monkeypatch.setattr(ServerClient, "answer", lambda *_, answer=answer: Reply(answer))
        # An empty list is an answer: there are no installations.
        for command in (["add", "--provider", "forge"], *([["sync", "team"], ["list"]] if answer != [] else [])):
            done = scmhost("installations", *command, *words)
            assert (done.code, "check that --url" in done.err) == (1, True), (command, answer)


def test_sync_prints_what_is_under_way_and_the_last_result(tmp_path: Path) -> None:
    """A running service does the work; a provider that cannot report changes is named."""
    with open_scripted(tmp_path) as opened:
        words = ["--org", "acme", "--config", str(tmp_path / "plugins.toml")]
        words += ["--database-url", f"sqlite:///{tmp_path}/test.db"]
        custom = install_provider(
            opened.services, opened.organization, "custom_scm", {"name": "team", "url": "https://git.example.com/"}
        )
        done = scmhost("installations", "sync", custom.installation.id, *words)
        assert (done.code, done.out.startswith("idle: CustomSCM does not report changes")) == (0, True), done.err
        with opened.services.store.write() as tx:
            result = StoredSync(factories.NOW, factories.NOW, 7, 2, ["a note"], "it was down")
            sync_queries.save_result(tx, (opened.organization.id, custom.installation.id), result)
        shown = json.loads(scmhost("installations", "sync", custom.installation.id, *words, "--json").out)
        assert (shown["state"], shown["checked"], shown["notes"]) == ("idle", 7, ["a note"])
        assert scmhost("installations", "sync", factories.NOBODY, *words).code == 1


def test_sync_on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of the server is printed with its notes."""
    sent: list[str] = []
    answer: dict[str, Any] = {
        "state": "waiting",
        "fault": None,
        "dateFinished": "2026-01-02T03:04:05Z",
        "checked": 7,
        "changed": 2,
    }

    def reply(_client: ServerClient, method: str, path: str, _body: object = None) -> Reply:
        sent.append(path)
        return Reply({**answer, "notes": ["a name is taken"]} if method == "POST" else [{"id": "7", "name": "team"}])

    monkeypatch.setattr(ServerClient, "answer", reply)
    done = scmhost("installations", "sync", "team", "--org", "acme", "--url", "https://x.example", "--token", "t")
    assert sent[1] == "/api/0/organizations/acme/integrations/7/sync/"
    assert done.out.splitlines() == [
        "waiting",
        "last: 7 checked, 2 changed, at 2026-01-02T03:04:05Z",
        "  a name is taken",
    ]
