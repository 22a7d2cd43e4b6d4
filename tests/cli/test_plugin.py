"""``scmhost plugin new`` and ``scmhost plugin check``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import Done, scmhost, scmhost_process
from scmhost.cli.main import SERVER_PACKAGES
from scmhost.cli.plugin import BadName, Names
from scmhost.sdk import API_VERSION, HOOK_SPECS
from scmhost.sdk.testing import CHECKS

PLUGINS = Path(__file__).parents[1] / "plugins"
SAMPLES = """\
form = { name = "team", url = "https://git.example.com" }
hosts = ["https://raw.example.com"]
[push]
body = '{"repository": "team/app", "commits": []}'
headers = { X-Scmhost-Signature = "sha256=%s" }
secret = "s3cret"
"""


@pytest.mark.parametrize(
    ("typed", "key", "title"),
    [
        ("gitbox", "gitbox", "Gitbox"),
        ("GitBox", "gitbox", "GitBox"),
        ("git-box", "git_box", "Git Box"),
        (" Git Box 2 ", "git_box_2", "Git Box 2"),
        ("scmhost-git.box", "git_box", "Git Box"),
    ],
)
def test_names_of_any_spelling(typed: str, key: str, title: str) -> None:
    """Every spelling of a host's name gives the same names of package and distribution."""
    names = Names.of(typed)
    assert (names.key, names.title) == (key, title)
    assert (names.distribution, names.package) == (f"scmhost-{key.replace('_', '-')}", f"scmhost_{key}")


@pytest.mark.parametrize("typed", ["", "9box", "git/box", "../box", "bücher", "x" * 41, "class", "scmhost", "a//b"])
def test_invalid_name_is_refused(typed: str) -> None:
    """A name that no package can have is refused with an example."""
    with pytest.raises(BadName, match="cannot be named"):
        Names.of(typed)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder with files is left unchanged; an empty one is used."""
    folder = tmp_path / "mine"
    folder.mkdir()
    assert scmhost("plugin", "new", "gitbox", "--into", folder).code == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = scmhost("plugin", "new", "other", "--into", folder)
    assert (again.code, "is not empty; nothing was written" in again.err) == (1, True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_new_plugin_passes_strict_lint(tmp_path: Path) -> None:
    """The templates pass the lint rules of scmhost's own plugins, and mark what is left to decide."""
    scmhost("plugin", "new", "git box", "--into", tmp_path / "mine")
    rules = ["--select", "ALL", "--ignore", "D,S101,COM812,INP001,RUF012,PLR2004,CPY001", "--line-length", "120"]
    for words in (["check", *rules], ["format", "--check", "--line-length", "120"]):
        command = [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", "."]
        done = subprocess.run(command, cwd=tmp_path / "mine", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "mine").rglob("*") if path.is_file()]
    assert [text for text in texts if "@key@" in text or "gitbox" in text.lower()] == []
    assert 5 <= sum(text.count("YOURS") for text in texts) <= 15
    assert [text for text in texts if text.count("YOURS") != text.count("YOURS: ")] == []


def run_two_checks(*words: object) -> Done:
    """Run two checks on a first-party plugin."""
    return scmhost("plugin", "check", *words, "--check", "links-safe", "--check", "push-sample-read")


def test_new_plugin_has_a_place_for_every_hook(tmp_path: Path) -> None:
    """Each hook of a provider is in the new plugin, or named in it with the others of its kind."""
    assert scmhost("plugin", "new", "teapot", "--into", tmp_path / "plugin").code == 0
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "plugin").rglob("plugin.py"))
    of_providers = {spec.name for spec in HOOK_SPECS.values() if spec.audience == "provider"}
    assert {hook for hook in of_providers if hook not in text} == set()


def test_correct_plugin() -> None:
    """A plugin is found by its distribution or its own name; each check is listed, one without a sample as not run."""
    for name in ("scmhost-custom-scm", "custom_scm"):
        done = run_two_checks(name)
        assert done.code == 0, done.out
        assert "ready         scmhost-custom-scm" in done.out
        assert "kept          links-safe" in done.out
        assert (
            "not run       push-sample-read  (there is no sample of a delivery; "
            "set push = PushSample(...), in TOML [push])" in done.out
        )
        assert done.out.endswith(f"2 of {len(CHECKS)} checks: 1 kept, 1 not run.\n")


