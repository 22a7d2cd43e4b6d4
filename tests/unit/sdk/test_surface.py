"""What plugin authors may import."""

import inspect
from types import ModuleType

import pytest

from scmhost import sdk
from scmhost.sdk import NEXT_STEP, Reason, hooks


def test_surface_is_deliberate() -> None:
    """A name becomes public only by being written down, and what is written down is there."""
    imported = {name for name, value in vars(sdk).items() if not name.startswith("_") and not _is_room(value)}
    assert imported | {"escaping"} == set(sdk.__all__)


def test_surface_is_sorted() -> None:
    """Constants, classes and functions stand in groups, each in alphabetical order."""
    groups = [(not name.isupper(), not name[0].isupper(), name) for name in sdk.__all__]
    assert sorted(groups) == groups


@pytest.mark.parametrize(
    "name", [name for name in sdk.__all__ if inspect.isclass(vars(sdk)[name]) or inspect.isroutine(vars(sdk)[name])]
)
def test_public_names_have_docstrings(name: str) -> None:
    """Whoever looks a name up finds what it is for."""
    assert inspect.getdoc(vars(sdk)[name])


@pytest.mark.parametrize("promise", sdk.PROMISES.values(), ids=lambda promise: promise.name)
def test_hooks_have_docstrings(promise: sdk.HookPromise) -> None:
    """Every hook of the contract says what it is for."""
    assert inspect.getdoc(getattr(hooks, promise.name))


def test_every_reason_has_a_next_step() -> None:
    """Nobody is left with a missing link and no idea what to do."""
    assert set(Reason) == set(NEXT_STEP)
    assert all(step.endswith(".") for step in NEXT_STEP.values())


def _is_room(value: object) -> bool:
    return isinstance(value, ModuleType)
