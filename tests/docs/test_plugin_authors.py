"""The tutorial in docs/plugin-authors.md, run step by step."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from command import scmhost_process
from pages import Block, Step, Terminal, blocks, page, steps

PAGE = page("docs/plugin-authors.md")
PLACED = re.compile(r"# (for a moment|from now on), at the end of (\S+)\n")


@dataclass
class Author(Terminal):
    """Follows the tutorial in the plugin's folder: writes its files and runs its commands."""

    kept: dict[Path, str] = field(default_factory=dict)

    def read(self, block: Block) -> tuple[list[Step], list[Step]]:
        """Follow one block. Return its steps as the page shows them, and with their real output."""
        if block.language == "console":
            listed = steps(f"```console\n{block.text}```\n")
            went = self.follow(listed)
            for path, text in self.kept.items():
                path.write_text(text, encoding="utf-8")
            self.kept.clear()
            return listed, went
        self._type(block)
        return [], []

    def _type(self, block: Block) -> None:
        placed = PLACED.match(block.text)
        path = Path(placed[2] if placed else str(block.name))
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if placed:
            path.write_text(f"{before}\n\n{block.text.removeprefix(placed[0])}", encoding="utf-8")
            self.kept |= {path: before} if placed[1] == "for a moment" else {}
        elif block.text not in before:
            path.write_text(block.text, encoding="utf-8")

    def _done(self, words: list[str], environ: Mapping[str, str]) -> str:
        installed = {"PYTHONPATH": str(Path("src").resolve())}
        if words[0] == "pytest":
            return run_tests(words[1:], installed)
        if words[:3] == ["scmhost", "plugin", "check"]:
            checked = scmhost_process(*words[1:], environ=installed)
            return checked.out + checked.err
        done = super()._done(words, environ)
        if words[0] == "cd":
            install()
        return done


def run_tests(words: list[str], environ: Mapping[str, str]) -> str:
    """Run the plugin's own tests, which must pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ})
    assert done.returncode == 0, done.stdout
    return done.stdout


def install() -> None:
    """Write the metadata of the distribution, like ``pip install --editable``."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = Path("src") / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(f"{head}Keywords: {','.join(project['keywords'])}\n", encoding="utf-8")
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["scmhost"].items())
    (info / "entry_points.txt").write_text(f"[scmhost]\n{points}", encoding="utf-8")


def test_tutorial_ends_with_a_linked_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the tutorial print what it shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "scmhost-gitbox" / "src")
    author = Author()
    read = [author.read(block) for block in blocks(PAGE)]
    assert sum(len(listed) for listed, _ in read) > 15
    for listed, went in read:
        assert went == listed


def test_every_block_is_run() -> None:
    """Every block is a file, an addition to a file, or a list of commands."""
    plain = [block.text for block in blocks(PAGE) if not block.name and block.language != "console"]
    assert [text for text in plain if not PLACED.match(text)] == []


def test_excerpt_of_hooks_equals_the_template() -> None:
    """The excerpt of plugin.py is what ``scmhost plugin new`` writes."""
    scaffold = page("core/scmhost/cli/scaffold/src/plugin.py.in")
    shown = [block.text for block in blocks(PAGE) if block.name == "src/scmhost_gitbox/plugin.py"]
    assert [text in scaffold for text in shown] == [True]
