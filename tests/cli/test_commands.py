import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command import SCMHOST, scmhost, scmhost_process
from scmhost.app import open_host
from scmhost.organizations.create import create_organization
from scmhost.organizations.tokens import create_token


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/cli.db"


def test_help_lists_commands_and_first_steps() -> None:
    """The help has the commands, the first steps and the exit codes."""
    done = scmhost("--help")
    assert done.code == 0
    for word in ("serve", "bootstrap", "link", "demo", "Begin with", "Exit codes"):
        assert word in done.out


@pytest.mark.parametrize(
    "words",
    [
        "serve",
        "bootstrap",
        "token",
        "token create",
        "migrate",
        "plugins list",
        "plugins show",
        "plugins doctor",
        "commits send",
        "link",
        "demo",
        "map",
        "roots",
        "derive",
    ],
)
def test_help_of_a_command_needs_no_database(words: str) -> None:
    """Every command has a help text, without a database or a plugin."""
    done = scmhost(*words.split(), "--help")
    assert done.code == 0
    assert "Usage: scmhost" in done.out


def test_unknown_command_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in the command exits with code 2, and the error names the most similar command."""
    monkeypatch.chdir(tmp_path)
    for words, name in ((["serv"], "serve"), (["plugins", "lst"], "list")):
        done = scmhost(*words)
        assert done.code == 2
        assert f"No such command '{words[-1]}'. Did you mean '{name}'?" in done.err
    assert "Did you mean" not in scmhost("unrelated").err


def test_version_imports_no_library() -> None:
    """``--version`` imports none of the libraries."""
    code = (
        "import sys; sys.argv = ['scmhost', '--version']; from scmhost.app import main; main(); "
        "print(sorted({'click', 'pydantic', 'sqlalchemy', 'fastapi', 'pluggy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["scmhost 0.1.0", "[]"]
    assert scmhost("--version").out == "scmhost 0.1.0\n"


def test_bootstrap_prints_json(database: str) -> None:
    """The JSON has the organization, project, token and repositories, with ids as strings."""
    words = ["bootstrap", "--org", "acme", "--project", "web", "--database-url", database, "--json"]
    answer = json.loads(scmhost(*words, "--repository", "team/app=https://git.example.com/team/app").out)
    assert answer["organization"] == {"id": answer["organization"]["id"], "slug": "acme"}
    assert answer["project"]["slug"] == "web"
    assert answer["token"].startswith("scmhost_")
    assert [repository["name"] for repository in answer["repositories"]] == ["team/app"]
    assert isinstance(answer["repositories"][0]["id"], str)


def test_bootstrap_can_be_run_again(database: str) -> None:
    """A second run changes nothing, and makes no second token that may do everything."""
    words = ["bootstrap", "--org", "acme", "--project", "web", "--repository", "a=https://h.example/a"]
    first, again = (json.loads(scmhost(*words, "--database-url", database, "--json").out) for _ in range(2))
    assert first.pop("token")
    assert again.pop("token") is None
    assert first == again
    text = scmhost("bootstrap", "--org", "acme", "--project", "api", "--database-url", database).out
    assert "there is one already; scmhost token create makes another" in text
    assert len(json.loads(scmhost("token", "list", "--database-url", database, "--json").out)) == 1


def test_bootstrap_prints_text(database: str) -> None:
    """Without --json the output is text, with the next command."""
    done = scmhost("bootstrap", "--org", "acme", "--project", "web", "--repository", "a", "--database-url", database)
    assert "repository    a" in done.out
    assert "Next: scmhost serve" in done.out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["bootstrap", "--org", "A B", "--project", "web"], 1, "slug 'A B'"),
        (["bootstrap", "--org", "acme", "--project", "web", "--repository", "=x"], 2, "NAME=URL"),
        (["bootstrap", "--org", "acme", "--project", "web", "--repository", "a=javascript:x"], 1, "valid URL"),
        (["token", "create", "--org", "nobody", "--name", "x", "--scope", "org:ci"], 1, "no organization 'nobody'"),
        (["link", "--org", "nobody", "--project", "web", "/dev/null"], 1, "no organization 'nobody'"),
        (["commits", "send", "--org", "nobody", "--repository", "a"], 1, "no organization 'nobody'"),
    ],
)
def test_refusal_prints_an_error_and_exits_with_its_code(database: str, words: list[str], code: int, text: str) -> None:
    """An error is one message on standard error, without a traceback."""
    scmhost("migrate", "--database-url", database)
    done = scmhost(*words, "--database-url", database)
    assert (done.code, text in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://h/x", "sqlite:////no/such/folder/x.db", "postgresql://u:geheim@127.0.0.1:1/x"]
)
def test_unusable_database_url_is_an_error_without_password(url: str) -> None:
    """A wrong database URL gives a clear error, without its password."""
    done = scmhost("migrate", "--database-url", url)
    assert done.code in (1, 3)
    assert done.err.splitlines()[-1].startswith("error: ")
    assert "geheim" not in done.err
    assert "Traceback" not in done.err


def test_invalid_configuration_is_reported_with_file_and_line(tmp_path: Path) -> None:
    """A typo in plugins.toml exits with code 3, and the error suggests the correct name."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n\n[plugins.custom_scm]\nenabeld = true\n", encoding="utf-8")
    done = scmhost("plugins", "list", "--config", config)
    assert done.code == 3
    assert f"{config}:4" in done.err
    assert "enabled" in done.err


