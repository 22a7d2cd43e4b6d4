"""Commands that edit or read plugins.toml: enable, disable, why, diff, and the audit log."""

import getpass
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import Done, scmhost
from scmhost.app import operating_user
from scmhost.infra.db.engine import Store
from scmhost.infra.db.schema import SERVED


class Configured:
    """A configuration with a database, two organizations and the installed plugin."""

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
        """Return the changes that a command prints, without their places."""
        done = self.call("plugins", *words)
        assert done.code == 0, done.err
        return [line.partition("plugins.custom_scm.")[2] for line in done.out.splitlines()]

    def on(self) -> list[str]:
        """Return the organizations for which the provider is on."""
        answers = {
            slug: self.call("plugins", "why", "custom_scm", "--org", slug, "--json") for slug in ("acme", "globex")
        }
        return [slug for slug, done in answers.items() if json.loads(done.out)["on"]]

    def audit(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.call("audit", *words, "--json").out)
        return found


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    return Configured(tmp_path, "enabled = true   # loaded\n")


def test_enable_for_one_organization(configured: Configured) -> None:
    """The organization is added to the file, the rest of the file is kept, and the changed line is printed."""
    done = configured.call("plugins", "enable", "custom_scm", "--org", "acme")
    assert done.out == f"{configured.path}:7: plugins.custom_scm.allow.organizations: [] -> [acme]\n"
    assert configured.on() == ["acme"]
    text = configured.path.read_text(encoding="utf-8")
    assert text.endswith(
        '# The forge.\n[plugins.custom_scm]\nenabled = true   # loaded\nallow = { organizations = ["acme"] }\n'
    )


def test_disable_for_one_organization(configured: Configured) -> None:
    """The organization is denied and no longer allowed; the others are unchanged."""
    configured.change("enable", "custom_scm", "--org", "acme", "--org", "globex")
    assert configured.change("disable", "custom_scm", "--org", "acme") == [
        "allow.organizations: [acme, globex] -> [globex]",
        "deny.organizations: [] -> [acme]",
    ]
    assert configured.on() == ["globex"]
    assert configured.change("enable", "custom_scm", "--org", "acme") == [
        "allow.organizations: [globex] -> [globex, acme]",
        "deny.organizations: [acme] -> []",
    ]
    assert configured.on() == ["acme", "globex"]


def test_organization_by_id(configured: Configured) -> None:
    """An id stays valid after the slug changes."""
    assert configured.change("enable", "custom_scm", "--org", "1") == ["allow.organizations: [] -> [1]"]
    assert configured.on() == ["acme"]


def test_disable_and_enable_keep_organization_rules(configured: Configured) -> None:
    """Without options the commands only load or unload the plugin."""
    configured.change("enable", "custom_scm", "--all")
    assert configured.change("disable", "custom_scm") == ["enabled: true -> false"]
    assert configured.on() == []
    assert configured.change("enable", "custom_scm") == ["enabled: false -> true"]
    assert configured.on() == ["acme", "globex"]


def test_kill_keeps_rules_until_it_is_cleared(configured: Configured) -> None:
    """Kill keeps the plugin loaded and the rules in place; enabling it for some organizations does not clear it."""
    configured.change("enable", "custom_scm", "--all")
    assert configured.change("disable", "custom_scm", "--kill") == ["kill: false -> true"]
    assert configured.on() == []
    assert "still off, because kill = true" in configured.call("plugins", "enable", "custom_scm", "--org", "acme").err
    assert configured.change("enable", "custom_scm") == ["kill: true -> false"]
    assert configured.on() == ["acme", "globex"]


def test_percentage_is_written_exactly(configured: Configured) -> None:
    """The percentage is written as given; whole numbers stay whole."""
    assert configured.change("enable", "custom_scm", "--percent", "12.5") == ["rollout.percent: nothing -> 12.5"]
    assert configured.change("enable", "custom_scm", "--percent", "100") == ["rollout.percent: 12.5 -> 100"]
    assert "rollout = { percent = 100 }" in configured.path.read_text(encoding="utf-8")
    assert configured.on() == ["acme", "globex"]


