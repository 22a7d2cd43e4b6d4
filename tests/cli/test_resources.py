"""The commands for what an organization has, on the local database and on a server."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request

import pytest

from api import ApiClient, open_api
from command import Done, scmhost
from scmhost.cli import targets
from scmhost.cli.api_client import error_text
from scmhost.cli.resources import field_text, show_table

CONFIG = "schema = 1\n[plugins.custom_scm]\nenabled = true\ndefault = true\n"
TRACE = 'Traceback (most recent call last):\n  File "/srv/app/cart.py", line 42, in total\n    x\nTypeError: x\n'
LINK = "https://git.example.com/team/app/src/branch/main/src/cart.py#L42"

# A command, and a line that it prints. Names, never ids.
WALK: Sequence[tuple[str, str]] = [
    (
        "projects add web",
        "Project web is there (id N).",
    ),
    (
        "projects list",
        "web   web   -         N",
    ),
    (
        "repositories add team/app --web-url https://git.example.com/team/app",
        "Repository team/app is there (id N).",
    ),
    (
        "installations add team --provider custom_scm --field url=https://git.example.com/ --field preset=gitea",
        "Installation team of custom_scm is made (id N).",
    ),
    (
        "repositories claim team/app",
        "Repository team/app is claimed, through CustomSCM.",
    ),
    (
        "repositories list",
        "team/app  active  CustomSCM  team          https://git.example.com/team/app",
    ),
    (
        "mappings add /srv/app/=src/ --repository team/app --branch main",
        "created  /srv/app/   src/         -",
    ),
    (
        "mappings add =lib/ --repository team/app --branch main",
        "created  -           lib/         -",
    ),
    (
        "redirects test cart.py:3",
        "redirects to  https://git.example.com/team/app/src/branch/main/lib/cart.py#L3  team/app    web",
    ),
    (
        "mappings test crash.txt",
        f"/srv/app/cart.py  42    /srv/app/  {LINK}  -       -",
    ),
    (
        "releases add 1.0 --project web",
        "Release 1.0 is there, with 0 commits.",
    ),
    (
        "releases deploy 1.0 --environment production",
        "Release 1.0 is deployed to production.",
    ),
    (
        "releases list",
        "1.0      web       0        1        -",
    ),
    (
        "releases show 1.0",
        "deploys      N",
    ),
    (
        "redirects add sentry",
        "KEY",
    ),
    (
        "redirects remove sentry",
        "Redirect key sentry is revoked.",
    ),
    (
        "releases remove 1.0",
        "Release 1.0 is removed; its commits stay.",
    ),
    (
        "mappings remove /srv/app/",
        "Code mapping /srv/app/ of web is removed.",
    ),
    (
        "repositories change team/app --rename team/shop",
        "Repository team/shop is changed.",
    ),
    (
        "repositories unclaim team/shop",
        "Repository team/shop is unclaimed; its commits stay.",
    ),
    (
        "repositories remove team/shop",
        "Repository team/shop is deleted in an hour. Until then, change NAME --status active keeps it.",
    ),
    (
        "installations remove team",
        "Installation team is removed. Its repositories are unclaimed now.",
    ),
]

# The commands of the walk that the local database is tried with, too: each of them opens a host of its own.
LOCAL = (0, 2, 3, 4, 6, 9)


@dataclass(frozen=True)
class Response:
    """An answer of the application as urllib returns it."""

    status: int
    headers: Message
    content: bytes

    def read(self) -> bytes:
        return self.content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass


Command = Callable[..., Done]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiClient]:
    """A service; requests of commands go to it."""
    with open_api(tmp_path, CONFIG, background=False) as api:

        def respond(request: Request) -> Response:
            content = request.data if isinstance(request.data, bytes) else None
            path = request.full_url.removeprefix("https://scmhost.example")
            answer = api.client.request(
                request.get_method(), path, content=content, headers=dict(request.header_items())
            )
            headers = HTTPMessage()
            for name, value in answer.headers.items():
                headers[name] = value
            return Response(answer.status_code, headers, answer.content)

        monkeypatch.setattr(targets, "_open", respond)
        monkeypatch.setenv("SCMHOST_URL", "https://scmhost.example")
        monkeypatch.setenv("SCMHOST_AUTH_TOKEN", api.there.token)
        monkeypatch.chdir(tmp_path)
        Path("crash.txt").write_text(TRACE, encoding="utf-8")
        yield api


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a configuration and an organization."""
    monkeypatch.chdir(tmp_path)
    Path("crash.txt").write_text(TRACE, encoding="utf-8")
    Path("plugins.toml").write_text(CONFIG, encoding="utf-8")
    assert scmhost("organizations", "add", "acme").out == "Organization acme is there (id 1).\n"


