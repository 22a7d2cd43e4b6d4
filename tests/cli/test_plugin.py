"""``scmhost plugin``: for whoever writes one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import Done, scmhost, scmhost_process
from scmhost.cli.scaffolding import BadName, Names
from scmhost.sdk.testing import LAWS

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
def test_a_name_in_any_spelling(typed: str, key: str, title: str) -> None:
    """However a person writes the host's name, the package gets the name that it should have."""
    names = Names.of(typed)
    assert (names.key, names.title) == (key, title)
    assert (names.distribution, names.package) == (f"scmhost-{key.replace('_', '-')}", f"scmhost_{key}")


@pytest.mark.parametrize("typed", ["", "9box", "git/box", "../box", "bücher", "x" * 41, "class", "scmhost", "a//b"])
def test_a_name_that_no_package_can_have(typed: str) -> None:
    """What cannot be a package's name is refused with an example."""
    with pytest.raises(BadName, match="cannot be named"):
        Names.of(typed)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder with anything in it is left as it is; an empty one will do."""
    folder = tmp_path / "mine"
    folder.mkdir()
    assert scmhost("plugin", "new", "gitbox", "--into", folder).code == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = scmhost("plugin", "new", "other", "--into", folder)
    assert (again.code, "holds something already; nothing was written" in again.err) == (1, True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_new_plugin_is_clean(tmp_path: Path) -> None:
    """What is written passes the strict checks that scmhost's own plugins pass, and says what is left to decide."""
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


def checked(*words: object) -> Done:
    """A check of the first-party plugin, by a few laws."""
    return scmhost("plugin", "check", *words, "--law", "links-safe", "--law", "push-sample-read")


def test_a_plugin_that_keeps_the_laws() -> None:
    """Asked by its distribution or its own name, it is taken in as the host would, and each law is told."""
    for name in ("scmhost-custom-scm", "custom_scm"):
        done = checked(name)
        assert done.code == 0, done.out
        assert "ready         scmhost-custom-scm" in done.out
        assert "kept          links-safe" in done.out
        assert done.out.endswith(f"2 of {len(LAWS)} laws asked, 2 kept.\n")


def test_a_plugin_for_machines_and_for_a_page() -> None:
    """The findings as JSON, or the table alone."""
    (report,) = json.loads(checked("custom_scm", "--json").out)
    assert (report["provider"], report["laws"][0]) == (
        "custom_scm",
        {"law": "links-safe", "verdict": "kept", "text": ""},
    )
    assert checked("custom_scm", "--markdown").out.startswith("| capability | hooks | laws |\n")