def test_json_and_markdown_reports() -> None:
    """The report is printed as JSON, or as a table alone."""
    (report,) = json.loads(run_two_checks("custom_scm", "--json").out)
    assert (report["provider"], report["checks"][0]) == (
        "custom_scm",
        {"check": "links-safe", "outcome": "kept", "text": ""},
    )
    assert run_two_checks("custom_scm", "--markdown").out.startswith("| capability | hooks | checks |\n")


def test_samples_from_a_file(tmp_path: Path) -> None:
    """Samples come from a file; a delivery that is not signed with its secret is a violation."""
    (tmp_path / "samples.toml").write_text(SAMPLES % ("0" * 64), encoding="utf-8")
    done = run_two_checks("custom_scm", "--samples", tmp_path / "samples.toml")
    assert (done.code, "violated      push-sample-read" in done.out) == (1, True)
    assert "set push = PushSample" in done.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frm = {}", "unknown key 'frm'; did you mean 'form'?"),
        ("[push]\nbody = ''\nheader = {}", "unknown key 'header'; did you mean 'headers'?"),
        ("[push]\nbody = ''", "push.headers is missing"),
        ("form = ", "Invalid value"),
    ],
)
def test_invalid_samples(tmp_path: Path, text: str, message: str) -> None:
    """An invalid file is named with the fault in it."""
    (tmp_path / "samples.toml").write_text(text, encoding="utf-8")
    done = run_two_checks("custom_scm", "--samples", tmp_path / "samples.toml")
    assert (done.code, message in done.err) == (1, True), done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["custom_smc"], "did you mean 'custom_scm'?"),
        (["custom_scm", "--check", "links-save"], "did you mean 'links-safe'?"),
        (["custom_scm", "--samples", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_unknown_name_gets_the_nearest_one(words: list[str], message: str) -> None:
    """An unknown plugin or check is reported with the nearest name, a missing file with its path."""
    done = scmhost("plugin", "check", *words)
    assert (done.code, message in done.err) == (1, True), done.err


def installed(folder: Path, entry: str, keywords: str = "") -> dict[str, str]:
    """Return an environment in which the plugin ``half`` is installed."""
    info = folder / "half-1.0.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.4\nName: half\nVersion: 1.0\nKeywords: {keywords}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[scmhost]\nhalf = {entry}\n", encoding="utf-8")
    return {"PYTHONPATH": f"{folder}:{PLUGINS.parent}"}


@pytest.mark.parametrize(
    ("entry", "keywords", "message"),
    [
        ("plugins.refused:unmarked", "", "write @hookimpl above it"),
        ("plugins.refused:untouchable", "", "RuntimeError: do not look"),
        ("plugins.refused:raises_at_registration", "", "scm_register_providers refuses: not today"),
        ("plugins.later", "scmhost-api>=9", f"it supports API >=9, this scmhost offers {API_VERSION}"),
        ("plugins.later", "scmhost-api>=1.0,<1.1", "it supports API >=1.0,<1.1"),
        ("plugins.later", "scmhost-api>=one", "its API range '>=one' is invalid"),
    ],
)
def test_plugin_that_the_host_refuses(tmp_path: Path, entry: str, keywords: str, message: str) -> None:
    """Validation comes first, and ends the command."""
    done = scmhost_process("plugin", "check", "half", environ=installed(tmp_path, entry, keywords))
    assert (done.code, message in done.err) == (1, True), done.err
    assert done.err.startswith("error: the host would not load this plugin: ")


def test_notes_about_compatibility(tmp_path: Path) -> None:
    """Hooks and arguments of a later contract, and a missing API range, are noted."""
    words = ["plugin", "check", "half", "--check", "hooks-fit"]
    done = scmhost_process(*words, environ=installed(tmp_path, "plugins.later"))
    assert (done.code, done.out.count("note          ")) == (0, 3), done.out + done.err
    assert f"add the keyword 'scmhost-api>={API_VERSION}'" in done.out
    assert f"API {API_VERSION} has no such hook; it is not called" in done.out
    assert f"API {API_VERSION} passes no 'mood'; its default is used" in done.out


WITHOUT = """\
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)

hidden = sys.argv.pop(1).split()
sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
from scmhost.app import main
main()
"""
SERVER = " ".join(SERVER_PACKAGES)


def without(packages: str, *words: str, folder: Path) -> Done:
    """Run a command in a process that cannot import some packages."""
    command = [sys.executable, "-c", WITHOUT, packages, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["new", "teapot", "--into", "teapot"], 0),
        (["new", "9"], 1),
        (["check", "custom_scm", "--check", "links-safe", "--check", "sdk-only"], 0),
        (["check", "nothing"], 1),
    ],
    ids=str,
)
def test_light_installation_is_enough(tmp_path: Path, words: list[str], code: int) -> None:
    """Both commands work without any package of the server."""
    done = without(SERVER, "plugin", *words, folder=tmp_path)
    assert (done.code, "Traceback" in done.err) == (code, False), done.out + done.err


