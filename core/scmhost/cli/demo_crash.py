"""Make real code of a checkout raise a real exception, for the demo.

A function of the checkout is called with an argument that it cannot use, in a Python process of its own; the
traceback is the interpreter's own. Functions that hand their argument on come first: their tracebacks are deeper.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_TRIES: Final = 15
SECONDS_A_TRY: Final = 20
_CALL: Final = (
    "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
    "getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(*(object() for _ in range(int(sys.argv[4]))))"
)
_LEFT_OUT: Final = ("test", "conftest", "setup.py", "__main__", "migrations", "docs/", "examples/")


@dataclass(frozen=True, slots=True)
class Target:
    """A function that may be called, and how it is imported."""

    root: Path
    module: str
    function: str
    arguments: int
    deep: bool


def crash(checkout: Path, files: list[str]) -> str | None:
    """The traceback of a real exception that went through code of the checkout, the deepest of a few tries."""
    best, depth = None, 0
    for target in _targets(checkout, files)[:MOST_TRIES]:
        text = _run(target)
        found = text.count(f'File "{checkout}')
        if found > depth:
            best, depth = text, found
        if depth > 1:
            break
    return best


def _run(target: Target) -> str:
    """What Python prints about the call; empty when it did not raise in time."""
    command = [sys.executable, "-c", _CALL, str(target.root), target.module, target.function, str(target.arguments)]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell; running this code is what the demo is for
            command, capture_output=True, check=False, timeout=SECONDS_A_TRY, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stderr.decode(errors="replace")


def _targets(checkout: Path, files: list[str]) -> list[Target]:
    wanted = [name for name in files if name.endswith(".py") and not any(part in name for part in _LEFT_OUT)]
    found = [target for name in sorted(wanted) for target in _functions(checkout, checkout / name)]
    return sorted(found, key=lambda target: not target.deep)


def _functions(checkout: Path, file: Path) -> Iterator[Target]:
    """The module's public functions with required arguments."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    root, module = _importable(checkout, file)
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.decorator_list:
            required = len(node.args.args) - len(node.args.defaults)
            if required > 0 and not node.args.kwonlyargs:
                yield Target(root, module, node.name, required, _hands_on(node, own))


def _hands_on(function: ast.FunctionDef, own: set[str]) -> bool:
    """Whether the function calls another one of its module with its first argument."""
    first = function.args.args[0].arg
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in own - {function.name}
        and any(isinstance(argument, ast.Name) and argument.id == first for argument in node.args)
        for node in ast.walk(function)
    )


def _importable(checkout: Path, file: Path) -> tuple[Path, str]:
    """The folder to import from, and the dotted name: packages are climbed up to their top."""
    parts = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").exists() and folder != checkout:
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)
