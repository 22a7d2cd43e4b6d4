"""Commands on the switchboard: enable, disable, why, diff, and the audit log."""

import getpass
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import Done, scmhost
from scmhost.admin.configuration_audit import operating_user
from scmhost.infra.db.engine import Store


class Board:
    """A switchboard with a database, two organizations and the installed plugin."""

    def __init__(self, folder: Path, rules: str) -> None:
        self.path = folder / "plugins.toml"
        self.database = folder / "x.db"
        self.write(rules)
        for slug in ("acme", "globex"):
            self.call("bootstrap", "--org", slug, "--project", "web")

    def write(self, rules: str) -> None:
        head = f'schema = 1\n[host]\ndatabase_url = "sqlite:///{self.database}"\n# The forge.\n[plugins.custom_scm]\n'
        self.path.write_text(head + rules, encoding="utf-8")

    def call(self, *words: str) -> Done:
        return scmhost(*words, "--config", self.path)

    def change(self, *words: str) -> list[str]:
        """What a command says that it changed, without the places."""
        done = self.call("plugins", *words)
        assert done.code == 0, done.err
        return [line.partition("plugins.custom_scm.")[2] for line in done.out.splitlines()]

    def on(self) -> list[str]:
        """The organizations for which the provider is on."""
        asked = {
            slug: self.call("plugins", "why", "custom_scm", "--org", slug, "--json") for slug in ("acme", "globex")
        }
        return [slug for slug, done in asked.items() if json.loads(done.out)["on"]]

    def audit(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.call("audit", *words, "--json").out)
        return found


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path, "enabled = true   # loaded\n")


def test_enable_for_one_organization(board: Board) -> None:
    """An organization is named in the file, all else of which stays; the line that changed is told."""
    done = board.call("plugins", "enable", "custom_scm", "--org", "acme")
    assert done.out == f"{board.path}:7: plugins.custom_scm.allow.organizations: [] -> [acme]\n"
    assert board.on() == ["acme"]
    text = board.path.read_text(encoding="utf-8")
    assert text.endswith(
        '# The forge.\n[plugins.custom_scm]\nenabled = true   # loaded\nallow = { organizations = ["acme"] }\n'
    )


def test_disable_for_one_organization(board: Board) -> None:
    """It is denied, and allowed no more; the others keep what they have."""
    board.change("enable", "custom_scm", "--org", "acme", "--org", "globex")
    assert board.change("disable", "custom_scm", "--org", "acme") == [
        "allow.organizations: [acme, globex] -> [globex]",
        "deny.organizations: [] -> [acme]",
    ]
    assert board.on() == ["globex"]
    assert board.change("enable", "custom_scm", "--org", "acme") == [
        "allow.organizations: [globex] -> [globex, acme]",
        "deny.organizations: [acme] -> []",
    ]
    assert board.on() == ["acme", "globex"]


def test_organization_by_id(board: Board) -> None:
    """An id stays right when the slug changes."""
    assert board.change("enable", "custom_scm", "--org", "1") == ["allow.organizations: [] -> [1]"]
    assert board.on() == ["acme"]


def test_off_and_on_again(board: Board) -> None:
    """Alone the commands load a plugin or not; for whom it is on stays as it was."""
    board.change("enable", "custom_scm", "--all")
    assert board.change("disable", "custom_scm") == ["enabled: true -> false"]
    assert board.on() == []
    assert board.change("enable", "custom_scm") == ["enabled: false -> true"]
    assert board.on() == ["acme", "globex"]


def test_kill_and_its_end(board: Board) -> None:
    """A kill keeps the plugin loaded and all rules in place; enabling for some does not end it, and says so."""
    board.change("enable", "custom_scm", "--all")
    assert board.change("disable", "custom_scm", "--kill") == ["kill: false -> true"]
    assert board.on() == []
    assert "kill = true stands" in board.call("plugins", "enable", "custom_scm", "--org", "acme").err
    assert board.change("enable", "custom_scm") == ["kill: true -> false"]
    assert board.on() == ["acme", "globex"]


