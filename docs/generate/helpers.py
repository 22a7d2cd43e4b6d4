"""The section of hooks.md about the helper functions of the SDK."""

import inspect

from scmhost import sdk

from .markdown import sentence
from .signatures import signature


def helpers() -> str:
    """Return the section: each function with its signature and its description."""
    functions = [getattr(sdk, name) for name in sdk.__all__ if inspect.isroutine(inspect.unwrap(getattr(sdk, name)))]
    return "\n".join(["## Helpers", "", *(_helper(function) for function in functions)])


def _helper(function: object) -> str:
    return f"```python\n{signature(function)}\n```\n\n{sentence(inspect.getdoc(function))}\n"
