"""The functions that plugins may import beside the hooks."""

import inspect

from scmhost import sdk

from .markdown import sentence
from .signatures import signature


def helpers() -> str:
    """The section: each function with its head and what it does."""
    functions = [getattr(sdk, name) for name in sdk.__all__ if inspect.isroutine(inspect.unwrap(getattr(sdk, name)))]
    return "\n".join(["## Helpers", "", *(_helper(function) for function in functions)])


def _helper(function: object) -> str:
    return f"```python\n{signature(function)}\n```\n\n{sentence(inspect.getdoc(function))}\n"