def constant(output: str) -> str:
    """Return the output with N for ids, and KEY for a key."""
    without_ids = re.sub(r"(?<=\(id )\d+|(?<=   )\d{1,3}$", "N", output, flags=re.MULTILINE)
    return re.sub(r"^\d+-[\w-]{43}$", "KEY", without_ids, flags=re.MULTILINE)


def walk(commands: Sequence[tuple[str, str]]) -> None:
    for words, line in commands:
        done = scmhost(*words.split())
        assert (done.code, done.err) == (0, ""), words
        assert line in constant(done.out).splitlines(), words


def test_everything_is_done_by_name_on_a_server(server: ApiClient) -> None:
    """From an empty organization to a link and back, without an id."""
    walk(WALK)


@pytest.mark.usefixtures("local")
def test_the_local_database_gives_the_same(tmp_path: Path) -> None:
    """The same commands without a server; the audit log names the user of the machine."""
    walk([WALK[number] for number in LOCAL])
    entries = json.loads(scmhost("audit", "--org", "acme", "--json").out)
    assert {entry["actor"]["kind"] for entry in entries} == {"user"}
    assert json.loads(scmhost("organizations", "list", "--json").out)[0]["slug"] == "acme"


def test_redirect_is_tested_without_following_it(server: ApiClient) -> None:
    """The output has the page or the reason; a key that does not work is a reason, too."""
    repository, installation = server.claimed()
    server.mapping(repository, installation)
    done = scmhost("redirects", "test", "/srv/app/cart.py:42")
    link = "https://git.example.com/team/app/blob/main/src/cart.py#L42"
    assert (done.code, done.out.splitlines()[1].split()) == (0, ["redirects", "to", link, "team/app", "web"])
    missing = scmhost("redirects", "test", "/opt/x.py:1", "--project", "web")
    assert (missing.code, "leads nowhere" in missing.out) == (1, True)
    key = scmhost("redirects", "create", "--name", "jaeger").out.strip()
    url = f"https://scmhost.example/r/{key}?file=/srv/app/cart.py&line=42"
    assert scmhost("redirects", "test", url).out == done.out
    scmhost("redirects", "remove", "jaeger")
    revoked = scmhost("redirects", "test", url)
    assert (revoked.code, "Key 'jaeger' was revoked." in revoked.out) == (1, True)
    assert scmhost("redirects", "test", "https://scmhost.example/").code == 1


@pytest.mark.parametrize("words", [("redirects", "add", "x"), ("token", "create", "--note", "x")])
def test_what_is_made_expires_in_the_future(words: tuple[str, ...]) -> None:
    """A time in the past is wrong usage: the key or token would be worthless."""
    done = scmhost(*words, "--expires", "2020-01-01")
    assert (done.code, "is in the past" in done.err) == (2, True)


def test_new_key_of_an_old_name_is_removed_by_the_name(server: ApiClient) -> None:
    """Keys are replaced by ones of the same name; a revoked one does not make the name ambiguous."""
    for _ in range(2):
        scmhost("redirects", "add", "jaeger")
        assert scmhost("redirects", "remove", "jaeger").out == "Redirect key jaeger is revoked.\n"
    assert [key["dateRevoked"] is None for key in server.get("redirect-keys/").json()] == [False, False]