def test_percent(board: Board) -> None:
    """A part of all organizations, as exact as it is written; whole numbers stay whole."""
    assert board.change("enable", "custom_scm", "--percent", "12.5") == ["rollout.percent: nothing -> 12.5"]
    assert board.change("enable", "custom_scm", "--percent", "100") == ["rollout.percent: 12.5 -> 100"]
    assert "rollout = { percent = 100 }" in board.path.read_text(encoding="utf-8")
    assert board.on() == ["acme", "globex"]


def test_again_changes_nothing(board: Board) -> None:
    """What stands there already is not written again, and not noted."""
    board.change("enable", "custom_scm", "--org", "acme")
    before = board.path.stat()
    done = board.call("plugins", "enable", "custom_scm", "--org", "acme")
    assert "says so already; nothing has changed" in done.out
    assert (board.path.stat().st_ino, len(board.audit())) == (before.st_ino, 1)


def test_on_for_nobody_is_said(board: Board) -> None:
    """A plugin that is loaded and on for nobody is no mistake, and seldom what was meant."""
    assert "on for no organization yet" in board.call("plugins", "enable", "custom_scm").err
    assert board.call("plugins", "enable", "custom_scm", "--all").err == ""


def test_what_is_still_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is switched on and cannot be loaded yet says why at once, as the list would; the edit stands."""
    monkeypatch.chdir(tmp_path)
    done = scmhost("plugins", "enable", "git", "--all")
    assert (done.code, "plugins.git.enabled" in done.out) == (0, True)
    assert "git is broken: plugins.toml:3: plugins.git.settings.root: field required" in done.err
    assert "add root = ... to [plugins.git.settings]" in done.err


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["enable", "custom_scn"], "there is no plugin 'custom_scn'", 1),
        (["disable", "custom_scn"], "did you mean 'custom_scm'?", 1),
        (["enable", "custom_scm", "--org", "glbex"], "no organization 'glbex'; did you mean 'globex'?", 1),
        (["enable", "custom_scm", "--percent", "half"], "--percent 'half' is not a number", 2),
        (["enable", "custom_scm", "--percent", "101"], "rollout.percent: input should be less than or equal to 100", 3),
        (["enable", "custom_scm", "--percent", "0.0001"], "no more than 3 decimal places", 3),
    ],
)
def test_refused(board: Board, words: list[str], said: str, code: int) -> None:
    """A typo changes nothing, and the message says what may have been meant."""
    before = board.path.read_bytes()
    done = board.call("plugins", *words)
    assert (done.code, said in done.err) == (code, True), done.err
    assert board.path.read_bytes() == before


def test_wrong_file_is_not_edited(board: Board) -> None:
    """A file that cannot be read as it stands is left to people."""
    board.write("enabled = maybe\n")
    before = board.path.read_bytes()
    assert board.call("plugins", "disable", "custom_scm").code == 3
    assert board.path.read_bytes() == before


def test_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file the first command makes one, and tells what it wrote and nothing else."""
    monkeypatch.chdir(tmp_path)
    done = scmhost("plugins", "enable", "custom_scm", "--all")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "plugins.toml:5: plugins.custom_scm.default: nothing -> true",
            "plugins.toml:4: plugins.custom_scm.enabled: nothing -> true",
        ],
    )
    text = (tmp_path / "plugins.toml").read_text(encoding="utf-8")
    assert text == "schema = 1\n\n[plugins.custom_scm]\nenabled = true\ndefault = true\n"


def test_switching_off_does_not_wait_for_the_database(board: Board) -> None:
    """With the database away the file is changed all the same; who did is not noted, which is said."""
    done = board.call("plugins", "disable", "custom_scm", "--database-url", "sqlite:////nowhere/x.db")
    assert done.code == 0
    assert "the audit log will not say by whom" in done.err
    assert "enabled = false   # loaded" in board.path.read_text(encoding="utf-8")


def test_switching_on_without_a_database(board: Board) -> None:
    """The file is changed; that nothing could be seen of the plugin is said."""
    done = board.call("plugins", "enable", "custom_scm", "--all", "--database-url", "mysql://x")
    assert (done.code, "custom_scm.default: false -> true" in done.out) == (0, True)
    assert "Whether custom_scm can be loaded was not seen" in done.err


