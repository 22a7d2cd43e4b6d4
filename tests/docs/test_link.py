"""The page on links in a checkout: its recipes run, and its tables agree with the code."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from command import GitRepository
from pages import blocks, page
from scmhost.checkout.editors import EDITORS, editor_template
from scmhost.checkout.project_file import ProjectFile, read_project_file

PAGE = page("docs/link.md")
FILES = {block.name: block.text for block in blocks(PAGE) if block.name}
LINK = "https://github.com/acme/shop/blob/{}/test_cart.py#L2"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout with a failing test and an unused import, as the working directory."""
    repository = GitRepository(tmp_path / "checkout")
    test = "def test_total():\n    assert 1 == 2\n\n\nimport os\n"
    repository.commit(files={"test_cart.py": test, ".gitignore": "*\n!*.py\n"})
    repository.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    monkeypatch.chdir(repository.path)
    return repository


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a job."""
    programs = Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "COVERAGE_PROCESS_START")}
    path = f"{programs}:{os.environ['PATH']}"
    summary = str(tmp_path / "summary.md")
    return {**kept, "PATH": path, "CI": "true", "GITHUB_STEP_SUMMARY": summary, "GIT_CONFIG_GLOBAL": os.devnull}


def shell(script: str, environ: Mapping[str, str]) -> int:
    """Run a script as CI systems do; installing is left out."""
    lines = [line for line in script.splitlines() if not line.startswith("pip install")]
    command = ["bash", "-e", "-c", "\n".join(lines)]
    return subprocess.run(command, env=environ, check=False, capture_output=True).returncode


def commands(name: str, key: str) -> str:
    """Return the lines below a key of a YAML file, up to the next key."""
    found = re.search(rf"^( *)(?:- )?{key}:(?: [|])?\n((?:\1 +.*\n)+)", FILES[name], re.MULTILINE)
    assert found, f"{name} has no lines below {key!r}"
    return re.sub(r"^ +(?:- )?", "", found[2], flags=re.MULTILINE)


def test_recipe_for_github(checkout: GitRepository, environ: Mapping[str, str]) -> None:
    """The step with the tests fails, and the summary of the job has the link."""
    name = ".github/workflows/test.yml"
    assert shell(commands(name, "run"), environ) == 1
    condition, summary = re.findall(r"if: (.*)\n +run: (.*)", FILES[name])[0]
    assert condition == "failure()"
    assert shell(summary, environ) == 0
    text = Path(environ["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
    assert text.startswith("<pre>\n")
    assert LINK.format(checkout.shas()[0]) in text


def test_recipe_for_gitlab(checkout: GitRepository, environ: Mapping[str, str]) -> None:
    """The script fails, and the artifact is a page with the link."""
    name = ".gitlab-ci.yml"
    assert shell(commands(name, "script"), environ) == 1
    assert shell(commands(name, "after_script"), environ) == 0
    (artifact,) = re.findall(r"paths: \[(.*)\]", FILES[name])
    assert LINK.format(checkout.shas()[0]) in Path(artifact).read_text(encoding="utf-8")


def test_recipe_for_hooks(checkout: GitRepository, environ: Mapping[str, str]) -> None:
    """The hook fails with the exit code of its command, and its output has the link."""
    (entry,) = re.findall(r"entry: (.*)", FILES[".pre-commit-config.yaml"])
    words = [*shlex.split(entry), "--no-cache", "--isolated", "test_cart.py"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"blob/{checkout.shas()[0]}/test_cart.py#L5" in done.stdout


def test_settings_for_everybody_are_valid(tmp_path: Path) -> None:
    """The file on the page is read as it is described."""
    (tmp_path / ".scmhost.toml").write_text(FILES[".scmhost.toml"], encoding="utf-8")
    maps = (("/usr/src/app", "services/till"), ("/srv/releases/*", "src"))
    assert read_project_file(str(tmp_path)) == ProjectFile("gitea", "upstream", None, maps)


def test_every_editor_is_named() -> None:
    """The table has exactly the names of the option, and a valid template."""
    table = PAGE.partition("| editor | `--editor` |")[2].partition("\n\n")[0]
    names = re.findall(r"`([^`]+)`", table)
    templates = [name.strip("'") for name in names if "{path}" in name]
    assert {name for name in names if name.strip("'") not in templates} == set(EDITORS)
    assert [editor_template(template).text for template in templates] == templates