def test_change_of_an_installation_keeps_the_other_fields(server: ApiClient) -> None:
    """Only the named fields change, and an emptied one gets its default; an unknown one has the nearest name."""
    server.install(preset="gitea", anchor="#a{line}")
    changed = scmhost("installations", "change", "team", "--field", "commit_template={repo_url}/c/{commit}", "--json")
    fields = {"preset": "gitea", "anchor": "#a{line}", "commit_template": "{repo_url}/c/{commit}"}
    assert json.loads(changed.out)["configData"] == fields
    scmhost("installations", "change", "team", "--unset", "anchor", "--unset", "preset")
    left = json.loads(scmhost("installations", "show", "team", "--json").out)["configData"]
    assert left == {"preset": "github", "commit_template": "{repo_url}/c/{commit}"}
    wrong = scmhost("installations", "change", "team", "--field", "presett=gitea")
    assert (wrong.code, "presett: Extra inputs are not permitted; did you mean 'preset'?" in wrong.err) == (1, True)
    assert scmhost("installations", "change", "team").code == 2


@pytest.mark.usefixtures("server")
def test_no_database_is_created_if_a_server_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server in the environment, a command that creates a database has to name it."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for words in (("organizations", "add", "x"), ("bootstrap", "--org", "x", "--project", "y"), ("migrate",)):
        done = scmhost(*words)
        assert (done.code, "SCMHOST_URL names a server" in done.err) == (2, True)
    assert list((tmp_path / "empty").iterdir()) == []
    assert scmhost("organizations", "add", "x", "--database-url", f"sqlite:///{tmp_path}/other.db").code == 0


def test_project_is_removed_by_its_name_and_kept(server: ApiClient) -> None:
    """What goes with it is printed first; a wrong name changes nothing; one that has nothing is gone at once."""
    repository, installation = server.claimed()
    server.mapping(repository, installation)
    wrong = scmhost("projects", "remove", "web", "--confirm", "wbe")
    assert (wrong.code, "'web' is not deleted" in wrong.err) == (1, True)
    done = scmhost("projects", "remove", "web", "--confirm", "web", "--json")
    answer = json.loads(done.out)
    assert answer["counts"]["code mappings"] == 1
    again = scmhost("projects", "remove", "web", "--confirm", "web").out
    assert again == f"Project web will be deleted at {answer['dateDeletion']}. To keep it: scmhost projects keep web\n"
    for _ in range(2):
        assert scmhost("projects", "keep", "web").out == "Project web stays.\n"
    scmhost("projects", "add", "typo")
    assert scmhost("projects", "remove", "typo", "--confirm", "typo").out == "Project typo is deleted.\n"


@pytest.mark.usefixtures("local")
def test_organization_is_removed_by_its_name_and_kept() -> None:
    """Without --confirm and a person who types the name, nothing is deleted; everything stays for an hour."""
    refused = scmhost("organizations", "remove", "acme")
    assert refused.code == 1
    assert "With acme go: no other rows." in refused.err
    assert json.loads(scmhost("organizations", "remove", "acme", "--confirm", "acme", "--json").out)["dateDeletion"]
    assert scmhost("organizations", "list").out.splitlines()[1].split()[0] == "acme"
    assert scmhost("organizations", "keep", "acme").out == "Organization acme stays.\n"