def test_switching_off_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is off without a file needs none."""
    monkeypatch.chdir(tmp_path)
    told = scmhost("plugins", "disable", "custom_scm").out
    assert told == "There is no plugins.toml, and custom_scm is off without it; nothing has changed.\n"
    assert not (tmp_path / "plugins.toml").exists()


def test_machines_read_json(board: Board) -> None:
    """The answer as one object."""
    told = json.loads(board.call("plugins", "enable", "custom_scm", "--org", "acme", "--json").out)
    assert told["changes"] == ["plugins.custom_scm.allow.organizations: [] -> [acme]"]
    assert (told["plugin"], len(told["sha256"])) == ("custom_scm", 64)


def test_who_switched_is_noted(board: Board) -> None:
    """The audit log has the user, the keys and the number of organizations that were switched."""
    board.change("enable", "custom_scm", "--org", "acme")
    board.change("disable", "custom_scm")
    newest, oldest = board.audit()
    assert oldest["actor"] == {"kind": "user", "id": None, "name": getpass.getuser()}
    assert oldest["data"]["switched"] == {"custom_scm": {"on": 1, "off": 0}}
    assert newest["data"]["switched"] == {"custom_scm": {"on": 0, "off": 1}}
    assert newest["data"]["before"] == oldest["data"]["after"]
    told = board.call("audit").out
    assert "switchboard.change" in told
    assert "changes: plugins.custom_scm.enabled: true -> false" in told
    assert board.call("audit", "--event", "token.create").out == "Nothing is noted.\n"
    assert [entry["event"] for entry in board.audit("--org", "globex")] == [
        "token.create",
        "project.create",
        "org.create",
    ]


def test_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a number that nobody has named."""

    def nameless() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert operating_user().name == "unknown"


def test_why_tells_all_rules(board: Board) -> None:
    """Every rule in its order: those that pass, the one that decides with its line, and those behind it."""
    board.change("enable", "custom_scm", "--org", "acme")
    told = json.loads(board.call("plugins", "why", "custom_scm", "--org", "acme", "--json").out)
    assert [step["rule"] for step in told["steps"]] == [
        *("environment", "kill", "enabled", "health", "deny", "allow", "rollout", "default"),
    ]
    assert [step["outcome"] for step in told["steps"]] == ["passes"] * 5 + ["decides"] + ["not reached"] * 2
    assert (told["rule"], told["source"], told["generation"]) == ("allow", f"{board.path}:7", 1)
    text = board.call("plugins", "why", "custom_scm", "--org", "acme").out.splitlines()
    assert text[3] == f"  3. enabled      passes: the plugin is enabled ({board.path}:6)"
    assert text[6] == f"  6. allow        decides: on, allow names 'acme' ({board.path}:7)"
    assert text[7] == "  7. rollout      is not reached"


def test_why_of_an_unknown_name(board: Board) -> None:
    """A typo is no answer: the nearest name is told, and the command fails."""
    done = board.call("plugins", "why", "custom_scn", "--org", "acme")
    assert (done.code, done.out) == (1, "")
    assert "is named 'custom_scn'; did you mean 'custom_scm'?" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["plugins", "why", "custom_scm", "--org", "acme"],
        ["plugins", "diff", "plugins.toml", "plugins.toml"],
        ["audit"],
    ],
    ids=" ".join,
)
def test_a_question_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Where there is none the question says so, and how to make one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugins.toml").write_text("schema = 1\n", encoding="utf-8")
    done = scmhost(*words)
    assert (done.code, "there is no database scmhost.db yet" in done.err) == (1, True), done.err
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.toml"]


def test_a_question_changes_no_database(board: Board) -> None:
    """Tables of another version are left as they are, and the command that helps is named."""
    store = Store.open(f"sqlite:///{board.database}")
    store.downgrade("0001")
    done = board.call("plugins", "why", "custom_scm", "--org", "acme")
    assert (done.code, "run scmhost migrate" in done.err) == (1, True), done.err
    assert not store.is_current()
    store.close()