def test_samples_of_ones_own(tmp_path: Path) -> None:
    """What cannot be made up comes from a file; a delivery that is not signed with its secret does not pass."""
    (tmp_path / "samples.toml").write_text(SAMPLES % ("0" * 64), encoding="utf-8")
    done = checked("custom_scm", "--samples", tmp_path / "samples.toml")
    assert (done.code, "broken        push-sample-read" in done.out) == (1, True)
    assert "set push = PushSample" in done.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frm = {}", "unknown key 'frm'; did you mean 'form'?"),
        ("[push]\nbody = ''\nheader = {}", "unknown key 'header'; did you mean 'headers'?"),
        ("[push]\nbody = ''", "push.headers is missing"),
        ("form = ", "Invalid value"),
    ],
)
def test_wrong_samples(tmp_path: Path, text: str, says: str) -> None:
    """A file that cannot be used is named, with what is wrong in it."""
    (tmp_path / "samples.toml").write_text(text, encoding="utf-8")
    done = checked("custom_scm", "--samples", tmp_path / "samples.toml")
    assert (done.code, says in done.err) == (1, True), done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["custom_smc"], "did you mean 'custom_scm'?"),
        (["custom_scm", "--law", "links-save"], "did you mean 'links-safe'?"),
        (["custom_scm", "--samples", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_what_there_is_not(words: list[str], says: str) -> None:
    """A plugin, a law or a file that there is not is told with the nearest that there is."""
    done = scmhost("plugin", "check", *words)
    assert (done.code, says in done.err) == (1, True), done.err


def test_a_plugin_that_the_host_refuses(tmp_path: Path) -> None:
    """Admission comes first, with the words that the list of plugins has."""
    info = tmp_path / "half-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: half\nVersion: 1.0\n", encoding="utf-8")
    entry = "[scmhost]\nhalf = plugins.refused:unmarked\n"
    (info / "entry_points.txt").write_text(entry, encoding="utf-8")
    done = scmhost_process("plugin", "check", "half", environ={"PYTHONPATH": f"{tmp_path}:{PLUGINS.parent}"})
    assert (done.code, "write @hookimpl above it" in done.err) == (1, True), done.err


def test_without_the_extra(tmp_path: Path) -> None:
    """Where pytest or Hypothesis is missing, the extra that brings them is named."""
    (tmp_path / "hide.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Hide:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'hypothesis': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide)\n"
        "from scmhost.app import main\n"
        "main()\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(tmp_path / "hide.py"), "plugin", "check", "custom_scm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "hypothesis" in done.stderr) == (1, True), done.stderr


REMOTE = """\
from collections.abc import Sequence

from pydantic import BaseModel

from plugins.wrong.remote import Asks
from plugins.wrong.right import with_provider
from scmhost.sdk import Provider, hookimpl


class Settings(BaseModel):
    base_url: str
    timeout: float = 0.2


class Quarry(Asks):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(settings=Settings),)


plugin = Quarry()
"""


@pytest.fixture
def quarry(tmp_path: Path) -> dict[str, str]:
    """Where a plugin is installed that asks its host, and that has a setting it cannot do without."""
    info = tmp_path / "quarry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: quarry\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scmhost]\nquarry = quarry:plugin\n", encoding="utf-8")
    (tmp_path / "quarry.py").write_text(REMOTE, encoding="utf-8")
    return {"PYTHONPATH": f"{tmp_path}:{PLUGINS.parent}"}


def test_settings_that_a_plugin_cannot_do_without(quarry: dict[str, str]) -> None:
    """Whoever leaves them out is told where to write them, and how."""
    done = scmhost_process("plugin", "check", "quarry", environ=quarry)
    assert done.code == 1
    assert "(broken): without --samples: plugins.quarry.settings.base_url: field required;" in done.err
    assert "give them with --samples FILE" in done.err
    assert '    [settings]\n    base_url = "..."\n' in done.err


def test_a_host_that_cannot_be_asked_is_a_note(quarry: dict[str, str], tmp_path: Path) -> None:
    """Laws are asked about all the same, and the note says what to do."""
    samples = tmp_path / "samples.toml"
    samples.write_text('settings = { base_url = "https://quarry.example.com" }\n', encoding="utf-8")
    words = ["plugin", "check", "quarry", "--samples", str(samples), "--law", "samples-fit", "--law", "without-url"]
    done = scmhost_process(*words, environ=quarry)
    assert (done.code, ", 2 kept." in done.out) == (0, True), done.out + done.err
    assert "note          scm_install cannot ask its host: Quarry does not answer" in done.out
    assert "name a server on 127.0.0.1" in done.out


def test_one_law_shows_what_it_waits_for(quarry: dict[str, str], tmp_path: Path) -> None:
    """A law that cannot be asked about shows the finding that stands before it."""
    samples = tmp_path / "samples.toml"
    samples.write_text('form = { team = 3 }\nsettings = { base_url = "https://x.example" }\n', encoding="utf-8")
    done = scmhost_process(
        "plugin", "check", "quarry", "--samples", str(samples), "--law", "budget-kept", environ=quarry
    )
    assert (done.code, "unreached     budget-kept  (samples-fit is broken first)" in done.out) == (1, True), done.err
    assert "set form = {...}" in done.out
