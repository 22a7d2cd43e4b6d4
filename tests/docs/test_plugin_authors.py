"""The plugin authors' page, followed to the letter."""

import re
import tomllib
from pathlib import Path

import pytest

from hosting import candidate, enabled, report_of
from loading import load_cases
from manual import Terminal, blocks, page, steps, write_files
from scmhost.host import PluginHost, Settings

PAGE = page("docs/plugin-authors.md")
REFUSALS = re.findall(r"^\| `(.+?)` \|", PAGE.partition("## When a plugin is refused")[2], re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files, its plugin installed, and no plugin of another test."""
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "src")
    return tmp_path


def install(folder: Path) -> None:
    """What ``pip install --editable`` writes about a distribution."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(f"{head}Keywords: {','.join(project['keywords'])}\n", encoding="utf-8")
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["scmhost"].items())
    (info / "entry_points.txt").write_text(f"[scmhost]\n{points}", encoding="utf-8")


def test_the_page_leads_to_a_linked_frame(folder: Path) -> None:
    """Whoever types what the page says sees what the page says."""
    listed = steps(PAGE)
    assert len(listed) > 5
    assert Terminal().follow(listed) == listed


def test_every_block_is_run() -> None:
    """A block is a file or a list of commands: none is there for its looks."""
    assert [block.text for block in blocks(PAGE) if not block.name and block.language != "console"] == []


@pytest.fixture(scope="module")
def refusals() -> str:
    """All that a host says of plugins that it refuses."""
    return "\n".join(_refusal(case) for case in load_cases("refused_plugins"))


def _refusal(case: dict[str, object]) -> str:
    plugins = {"good_forge": enabled(), "subject": enabled(order=200, settings=case.get("settings", {}))}
    subject = candidate("subject", str(case["entry"]), api_range=case.get("api_range"))  # type: ignore[arg-type]
    host = PluginHost.open(Settings(plugins=plugins), candidates=[candidate("good_forge"), subject])
    host.close()
    return report_of(host, "subject").reason


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_are_in_the_hosts_own_words(refusals: str, text: str) -> None:
    """What the page says of a refusal is what the list of plugins says."""
    assert text in refusals
