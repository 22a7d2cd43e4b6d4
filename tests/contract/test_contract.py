"""The contract with plugins does not change by accident.

contract.json is the contract that plugins are written for. To change the contract on purpose: change the hooks, raise
``API_VERSION`` (its docstring has the rules for MINOR and MAJOR), run ``python tests/contract/test_contract.py``, and
commit the new contract.json with a line in CHANGELOG.md.
"""

import ast
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any, Final

from scmhost.sdk import API_VERSION, FEATURE_HOOKS, HOOK_PREFIX, HOOK_SPECS, PROMISES, HookPromise, HookSpec, hooks

LOCK: Final = Path(__file__).with_name("contract.json")


def current() -> dict[str, Any]:
    """Return the contract in the code."""
    functions = [node for node in ast.parse(inspect.getsource(hooks)).body if isinstance(node, ast.FunctionDef)]
    return {
        "api_version": API_VERSION,
        "features": {feature.value: list(needed) for feature, needed in FEATURE_HOOKS.items()},
        "hooks": {function.name: _hook(function) for function in functions if function.name in HOOK_SPECS},
    }


def _hook(function: ast.FunctionDef) -> dict[str, Any]:
    spec = HOOK_SPECS[function.name]
    return {
        "parameters": {item.arg: ast.unparse(item.annotation) for item in function.args.args if item.annotation},
        "returns": ast.unparse(function.returns) if function.returns else None,
        "colour": spec.kind,
        "audience": spec.audience,
        "budget": spec.budget,
        "docs": hashlib.sha256((ast.get_docstring(function) or "").encode()).hexdigest()[:16],
    }


def test_contract_is_the_locked_one() -> None:
    """Hooks, arguments, results, kinds, budgets and descriptions are those of the locked contract."""
    assert current() == json.loads(LOCK.read_text(encoding="utf-8")), "see the top of this file for how to change it"


def test_every_hook_has_a_spec() -> None:
    """Each hook has a kind, an audience and a budget."""
    named = {name for name in vars(hooks) if name.startswith(HOOK_PREFIX)}
    assert named == set(HOOK_SPECS)


def test_every_argument_is_annotated() -> None:
    """Each argument and result of a hook has a type."""
    for name, hook in current()["hooks"].items():
        assert set(hook["parameters"]) == set(inspect.signature(getattr(hooks, name)).parameters)
        assert hook["returns"] is not None


def test_features_need_hooks_that_exist() -> None:
    """The hooks that a feature requires are hooks of a provider."""
    needed = {hook for hooks_of_feature in FEATURE_HOOKS.values() for hook in hooks_of_feature}
    assert {HOOK_SPECS[hook].audience for hook in needed} == {"provider"}


def test_first_names_of_hook_specs_still_work() -> None:
    """Plugins for contract 1.1 may use the names that were published first."""
    assert (PROMISES, HookPromise) == (HOOK_SPECS, HookSpec)
    assert all(spec.colour == spec.kind for spec in HOOK_SPECS.values())


if __name__ == "__main__":
    LOCK.write_text(json.dumps(current(), indent=2) + "\n", encoding="utf-8")
