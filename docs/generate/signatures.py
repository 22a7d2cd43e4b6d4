"""Signatures of functions, from their source."""

import ast
import inspect
from typing import Any, Final

_WIDTH: Final = 100
"""The width of a code block without scrolling."""


def signature(function: Any) -> str:
    """Return a function's signature as in its source, with one argument per line if it is long."""
    node = ast.parse(inspect.getsource(inspect.unwrap(function))).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - hooks and helpers are functions
    arguments = [ast.unparse(argument) for argument in (*node.args.args, *node.args.kwonlyargs)]
    answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    flat = f"{word} {node.name}({', '.join(arguments)}){answer}"
    if len(flat) <= _WIDTH:
        return flat
    return f"{word} {node.name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){answer}"
