"""Change the rules of a room in small ways, one at a time, and list the changes that its unit tests do not notice.

Usage: ``python benchmarks/mutants.py mapping [--limit 200]``. The work folder is ``.mutants/<room>``.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
RULE_MODULES: Final = {
    "links": ("values", "resolve", "source_urls", "bulk"),
    "commits": ("values", "fields", "payload"),
}
"""By room, the modules to change; all modules of other rooms. Routes, queries and tables have tests elsewhere."""
KILLED: Final = frozenset({1, 3})
"""Exit codes of pytest when a test fails, or cannot run with the change."""
TIMEOUTS: Final = frozenset({36, 24, 152, 255, -24, -9, 137})
"""mutmut's code for a timeout, and those of a process that used up its time. The tests noticed these changes too."""
NO_TESTS: Final = frozenset({5, 33})


def prepare(room: str) -> Path:
    """Make a folder in the layout that mutmut expects: sources below ``src``, and a configuration for one room."""
    folder = ROOT / ".mutants" / room
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # mutmut removes only "src" from the names of modules, so "core" is linked under that name.
    (folder / "src").symlink_to(ROOT / "core")
    (folder / "tests").symlink_to(ROOT / "tests")
    (folder / "pyproject.toml").write_text(configuration(room), encoding="utf-8")
    return folder


def configuration(room: str) -> str:
    """Return the settings of mutmut and of pytest for one room."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pytest = project["tool"]["pytest"]["ini_options"]
    settings: dict[str, dict[str, Any]] = {
        "tool.mutmut": {
            "source_paths": ["src"],
            "only_mutate": [f"src/scmhost/{room}/{module}.py" for module in RULE_MODULES.get(room, "*")],
            # mutmut runs pytest several times in a process. structlog would keep the first run's closed output.
            "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no"],
            "pytest_add_cli_args_test_selection": [f"tests/unit/{room}"],
            "use_git_change_detection": False,
            "track_dependencies": False,
        },
        # Warnings are no errors here: changed code may warn without being noticed by an assertion.
        "tool.pytest.ini_options": {
            "pythonpath": pytest["pythonpath"],
            "addopts": ["--import-mode=importlib", "-p", "no:schemathesis"],
            "markers": pytest.get("markers", []),
        },
    }
    # A list of strings in JSON is the same list in TOML.
    return "\n".join(
        f"[{table}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        for table, values in settings.items()
    )


def mutmut(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of mutmut in the work folder."""
    command = [str(Path(sys.executable).with_name("mutmut")), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def run(folder: Path, names: list[str]) -> None:
    """Run the tests against these mutants, or against all if none is named."""
    done = mutmut(folder, "run", "--max-children", "2", *names)
    if done.returncode != 0:
        sys.exit(f"mutmut failed with code {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def exit_codes(folder: Path) -> dict[str, int | None]:
    """Return the exit code of the tests by mutant; None where it was not run."""
    codes: dict[str, int | None] = {}
    for meta in sorted(folder.glob("mutants/src/**/*.meta")):
        codes |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def outcome(code: int) -> str:
    """Return what became of a mutant."""
    if code in KILLED:
        return "killed"
    if code in NO_TESTS:
        return "not reached by a test"
    return "timeout" if code in TIMEOUTS else "survived"


def sample(folder: Path, limit: int) -> list[str]:
    """Return the names of some mutants, the same at every run; they are made without running any."""
    # mutmut makes all mutants first; then it ends with an error, because none has this name.
    made = mutmut(folder, "run", "no.such.mutant")
    names = sorted(exit_codes(folder))
    if not names:
        sys.exit(f"mutmut made no mutants:\n{made.stdout[-4000:]}{made.stderr[-4000:]}")
    return random.Random(0).sample(names, min(limit, len(names)))


def main() -> None:
    """Print the survivors and their rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", help="a folder of core/scmhost with unit tests of the same name")
    parser.add_argument("--limit", type=int, default=0, help="run that many mutants, chosen at random")
    arguments = parser.parse_args()
    folder = prepare(arguments.room)
    run(folder, sample(folder, arguments.limit) if arguments.limit else [])
    outcomes = {name: outcome(code) for name, code in exit_codes(folder).items() if code is not None}
    survivors = [name for name, what in outcomes.items() if what not in ("killed", "timeout")]
    for name in survivors:
        print(f"{outcomes[name]}: {name}\n{mutmut(folder, 'show', name).stdout}")
    counted = ", ".join(f"{number} {what}" for what, number in sorted(Counter(outcomes.values()).items()))
    print(f"{arguments.room}: {len(outcomes)} mutants: {counted}")
    print(f"survival rate: {100 * len(survivors) / max(1, len(outcomes)):.1f} %")


if __name__ == "__main__":
    main()
