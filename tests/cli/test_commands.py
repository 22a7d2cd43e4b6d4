import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import SCMHOST, scmhost, scmhost_process


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/cli.db"


def test_help_teaches_every_command() -> None:
    """The first screen names what there is and where to begin."""
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
def test_every_command_explains_itself(words: str) -> None:
    """Help of a command needs no database and no plugin."""
    done = scmhost(*words.split(), "--help")
    assert done.code == 0
    assert "Usage: scmhost" in done.out


def test_an_unknown_command_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo ends with exit code 2."""
    monkeypatch.chdir(tmp_path)
    assert scmhost("serv").code == 2


def test_the_version_needs_nothing_heavy() -> None:
    """``--version`` answers before any library is imported."""
    code = (
        "import sys; sys.argv = ['scmhost', '--version']; from scmhost.app import main; main(); "
        "print(sorted({'click', 'pydantic', 'sqlalchemy', 'fastapi', 'pluggy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["scmhost 0.1.0", "[]"]
    assert scmhost("--version").out == "scmhost 0.1.0\n"


def test_bootstrap_prints_what_a_machine_reads(database: str) -> None:
    """The JSON names organization, project, token and repositories, with ids as text."""
    words = ["bootstrap", "--org", "acme", "--project", "web", "--database-url", database, "--json"]
    answer = json.loads(scmhost(*words, "--repository", "team/app=https://git.example.com/team/app").out)
    assert answer["organization"] == {"id": answer["organization"]["id"], "slug": "acme"}
    assert answer["project"]["slug"] == "web"
    assert answer["token"].startswith("scmhost_")
    assert [repository["name"] for repository in answer["repositories"]] == ["team/app"]
    assert isinstance(answer["repositories"][0]["id"], str)


def test_bootstrap_may_be_run_again(database: str) -> None:
    """Everything but the token stays what it was."""
    words = ["bootstrap", "--org", "acme", "--project", "web", "--repository", "a=https://h.example/a"]
    first, again = (json.loads(scmhost(*words, "--database-url", database, "--json").out) for _ in range(2))
    assert first.pop("token") != again.pop("token")
    assert first == again


def test_bootstrap_speaks_to_people_too(database: str) -> None:
    """Without --json a person reads what is there and what comes next."""
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
def test_a_refusal_is_a_sentence_and_a_code(database: str, words: list[str], code: int, text: str) -> None:
    """What is wrong stands on standard error; nothing else does."""
    done = scmhost(*words, "--database-url", database)
    assert (done.code, text in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://h/x", "sqlite:////no/such/folder/x.db", "postgresql://u:geheim@127.0.0.1:1/x"]
)
def test_a_database_that_cannot_be_opened_is_a_sentence(url: str) -> None:
    """A wrong database URL gives a clear error, without its password."""
    done = scmhost("migrate", "--database-url", url)
    assert done.code in (1, 3)
    assert done.err.startswith("error: ")
    assert "geheim" not in done.err
    assert "Traceback" not in done.err


def test_a_wrong_switchboard_names_file_line_and_key(tmp_path: Path) -> None:
    """A typo in plugins.toml is exit code 3, with the nearest known name."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n\n[plugins.custom_scm]\nenabeld = true\n", encoding="utf-8")
    done = scmhost("plugins", "list", "--config", config)
    assert done.code == 3
    assert f"{config}:4" in done.err
    assert "enabled" in done.err


def test_tokens_are_created_listed_and_revoked(database: str) -> None:
    """A token is shown once, then known by its last four characters, then worthless."""
    scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", database)
    options = ["--org", "acme", "--database-url", database]
    made = json.loads(
        scmhost("token", "create", *options, "--name", "ci", "--scope", "org:ci", "--days", "30", "--json").out
    )
    listed = json.loads(scmhost("token", "list", *options, "--json").out)
    assert made.pop("token")[-4:] == made["hint"]
    assert made in listed
    assert scmhost("token", "revoke", made["id"], *options).out == f"Token {made['id']} is revoked.\n"
    assert "revoked" in scmhost("token", "list", *options).out
    assert scmhost("token", "revoke", made["id"], *options).code in (0, 1)
    assert scmhost("token", "create", *options, "--name", "x", "--scope", "org:nope").code == 1
    assert scmhost("token", "create", *options, "--name", "x", "--scope", "org:ci").out.startswith("scmhost_")


def test_migrate_brings_the_database_up_to_date(database: str) -> None:
    """Migrating again changes nothing."""
    for _ in range(2):
        done = scmhost("migrate", "--database-url", database)
        assert (done.code, "up to date" in done.out) == (0, True)


def test_plugins_why_names_the_rule_and_its_line(tmp_path: Path) -> None:
    """The answer for an organization comes with the line of plugins.toml that gives it."""
    config = tmp_path / "plugins.toml"
    lines = ["schema = 1", "[host]", f'database_url = "sqlite:///{tmp_path}/x.db"', "[plugins.custom_scm]"]
    lines += ["enabled = true", 'allow = { organizations = ["acme"] }']
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for org in ("acme", "rival"):
        scmhost("bootstrap", "--org", org, "--project", "web", "--config", config)
    allowed = json.loads(scmhost("plugins", "why", "custom_scm", "--org", "acme", "--config", config, "--json").out)
    assert (allowed["on"], allowed["source"]) == (True, f"{config}:6")
    assert "is off for rival" in scmhost("plugins", "why", "custom_scm", "--org", "rival", "--config", config).out


def test_the_installed_command_runs() -> None:
    """What pip installs answers."""
    assert SCMHOST.exists()
    assert scmhost_process("--version").out == "scmhost 0.1.0\n"