def test_diff_says_who_is_switched(board: Board, tmp_path: Path) -> None:
    """Two files are compared for the organizations of the database, with the rule and the line of each side."""
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text('[plugins.forge]\nenabled = true\nallow = { organizations = ["acme"] }\n', encoding="utf-8")
    new.write_text(
        '[plugins.forge]\nenabled = true\ndeny = { organizations = ["acme"] }\ndefault = true\n', encoding="utf-8"
    )
    told = board.call("plugins", "diff", str(old), str(new)).out.splitlines()
    assert told == [
        "forge: +1 -1 of 2 organizations",
        "  - acme (id 1)",
        f"      before: allow names 'acme' ({old}:3)",
        f"      after:  deny names 'acme' ({new}:3)",
        "  + globex (id 4)",
        f"      before: no rule names the organization; default is false ({old}:1)",
        f"      after:  no rule names the organization; default is true ({new}:4)",
    ]
    assert board.call("plugins", "diff", str(old), str(new), "--exit-code").code == 1
    assert board.call("plugins", "diff", str(old), str(old), "--exit-code").code == 0
    assert board.call("plugins", "diff", str(old), str(old)).out == "No organization is switched, of 2.\n"


def test_diff_without_a_database(tmp_path: Path) -> None:
    """In CI the organizations may come from a file; a rollout that grows switches nobody off."""
    listed, old, new = tmp_path / "organizations.jsonl", tmp_path / "old.toml", tmp_path / "new.toml"
    listed.write_text("".join(f'{{"id": {number}, "slug": "o{number}"}}\n' for number in range(1, 1001)) + "\n")
    for file, percent in ((old, 10), (new, 20)):
        file.write_text(f"[plugins.forge]\nenabled = true\nrollout = {{ percent = {percent} }}\n", encoding="utf-8")
    words = ["plugins", "diff", old, new, "--organizations", listed]
    told = json.loads(scmhost(*words, "--json").out)
    forge = told["plugins"]["forge"]
    assert (told["organizations"], forge["off"]) == (1000, 0)
    assert 60 < forge["on"] == len(forge["organizations"]) < 140
    assert forge["organizations"][0]["after"]["rule"] == "rollout"
    shown, everything = scmhost(*words).out, scmhost(*words, "--full").out
    assert f"  and {forge['on'] - 20} more; --full names them" in shown
    assert everything.count("  + ") == forge["on"]
    assert scmhost(*words, "--no-flag", "forge").out == "No organization is switched, of 1000.\n"


@pytest.mark.parametrize("line", ["acme", "[]", '{"id": "x", "slug": "acme"}', '{"id": 1}'])
def test_diff_with_a_wrong_list(tmp_path: Path, line: str) -> None:
    """A line that is no organization is told by its number."""
    listed, file = tmp_path / "organizations.jsonl", tmp_path / "x.toml"
    listed.write_text(f'{{"id": 1, "slug": "acme"}}\n{line}\n')
    file.write_text("schema = 1\n")
    done = scmhost("plugins", "diff", file, file, "--organizations", listed)
    assert (done.code, "organizations.jsonl:2: this is no organization" in done.err) == (1, True)


def test_diff_of_a_wrong_file(tmp_path: Path) -> None:
    """A file that could not be used is wrong configuration, with its line."""
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("schema = 1\n")
    bad.write_text("schema = 1\n[plugins.forge]\nenabeld = true\n")
    done = scmhost("plugins", "diff", good, bad)
    assert (done.code, f"{bad}:3: plugins.forge.enabeld: unknown key" in done.err) == (3, True)


def test_light_commands_load_no_flags() -> None:
    """What needs neither plugins nor the file imports nothing that these need."""
    code = "import sys; from scmhost.cli.main import run\ntry: run(None, sys.argv[1:])\nexcept SystemExit: pass\n"
    told = "print([name for name in ('openfeature', 'tomlkit', 'scmhost.plugins') if name in sys.modules])"
    for words in (["--help"], ["plugins", "--help"], ["plugins", "enable", "--help"], ["frames", "--help"]):
        done = subprocess.run([sys.executable, "-c", code + told, *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"
