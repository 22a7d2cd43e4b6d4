"""Sections about classes that are no values of the contract: their fields, methods and signatures."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from textwrap import dedent
from typing import Any, Final

from pydantic import BaseModel

from scmhost.sdk import (
    ApiAnswer,
    ApiClient,
    ApiCommit,
    ApiContent,
    ApiFile,
    ApiRepository,
    BodyPages,
    CommitLimits,
    HostInstance,
    HostRepository,
    OAuthApp,
    OAuthClient,
)

from .markdown import code, prose, sentence, table
from .values import attributes_of, before_attributes

_WIDTH: Final = 100
# For tests of the client itself.
_HIDDEN: Final = {"self", "cls", "resolver"}
_PARTS: Final = ("Args:", "Raises:", "Returns:")

_CLASSES: Final = (
    *(ApiClient, ApiAnswer, BodyPages),
    *(OAuthApp, OAuthClient, HostInstance),
    *(HostRepository, ApiRepository),
    *(ApiCommit, ApiFile, ApiContent, CommitLimits),
)


def client() -> str:
    """Return the section of hooks.md about the client for REST APIs."""
    text = "For hosts with a REST API. [The tutorial](plugin-authors.md#6-call-your-host) has an example.\n"
    return "\n".join(["## REST client", "", text, *(class_section(kind) for kind in _CLASSES)])


def class_section(kind: type) -> str:
    """Return a heading, the description, the fields and the methods of a class."""
    parts = [f"### {kind.__name__}\n\n{prose(before_attributes(kind))}\n"]
    rows = [(code(name), _default(kind, name), text) for name, text in attributes_of(kind).items()]
    if rows:
        parts.append(table(("field", "default", ""), rows))
    return "\n".join([*parts, *_members(kind)])


def _default(kind: type, name: str) -> str:
    if issubclass(kind, BaseModel) and name in kind.model_fields:
        field = kind.model_fields[name]
        return "" if field.is_required() else code(repr(field.default))
    if not is_dataclass(kind):
        return code(repr(getattr(kind, name)))
    default = next(field.default for field in fields(kind) if field.name == name)
    return "" if default is MISSING else code(repr(default))


def _members(kind: type) -> Iterator[str]:
    if "__init__" in vars(kind) and not is_dataclass(kind):
        yield f"```python\n{_signature(vars(kind)['__init__'], kind.__name__)}\n```\n"
    for name, member in vars(kind).items():
        member = member.__func__ if isinstance(member, classmethod) else member  # noqa: PLW2901 - the function in it
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        if isinstance(member, property):
            yield f"`{name}`: {_text(member.fget)}\n"
        else:
            yield f"```python\n{_signature(member)}\n```\n\n{_text(member)}\n"


def _text(function: Any) -> str:
    """Return a description: paragraphs, and the arguments as a list."""
    lines = prose(inspect.getdoc(function)).splitlines()
    begin = next((number for number, line in enumerate(lines) if line in _PARTS), len(lines))
    text = "\n".join(lines[:begin]).rstrip()
    given = lines[begin + 1 : next((n for n, line in enumerate(lines) if n > begin and line in _PARTS), len(lines))]
    has_arguments = begin < len(lines) and lines[begin] == "Args:"
    listed = [f"- `{name}`: {about}" for name, about in _listed(given)] if has_arguments else []
    return "\n".join([text, "", *listed]) if listed else text


def _listed(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in filter(None, lines):
        name, _, about = line.strip().partition(": ")
        yield name, about


def _signature(function: Any, name: str = "") -> str:
    node = ast.parse(dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - of a method
    arguments = [one for one in _arguments(node.args) if one.partition(":")[0] not in _HIDDEN]
    answer = f" -> {ast.unparse(node.returns)}" if node.returns and not name else ""
    begin = name or f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}def {node.name}"
    flat = f"{begin}({', '.join(arguments)}){answer}"
    if len(flat) <= _WIDTH:
        return flat
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"{begin}(\n{lines}){answer}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    """Yield the arguments as they are written, with their defaults."""
    defaults = [None] * (len(given.args) - len(given.defaults)) + [*given.defaults]
    for argument, default in zip(given.args, defaults, strict=True):
        yield _argument(argument, default)
    if given.vararg:
        yield f"*{ast.unparse(given.vararg)}"
    elif given.kwonlyargs:
        yield "*"
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(argument, default)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + (f" = {ast.unparse(default)}" if default else "")


def samples(*kinds: type) -> str:
    """Return the sections about classes whose values an author writes, without methods."""
    return "\n".join(_sample(kind) for kind in kinds)


def _sample(kind: type) -> str:
    rows = [(code(name), _default(kind, name), text) for name, text in attributes_of(kind).items()]
    head = f"### {kind.__name__}\n\n{sentence(before_attributes(kind))}\n"
    return f"{head}\n{table(('field', 'default', ''), rows)}" if rows else head