def test_repeated_edit_changes_nothing(configured: Configured) -> None:
    """A value that is set already is neither written nor audited again."""
    configured.change("enable", "custom_scm", "--org", "acme")
    before = configured.path.stat()
    done = configured.call("plugins", "enable", "custom_scm", "--org", "acme")
    assert done.out == f"Nothing changed: {configured.path} has these values already.\n"
    assert (configured.path.stat().st_ino, len(configured.audit())) == (before.st_ino, 1)


def test_enable_warns_if_it_is_on_for_no_organization(configured: Configured) -> None:
    """A plugin that is loaded and on for no organization is reported."""
    assert "on for no organization yet" in configured.call("plugins", "enable", "custom_scm").err
    assert configured.call("plugins", "enable", "custom_scm", "--all").err == ""


def test_enable_reports_a_plugin_that_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is edited, and the reason why the plugin is not ready is printed."""
    monkeypatch.chdir(tmp_path)
    done = scmhost("plugins", "enable", "git", "--all")
    assert (done.code, "plugins.git.enabled" in done.out) == (0, True)
    assert "git is broken: plugins.toml:3: plugins.git.settings.root: field required" in done.err
    assert "add root = ... to [plugins.git.settings]" in done.err


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["enable", "custom_scn"], "no plugin 'custom_scn' is installed", 1),
        (["disable", "custom_scn"], "did you mean 'custom_scm'?", 1),
        (["enable", "custom_scm", "--org", "glbex"], "no organization 'glbex'; did you mean 'globex'?", 1),
        (["enable", "custom_scm", "--percent", "half"], "--percent 'half' is not a number", 2),
        (["enable", "custom_scm", "--percent", "101"], "rollout.percent: input should be less than or equal to 100", 3),
        (["enable", "custom_scm", "--percent", "0.0001"], "no more than 3 decimal places", 3),
    ],
)
def test_invalid_edit_is_refused(configured: Configured, words: list[str], message: str, code: int) -> None:
    """A typo changes nothing, and the error suggests the correct name."""
    before = configured.path.read_bytes()
    done = configured.call("plugins", *words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert configured.path.read_bytes() == before


def test_invalid_file_is_not_edited(configured: Configured) -> None:
    """A file with errors must be fixed by hand."""
    configured.write("enabled = maybe\n")
    before = configured.path.read_bytes()
    assert configured.call("plugins", "disable", "custom_scm").code == 3
    assert configured.path.read_bytes() == before


def test_missing_file_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file the first command creates one, and prints what it wrote."""
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


def test_disable_works_without_the_database(configured: Configured) -> None:
    """If the database is down the file is edited, and a message reports that the audit log has no entry."""
    done = configured.call("plugins", "disable", "custom_scm", "--database-url", "sqlite:////nowhere/x.db")
    assert done.code == 0
    assert "changed without an entry in the audit log" in done.err
    assert "enabled = false   # loaded" in configured.path.read_text(encoding="utf-8")


def test_enable_works_without_the_database(configured: Configured) -> None:
    """The file is edited, and a message reports that the plugin was not checked."""
    done = configured.call("plugins", "enable", "custom_scm", "--all", "--database-url", "mysql://x")
    assert (done.code, "custom_scm.default: false -> true" in done.out) == (0, True)
    assert "Could not check whether custom_scm loads" in done.err


