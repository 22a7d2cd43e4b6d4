"""The heads of functions, as their source writes them."""

import ast
import inspect
from typing import Any, Final

_WIDTH: Final = 100
"""What a page shows without scrolling."""


def signature(function: Any) -> str:
    """A function's head as its source writes it, one argument a line where it is long."""
    node = ast.parse(inspect.getsource(inspect.unwrap(function))).body[0]
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 - hooks and helpers are functions
    arguments = [ast.unparse(argument) for argument in (*node.args.args, *node.args.kwonlyargs)]
    answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    flat = f"def {node.name}({', '.join(arguments)}){answer}"
    if len(flat) <= _WIDTH:
        return flat
    return f"def {node.name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){answer}"