def test_notes_of_an_answer_are_printed(server: ApiClient) -> None:
    """A release whose commits are not known is made all the same."""
    server.claimed()
    done = scmhost("releases", "add", "1.0", "--project", "web", "--ref", "team/app@" + "b" * 40 + ".." + "a" * 40)
    assert (done.code, done.out) == (0, "Release 1.0 is there, with 0 commits.\n")
    assert "team/app" in done.err
    assert json.loads(scmhost("releases", "show", "1.0", "--json").out)["refs"][0]["commit"] == "a" * 40
    wrong = scmhost("releases", "add", "1.0", "--project", "web", "--ref", "team/app")
    assert (wrong.code, "is not REPOSITORY@COMMIT" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("repositories", "show", "team/ap"), "there is no repository 'team/ap'; did you mean 'team/app'?"),
        (("projects", "show", "webb"), "there is no project 'webb'; did you mean 'web'?"),
        (("releases", "show", "1.1"), "there is no release '1.1'; did you mean '1.0'?"),
        (("installations", "add", "x", "--provider", "custom_scn"), "'custom_scn'"),
        (("repositories", "claim", "team/app"), "there is no installation yet"),
        (("mappings", "test", "crash.txt", "--project", "wep"), "did you mean 'web'?"),
        (("repositories", "list", "--org", "acne"), "There is no organization 'acne'"),
        (("redirects", "test", "http://[::1/r/x"), "is no URL"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(server: ApiClient, words: tuple[str, ...], problem: str) -> None:
    """The exit code is 1, and nothing is changed."""
    server.post("repos/", {"name": "team/app"})
    server.post("releases/", {"version": "1.0", "projects": ["web"]})
    done = scmhost(*words)
    assert (done.code, done.out, problem in done.err) == (1, "", True), done.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("mappings", "add", "/srv/app/", "--repository", "team/app"), "'/srv/app/' has no ="),
        (("repositories", "claim", "team/app", "--field", "url"), "'url' has no ="),
        (("repositories", "claim", "team/app", "--field", "=url"), "'=url' has no name before the ="),
    ],
)
def test_a_pair_has_an_equals_sign(words: tuple[str, ...], problem: str) -> None:
    """The name of a field is never empty; a stack root may be."""
    done = scmhost(*words)
    assert (done.code, problem in done.err) == (2, True), done.err


@pytest.mark.parametrize("group", ["repositories", "mappings", "token", "plugins"])
def test_a_wrong_verb_is_answered_with_the_nearest(group: str) -> None:
    """Groups of all kinds suggest a verb."""
    done = scmhost(group, "lst")
    assert (done.code, "Did you mean 'list'?" in done.err) == (2, True)


@pytest.mark.usefixtures("local")
def test_the_organization_is_named_if_there_are_several() -> None:
    """With one it is known; with two the error lists them."""
    scmhost("organizations", "add", "other")
    done = scmhost("projects", "list")
    assert (done.code, "name one with --org: acme, other" in done.err) == (1, True)
    assert scmhost("projects", "list", "--org", "other").out == "No projects.\n"
    assert "did you mean 'other'?" in scmhost("projects", "list", "--org", "othr").err


def test_looking_creates_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only commands that are for it create one: in the wrong folder the others name the place."""
    monkeypatch.chdir(tmp_path)
    commands: Sequence[Sequence[str]] = [
        ["repositories", "list"],
        ["projects", "add", "web"],
        ["token", "create", "--note", "ci"],
        ["commits", "send", "--org", "acme", "--repository", "a/b"],
        ["secrets", "rotate"],
        ["nonsense"],
    ]
    for words in commands:
        assert scmhost(*words).code in (1, 2), words
        assert list(tmp_path.iterdir()) == [], words
    assert str(tmp_path) in scmhost("projects", "list").err


def test_several_objects_of_one_name_need_an_id(server: ApiClient) -> None:
    """Two installations may have one name; the error has their ids, and an id is accepted."""
    ids = [
        server.post(
            "integrations/", {"provider": "custom_scm", "name": "team", "url": f"https://git.example.com/{n}"}
        ).json()["id"]
        for n in "ab"
    ]
    done = scmhost("installations", "show", "team")
    assert (done.code, done.err) == (1, f"error: several have the name 'team'; give the id of one: {', '.join(ids)}\n")
    assert scmhost("installations", "show", ids[1]).out.splitlines()[0].split() == ["name", "team"]


def test_lists_have_all_pages(server: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is read to its end."""
    for number in range(5):
        server.post("repos/", {"name": f"team/{number}"})
    original = targets.ServerClient.answer

    def small(client: Any, method: str, path: str, body: Any = None) -> Any:
        return original(client, method, path.replace("per_page=100", "per_page=2"), body)

    monkeypatch.setattr(targets.ServerClient, "answer", small)
    listed = json.loads(scmhost("repositories", "list", "--json").out)
    assert [one["name"] for one in listed] == [f"team/{number}" for number in range(5)]