def test_tokens_are_created_listed_and_revoked(database: str) -> None:
    """A token is printed once; afterwards only its last four characters are shown."""
    scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", database)
    options = ["--org", "acme", "--database-url", database]
    made = json.loads(
        scmhost("token", "create", *options, "--name", "ci", "--scope", "org:ci", "--expires", "30d", "--json").out
    )
    listed = json.loads(scmhost("token", "list", *options, "--json").out)
    assert made.pop("token")[-4:] == made["hint"]
    assert made in listed
    assert scmhost("token", "revoke", made["id"], *options).out == f"Token {made['id']} is revoked.\n"
    again = scmhost("token", "revoke", made["id"], *options, "--json").out
    assert json.loads(again) == {"id": made["id"], "revoked": True}
    assert "revoked" in scmhost("token", "list", *options).out
    assert scmhost("token", "revoke", made["id"], *options).code in (0, 1)
    assert scmhost("token", "create", *options, "--name", "x", "--scope", "org:nope").code == 1
    assert scmhost("token", "create", *options, "--name", "x", "--scope", "org:ci").out.startswith("scmhost_")


def test_token_is_revoked_by_its_note(database: str) -> None:
    """Of two tokens with one note, the valid one is meant; an unknown note has the nearest one."""
    options = ("--database-url", database)
    scmhost("organizations", "add", "acme", *options)
    for number in (1, 2):
        made = json.loads(scmhost("token", "create", "--note", "ci", "--json", *options).out)
        assert scmhost("token", "revoke", "ci", *options).out == f"Token {made['id']} is revoked.\n", number
    wrong = scmhost("token", "revoke", "cii", *options)
    assert (wrong.code, "there is no token 'cii'; did you mean 'ci'?" in wrong.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "after"), [("12h", timedelta(hours=12)), ("90d", timedelta(days=90)), ("2w", timedelta(weeks=2))]
)
def test_token_expires_after_a_span(database: str, text: str, after: timedelta) -> None:
    """Hours, days and weeks are counted from now, and the only organization needs no name."""
    scmhost("organizations", "add", "acme", "--database-url", database)
    words = ["token", "create", "--note", "ci", "--database-url", database, "--json"]
    before = datetime.now(UTC).replace(microsecond=0)
    made = json.loads(scmhost(*words, "--expires", text).out)
    assert before + after <= datetime.fromisoformat(made["expiresAt"]) <= datetime.now(UTC) + after
    assert (made["scopes"], made["state"]) == (["org:ci"], "valid")
    past = scmhost(*words, "--expires", "2001-01-31")
    assert (past.code, "'2001-01-31' is in the past" in past.err) == (2, True)
    with open_host(None, database) as host:
        organization = create_organization(host.services, "acme")
        create_token(host.services, organization, "old", ["org:ci"], datetime(2001, 1, 31, tzinfo=UTC))
    listed = json.loads(scmhost("token", "list", "--database-url", database, "--json").out)
    assert {row["name"]: row["state"] for row in listed} == {"ci": "valid", "old": "expired"}
    wrong = scmhost(*words, "--expires", "soon")
    assert (wrong.code, "'soon' is not a time such as 90d" in wrong.err) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    """The script of a shell calls scmhost, which answers with the commands that fit."""
    done = scmhost("completion", shell)
    assert (done.code, "_SCMHOST_COMPLETE" in done.out) == (0, True)
    assert scmhost("completion", "tcsh").code == 2


def test_completion_lists_commands_and_verbs() -> None:
    """Groups that are imported when they are used are completed too."""
    for words, wanted in (("scmhost re", "repositories"), ("scmhost repositories cl", "claim")):
        environ = {"_SCMHOST_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        assert f"plain,{wanted}" in scmhost_process(environ=environ).out.splitlines()


def test_a_token_with_the_service_needs_its_address(database: str, tmp_path: Path) -> None:
    """``--sntrys`` takes the address from plugins.toml; without one nothing is created."""
    scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", database)
    options = ["--org", "acme", "--database-url", database]
    words = ["token", "create", *options, "--name", "ci", "--scope", "org:ci", "--sntrys"]
    done = scmhost(*words)
    assert (done.code, "url under [host]" in done.err) == (1, True)
    assert len(json.loads(scmhost("token", "list", *options, "--json").out)) == 1
    config = tmp_path / "plugins.toml"
    config.write_text('schema = 1\n[host]\nurl = "https://scmhost.example/"\n', encoding="utf-8")
    prefix, claim, _ = scmhost(*words, "--config", config).out.split("_")
    read = json.loads(base64.b64decode(claim))
    assert (prefix, read["url"], read["org"]) == ("sntrys", "https://scmhost.example", "acme")


def test_migrate_can_be_run_again(database: str) -> None:
    """A second migration changes nothing."""
    for _ in range(2):
        done = scmhost("migrate", "--database-url", database)
        assert (done.code, "up to date" in done.out) == (0, True)


def test_why_prints_the_line_of_the_rule(tmp_path: Path) -> None:
    """The answer for an organization has the line of plugins.toml that decides it."""
    config = tmp_path / "plugins.toml"
    lines = ["schema = 1", "[host]", f'database_url = "sqlite:///{tmp_path}/x.db"', "[plugins.custom_scm]"]
    lines += ["enabled = true", 'allow = { organizations = ["acme"] }']
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for org in ("acme", "rival"):
        scmhost("bootstrap", "--org", org, "--project", "web", "--config", config)
    allowed = json.loads(scmhost("plugins", "why", "custom_scm", "--org", "acme", "--config", config, "--json").out)
    assert (allowed["on"], allowed["source"]) == (True, f"{config}:6")
    assert "is off for rival" in scmhost("plugins", "why", "custom_scm", "--org", "rival", "--config", config).out


def test_installed_command_runs() -> None:
    """The script that pip installs works."""
    assert SCMHOST.exists()
    assert scmhost_process("--version").out == "scmhost 0.1.0\n"