def test_missing_extra_is_named(tmp_path: Path) -> None:
    """Without pytest or Hypothesis the command fails with one line that names the extra."""
    done = without("hypothesis", "plugin", "check", "custom_scm", folder=tmp_path)
    remedy = "run: pip install 'scmhost[testing]'"
    message = f"error: scmhost.sdk.testing needs hypothesis, which is not installed; {remedy}\n"
    assert (done.code, done.err) == (1, message)


REMOTE = """\
from collections.abc import Sequence

from pydantic import BaseModel

from plugins.wrong.remote import CallsHost
from plugins.wrong.correct import with_provider
from scmhost.sdk import Provider, hookimpl


class Settings(BaseModel):
    base_url: str
    timeout: float = 0.2


class Quarry(CallsHost):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)


plugin = Quarry()
"""


@pytest.fixture
def quarry(tmp_path: Path) -> dict[str, str]:
    """The environment of an installed plugin that calls its host and has a required setting."""
    info = tmp_path / "quarry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: quarry\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scmhost]\nquarry = quarry:plugin\n", encoding="utf-8")
    (tmp_path / "quarry.py").write_text(REMOTE, encoding="utf-8")
    return {"PYTHONPATH": f"{tmp_path}:{PLUGINS.parent}"}


def test_required_settings_are_named(quarry: dict[str, str]) -> None:
    """A missing setting is named, with the TOML to write."""
    done = scmhost_process("plugin", "check", "quarry", environ=quarry)
    assert done.code == 1
    assert "the host would not load this plugin: Settings refuses the sample (base_url: Field required)" in done.err
    assert "Pass them with --samples FILE" in done.err
    assert '    [settings]\n    base_url = "..."\n' in done.err


def test_unreachable_host_is_noted(quarry: dict[str, str], tmp_path: Path) -> None:
    """The checks run with a default installation, and the note has a remedy."""
    samples = tmp_path / "samples.toml"
    samples.write_text('settings = { base_url = "https://quarry.example.com" }\n', encoding="utf-8")
    words = ["plugin", "check", "quarry", "--samples", str(samples), "--check", "samples-fit", "--check", "without-url"]
    done = scmhost_process(*words, environ=quarry)
    assert (done.code, ": 2 kept." in done.out) == (0, True), done.out + done.err
    assert "note          scm_install cannot reach its host: Quarry does not answer" in done.out
    assert "name a server on 127.0.0.1" in done.out


def test_blocked_check_shows_the_cause(quarry: dict[str, str], tmp_path: Path) -> None:
    """A check that does not run is printed with the violation that blocks it."""
    samples = tmp_path / "samples.toml"
    samples.write_text('form = { team = 3 }\nsettings = { base_url = "https://x.example" }\n', encoding="utf-8")
    done = scmhost_process(
        "plugin", "check", "quarry", "--samples", str(samples), "--check", "budget-kept", environ=quarry
    )
    assert (done.code, "not run       budget-kept  (samples-fit is violated)" in done.out) == (1, True), done.err
    assert "set form = {...}" in done.out
