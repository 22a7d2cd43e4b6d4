"""The contract with plugins does not change by accident.

contract.json is what plugins are written against. To change the contract on purpose: change the hooks, raise
``API_VERSION`` (its docstring says when MINOR and when MAJOR), run ``python tests/contract/test_contract.py``, and
commit the new contract.json with a line in CHANGELOG.md.
"""

import ast
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any, Final

from scmhost.sdk import API_VERSION, FEATURE_HOOKS, HOOK_PREFIX, PROMISES, hooks

LOCK: Final = Path(__file__).with_name("contract.json")


def current() -> dict[str, Any]:
    """The contract as the code has it."""
    functions = [node for node in ast.parse(inspect.getsource(hooks)).body if isinstance(node, ast.FunctionDef)]
    return {
        "api_version": API_VERSION,
        "features": {feature.value: list(needed) for feature, needed in FEATURE_HOOKS.items()},
        "hooks": {function.name: _hook(function) for function in functions if function.name in PROMISES},
    }


def _hook(function: ast.FunctionDef) -> dict[str, Any]:
    promise = PROMISES[function.name]
    return {
        "parameters": {item.arg: ast.unparse(item.annotation) for item in function.args.args if item.annotation},
        "returns": ast.unparse(function.returns) if function.returns else None,
        "colour": promise.colour,
        "audience": promise.audience,
        "budget": promise.budget,
        "docs": hashlib.sha256((ast.get_docstring(function) or "").encode()).hexdigest()[:16],
    }


def test_contract_is_the_locked_one() -> None:
    """Hooks, their arguments, results, colours, budgets and words are those that plugins were promised."""
    assert current() == json.loads(LOCK.read_text(encoding="utf-8")), "see the top of this file for how to change it"


def test_every_hook_is_promised() -> None:
    """A hook without a colour, an audience and a budget cannot be called."""
    named = {name for name in vars(hooks) if name.startswith(HOOK_PREFIX)}
    assert named == set(PROMISES)


def test_every_argument_is_annotated() -> None:
    """A plugin's author sees the type of everything that a hook gets and gives."""
    for name, hook in current()["hooks"].items():
        assert set(hook["parameters"]) == set(inspect.signature(getattr(hooks, name)).parameters)
        assert hook["returns"] is not None


def test_features_need_hooks_that_exist() -> None:
    """What a feature needs is a hook of a provider."""
    needed = {hook for hooks_of_feature in FEATURE_HOOKS.values() for hook in hooks_of_feature}
    assert {PROMISES[hook].audience for hook in needed} == {"provider"}


if __name__ == "__main__":
    LOCK.write_text(json.dumps(current(), indent=2) + "\n", encoding="utf-8")
