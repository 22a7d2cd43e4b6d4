"""How long small commands take against a Python that does nothing: heavy imports wait for their command."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

ROUNDS = 15
COMMAND = Path(sys.executable).with_name("scmhost")
# A child that may not keep its byte code compiles every module anew.
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ALONE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "ada@example.com" for role in ("AUTHOR", "COMMITTER")},
}
FRAMES = 30


def main() -> None:
    """Print each ratio: how many times longer than nothing."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.1f}")


def ratios() -> dict[str, float]:
    """Each command against nothing, in rounds that alternate, so that the machine's mood touches both."""
    found = {f"startup/{name}": _ratio([str(COMMAND), f"--{name}"]) for name in ("version", "help")}
    with TemporaryDirectory() as folder:
        trace = _checkout(Path(folder))
        found["startup/link"] = _ratio([str(COMMAND), "link", str(trace)], folder)
    with TemporaryDirectory() as folder:
        found["startup/projects list"] = _ratio(_on_a_database(Path(folder), "projects", "list"), folder)
    return found


def _on_a_database(folder: Path, *words: str) -> list[str]:
    """A command over a new database with a project, and a plugin that is on."""
    (folder / "plugins.toml").write_text("schema = 1\n[plugins.custom_scm]\nenabled = true\n", encoding="utf-8")
    where = ["--config", str(folder / "plugins.toml"), "--database-url", f"sqlite:///{folder}/scm.db"]
    bootstrap = [str(COMMAND), "bootstrap", "--org", "acme", "--project", "web", *where]
    subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL, env=ENVIRON)
    return [str(COMMAND), *words, *where]


def _checkout(folder: Path) -> Path:
    """A checkout with a remote, and a trace of 60 lines whose files it has."""
    trace = "Traceback (most recent call last):\n"
    for number in range(FRAMES):
        (folder / f"m{number}.py").write_text("x = 1\n" * 50, encoding="utf-8")
        trace += f'  File "/app/m{number}.py", line {number + 1}, in f{number}\n    x = 1\n'
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Begin"),
        ("remote", "add", "origin", "https://github.com/acme/shop.git"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**ENVIRON, **ALONE})
    file = folder / "crash.txt"
    file.write_text(trace + "ValueError: no\n", encoding="utf-8")
    return file


def _ratio(command: Sequence[str], folder: str | None = None) -> float:
    nothing = [sys.executable, "-c", "pass"]
    # Compiles what has no byte code yet.
    _seconds(command, folder)
    rounds = [(_seconds(nothing, folder), _seconds(command, folder)) for _ in range(ROUNDS)]
    return median(slow for _, slow in rounds) / median(quick for quick, _ in rounds)


def _seconds(command: Sequence[str], folder: str | None) -> float:
    begin = perf_counter()
    subprocess.run(
        command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**ENVIRON, **ALONE}
    )
    return perf_counter() - begin


if __name__ == "__main__":
    main()
