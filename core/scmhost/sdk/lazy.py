"""Import the names of a package from its modules on first use.

This pays where a package has light and heavy modules: ``scmhost link`` starts without pydantic, whose import takes
longer than the whole command.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a package.

    Args:
        package: the package's full name.
        names: by module, relative to the package, the names that it defines.
    """
    modules = {name: module for module, defined in names.items() for name in defined}

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