def test_a_pipe_gets_whole_cells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No terminal width cuts what a script reads, and a name cannot send escape sequences to a terminal."""
    monkeypatch.setenv("COLUMNS", "20")
    show_table({"NAME": "name", "URL": "url"}, [{"name": "a\x1b[31mb\nc", "url": "https://x/" + "y" * 300}], "None.")
    assert capsys.readouterr().out.splitlines() == ["NAME  URL", "ab c  https://x/" + "y" * 300]


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"a": {"b": 1}}, "a.b", "1"),
        ({"a": None}, "a.b", "-"),
        ({"a": [{"b": "x"}, {"b": "y"}]}, "a.b", "x, y"),
        ({"a": True}, "a", "yes"),
        ({"a": {"preset": "gitea"}}, "a", "preset=gitea"),
        ({}, "a", "-"),
    ],
)
def test_field_of_an_object(value: Mapping[str, Any], path: str, text: str) -> None:
    """Nested fields, lists and missing values have a text."""
    assert field_text(value, path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"detail": "No."}, "No."),
        ({"url": ["is wrong"], "name": ["is long"]}, "url: is wrong; name: is long"),
        ({"detail": {"a": 1}}, '{"a": 1}'),
        ("x" * 500, "x" * 200),
    ],
)
def test_text_of_an_error(value: Any, text: str) -> None:
    """The sentence of an answer, or each field with its errors."""
    assert error_text(value) == text


def test_settings_of_a_tool_are_printed_with_a_key_of_the_server(server: ApiClient) -> None:
    """A machine without the database makes the key through the API; with a key and an address it needs neither."""
    done = scmhost("channel", "print", "errbit")
    (key,) = server.get("redirect-keys/").json()
    assert key["name"] == "errbit"
    assert (done.code, f"scmhost redirects remove {key['id']} ends its links" in done.err) == (0, True), done.err
    assert f"https://scmhost.example/r/{server.there.organization.id}-" in done.out
    again = scmhost("channel", "print", "errbit", "--key", "1-x", "--url", "https://other.example/")
    assert (again.code, again.err, "https://other.example/r/1-x?file=" in again.out) == (0, "", True)
    assert len(server.get("redirect-keys/").json()) == 1
    without = scmhost("channel", "print", "errbit", "--token", "")
    assert (without.code, "or give --token" in without.err) == (1, True), without.err
    assert list(Path.cwd().glob("scmhost.db")) == []


@pytest.mark.usefixtures("local")
def test_settings_of_a_tool_are_printed_with_a_key_of_the_database() -> None:
    """The address is that of the configuration, or the one that is given."""
    missing = scmhost("channel", "print", "sentry")
    assert (missing.code, "give --url, or set url under [host]" in missing.err) == (3, True)
    assert json.loads(scmhost("redirects", "list", "--json").out) == []
    done = scmhost("channel", "print", "sentry", "--url", "https://scmhost.example")
    assert (done.code, '"webhookUrl": "https://scmhost.example/"' in done.out) == (0, True)
    scmhost("channel", "print", "sentry", "--url", "https://scmhost.example")
    first, second = json.loads(scmhost("redirects", "list", "--json").out)
    assert first["name"] == second["name"] == "sentry"
    command = f"scmhost redirects remove {first['id']} ends its links"
    assert command in done.err
    assert scmhost("redirects", "remove", first["id"]).code == 0