def test_disable_without_a_file_creates_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file every plugin is off already."""
    monkeypatch.chdir(tmp_path)
    printed = scmhost("plugins", "disable", "custom_scm").out
    assert printed == "Nothing changed: custom_scm is off without a plugins.toml.\n"
    assert not (tmp_path / "plugins.toml").exists()


def test_edit_prints_json(configured: Configured) -> None:
    """The answer as one object."""
    answer = json.loads(configured.call("plugins", "enable", "custom_scm", "--org", "acme", "--json").out)
    assert answer["changes"] == ["plugins.custom_scm.allow.organizations: [] -> [acme]"]
    assert (answer["plugin"], len(answer["sha256"])) == ("custom_scm", 64)


def test_edits_are_audited(configured: Configured) -> None:
    """The audit log has the user, the digests of both files and the changed keys."""
    configured.change("enable", "custom_scm", "--org", "acme")
    configured.change("disable", "custom_scm")
    newest, oldest = configured.audit()
    assert oldest["actor"] == {"kind": "user", "id": None, "name": getpass.getuser()}
    assert sorted(oldest["data"]) == ["after", "before", "changes"]
    assert newest["data"]["before"] == oldest["data"]["after"]
    answer = configured.call("audit").out
    assert "configuration.change" in answer
    assert "changes: plugins.custom_scm.enabled: true -> false" in answer
    assert configured.call("audit", "--event", "token.create").out == "No audit entries.\n"
    assert [entry["event"] for entry in configured.audit("--org", "globex")] == [
        "token.create",
        "project.create",
        "org.create",
    ]


def test_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a user id without a name."""

    def nameless() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert operating_user().name == "unknown"


def test_why_prints_every_rule(configured: Configured) -> None:
    """Every rule in order: those that pass, the one that decides with its line, and the rest."""
    configured.change("enable", "custom_scm", "--org", "acme")
    answer = json.loads(configured.call("plugins", "why", "custom_scm", "--org", "acme", "--json").out)
    assert [step["rule"] for step in answer["steps"]] == [
        *("environment", "kill", "enabled", "health", "deny", "allow", "rollout", "default"),
    ]
    assert [step["outcome"] for step in answer["steps"]] == ["passes"] * 5 + ["decides"] + ["not reached"] * 2
    assert (answer["rule"], answer["source"], answer["generation"]) == ("allow", f"{configured.path}:7", 1)
    text = configured.call("plugins", "why", "custom_scm", "--org", "acme").out.splitlines()
    assert text[3] == f"  3. enabled      passes: the plugin is enabled ({configured.path}:6)"
    assert text[6] == f"  6. allow        decides: on, allow names 'acme' ({configured.path}:7)"
    assert text[7] == "  7. rollout      is not reached"


def test_why_suggests_the_nearest_name(configured: Configured) -> None:
    """For a typo the command fails with the nearest name."""
    done = configured.call("plugins", "why", "custom_scn", "--org", "acme")
    assert (done.code, done.out) == (1, "")
    assert "is named 'custom_scn'; did you mean 'custom_scm'?" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["plugins", "why", "custom_scm", "--org", "acme"],
        ["plugins", "diff", "plugins.toml", "plugins.toml"],
        ["audit"],
        ["token", "list", "--org", "acme"],
        ["link", "plugins.toml", "--org", "acme", "--project", "web"],
    ],
    ids=" ".join,
)
def test_reading_commands_create_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Without a database these commands fail with the command that creates one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugins.toml").write_text("schema = 1\n", encoding="utf-8")
    done = scmhost(*words)
    assert (done.code, "there is no database scmhost.db yet" in done.err) == (1, True), done.err
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.toml"]


def test_reading_commands_migrate_no_database(configured: Configured) -> None:
    """An old schema is left unchanged, and the error names the command that updates it."""
    store = Store.open(f"sqlite:///{configured.database}")
    store.downgrade("0001")
    done = configured.call("plugins", "why", "custom_scm", "--org", "acme")
    assert (done.code, "run scmhost migrate" in done.err) == (1, True), done.err
    assert store.schema_state() not in SERVED
    store.close()


