"""The public names of the SDK."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from scmhost import sdk
from scmhost.sdk import NEXT_STEP, Reason, hooks


@pytest.mark.parametrize("package", [sdk], ids=lambda package: package.__name__)
def test_surface_is_deliberate(package: ModuleType) -> None:
    """The names in ``__all__`` are those that type checkers see, and each can be imported."""
    assert package.__file__
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    for_checkers = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {alias.name for node in for_checkers.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert declared == set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    # An imported module would replace a public name of the same name.
    assert not {path.stem for path in Path(package.__file__).parent.iterdir()} & set(package.__all__) - {"escaping"}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018 - the access is the test


def test_surface_is_sorted() -> None:
    """Constants, classes and functions are in groups, each in alphabetical order."""
    groups = [(not name.isupper(), not name[0].isupper(), name) for name in sdk.__all__]
    assert sorted(groups) == groups


@pytest.mark.parametrize(
    "name",
    [name for name in sdk.__all__ if inspect.isclass(getattr(sdk, name)) or inspect.isroutine(getattr(sdk, name))],
)
def test_public_names_have_docstrings(name: str) -> None:
    """Each public class and function has a docstring."""
    assert inspect.getdoc(getattr(sdk, name))


@pytest.mark.parametrize("spec", sdk.HOOK_SPECS.values(), ids=lambda spec: spec.name)
def test_hooks_have_docstrings(spec: sdk.HookSpec) -> None:
    """Each hook of the contract has a docstring."""
    assert inspect.getdoc(getattr(hooks, spec.name))


def test_every_reason_has_a_next_step() -> None:
    """For each reason there is a next step of whole sentences."""
    assert set(Reason) == set(NEXT_STEP)
    assert all(step.endswith(".") for step in NEXT_STEP.values())
