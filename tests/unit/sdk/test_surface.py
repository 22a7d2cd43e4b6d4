"""What plugin authors may import."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from scmhost import sdk
from scmhost.sdk import NEXT_STEP, Reason, hooks


@pytest.mark.parametrize("package", [sdk], ids=lambda package: package.__name__)
def test_surface_is_deliberate(package: ModuleType) -> None:
    """What is written down is there, for people and for type checkers alike, and nothing else is."""
    assert package.__file__
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    for_checkers = next(node for node in tree.body if isinstance(node, ast.If))
    told = {alias.name for node in for_checkers.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    # A module that is imported takes the place of the name that is called like it.
    assert not {path.stem for path in Path(package.__file__).parent.iterdir()} & set(package.__all__) - {"escaping"}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018 - asking is the point


def test_surface_is_sorted() -> None:
    """Constants, classes and functions stand in groups, each in alphabetical order."""
    groups = [(not name.isupper(), not name[0].isupper(), name) for name in sdk.__all__]
    assert sorted(groups) == groups


@pytest.mark.parametrize(
    "name",
    [name for name in sdk.__all__ if inspect.isclass(getattr(sdk, name)) or inspect.isroutine(getattr(sdk, name))],
)
def test_public_names_have_docstrings(name: str) -> None:
    """Whoever looks a name up finds what it is for."""
    assert inspect.getdoc(getattr(sdk, name))


@pytest.mark.parametrize("promise", sdk.PROMISES.values(), ids=lambda promise: promise.name)
def test_hooks_have_docstrings(promise: sdk.HookPromise) -> None:
    """Every hook of the contract says what it is for."""
    assert inspect.getdoc(getattr(hooks, promise.name))


def test_every_reason_has_a_next_step() -> None:
    """Nobody is left with a missing link and no idea what to do."""
    assert set(Reason) == set(NEXT_STEP)
    assert all(step.endswith(".") for step in NEXT_STEP.values())