def test_diff_lists_affected_organizations(configured: Configured, tmp_path: Path) -> None:
    """Two files are compared for the organizations of the database, with the rule and line of each side."""
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text('[plugins.forge]\nenabled = true\nallow = { organizations = ["acme"] }\n', encoding="utf-8")
    new.write_text(
        '[plugins.forge]\nenabled = true\ndeny = { organizations = ["acme"] }\ndefault = true\n', encoding="utf-8"
    )
    answer = configured.call("plugins", "diff", str(old), str(new)).out.splitlines()
    assert answer == [
        "forge: +1 -1 of 2 organizations",
        "  - acme (id 1)",
        f"      before: allow names 'acme' ({old}:3)",
        f"      after:  deny names 'acme' ({new}:3)",
        "  + globex (id 4)",
        f"      before: no rule names the organization; default is false ({old}:1)",
        f"      after:  no rule names the organization; default is true ({new}:4)",
    ]
    assert configured.call("plugins", "diff", str(old), str(new), "--exit-code").code == 1
    assert configured.call("plugins", "diff", str(old), str(old), "--exit-code").code == 0
    assert configured.call("plugins", "diff", str(old), str(old)).out == "No changes for 2 organizations.\n"


def test_diff_reads_organizations_from_a_file(tmp_path: Path) -> None:
    """In CI the organizations may come from a file; a growing rollout turns nobody off."""
    listed, old, new = tmp_path / "organizations.jsonl", tmp_path / "old.toml", tmp_path / "new.toml"
    listed.write_text("".join(f'{{"id": {number}, "slug": "o{number}"}}\n' for number in range(1, 1001)) + "\n")
    for file, percent in ((old, 10), (new, 20)):
        file.write_text(f"[plugins.forge]\nenabled = true\nrollout = {{ percent = {percent} }}\n", encoding="utf-8")
    words = ["plugins", "diff", old, new, "--organizations", listed]
    answer = json.loads(scmhost(*words, "--json").out)
    forge = answer["plugins"]["forge"]
    assert (answer["organizations"], forge["off"]) == (1000, 0)
    assert 60 < forge["on"] == len(forge["organizations"]) < 140
    assert forge["organizations"][0]["after"]["rule"] == "rollout"
    shown, everything = scmhost(*words).out, scmhost(*words, "--full").out
    assert f"  and {forge['on'] - 20} more; use --full to list them" in shown
    assert everything.count("  + ") == forge["on"]
    assert scmhost(*words, "--no-flag", "forge").out == "No changes for 1000 organizations.\n"


@pytest.mark.parametrize("line", ["acme", "[]", '{"id": "x", "slug": "acme"}', '{"id": 1}'])
def test_diff_reports_an_invalid_organization(tmp_path: Path, line: str) -> None:
    """An invalid line is reported by its number."""
    listed, file = tmp_path / "organizations.jsonl", tmp_path / "x.toml"
    listed.write_text(f'{{"id": 1, "slug": "acme"}}\n{line}\n')
    file.write_text("schema = 1\n")
    done = scmhost("plugins", "diff", file, file, "--organizations", listed)
    assert (done.code, "organizations.jsonl:2: not an organization" in done.err) == (1, True)


def test_diff_reports_an_invalid_file(tmp_path: Path) -> None:
    """An invalid configuration is reported by its line."""
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("schema = 1\n")
    bad.write_text("schema = 1\n[plugins.forge]\nenabeld = true\n")
    done = scmhost("plugins", "diff", good, bad)
    assert (done.code, f"{bad}:3: plugins.forge.enabeld: unknown key" in done.err) == (3, True)


def test_help_imports_no_plugin_host() -> None:
    """Commands that need neither plugins nor the file do not import what these need."""
    code = "import sys; from scmhost.cli.main import run\ntry: run(None, sys.argv[1:])\nexcept SystemExit: pass\n"
    answer = "print([name for name in ('openfeature', 'tomlkit', 'scmhost.plugins') if name in sys.modules])"
    for words in (["--help"], ["plugins", "--help"], ["plugins", "enable", "--help"], ["frames", "--help"]):
        done = subprocess.run([sys.executable, "-c", code + answer, *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"
