"""Checks of the plugin as a whole: its hooks, its providers, and the effects of importing it."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pluggy

from scmhost.sdk import FEATURE_HOOKS, HOOK_SPECS, PROJECT_NAME, hooks
from scmhost.sdk.validation import ARGUMENTS, did_you_mean, unusable_object

from .calls import PluginFunction, has_marks, marking_problems
from .checks import IMPORTS, NothingToCheck, Violation, check, duplicates, relative_path
from .observe import MAX_IMPORT_MS, ImportEffects
from .plugin_under_test import MODELS_FIT, SAMPLES_FIT, PluginUnderTest


@check(
    IMPORTS,
    "The plugin is installed and can be imported.",
    help="in the plugin's folder: pip install --editable . after every change of its entry point",
)
def imports(plugin: PluginUnderTest) -> None:
    if plugin.load_error:
        raise Violation(plugin.load_error)


@check(
    SAMPLES_FIT,
    "The provider's models and hooks accept the samples of the suite.",
    help="set settings, form, installation, provider or repository in your test class to realistic values",
)
def samples_fit(plugin: PluginUnderTest) -> None:
    _ = plugin.settings, plugin.form
    if plugin.has("scm_install"):
        _ = plugin.installation


@check(
    "hooks-fit",
    "Every function that is named like a hook is marked, exists in the contract, and takes its arguments by name.",
    help="put @hookimpl above it, and take names of hooks and arguments from the reference",
)
def hooks_fit(plugin: PluginUnderTest) -> None:
    unusable = unusable_object(plugin.implementation, has_hooks=has_marks(plugin.attributes))
    if unusable:
        raise Violation(f"the entry point names {unusable}")
    for problem in marking_problems(plugin.attributes):
        raise Violation(problem)
    for function in plugin.functions.values():
        for problem in _signature_problems(function):
            raise Violation(f"{function.hook} ({function.location}): {problem}")
    # The checks above have clearer messages, but pluggy decides in the end.
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hooks)
    try:
        manager.register(plugin.implementation, "plugin")
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        # pluggy's messages have several lines.
        raise Violation(" ".join(str(error).split())) from None


@check(
    "hook-kinds",
    "A pure hook is a plain function, and no hook is a generator.",
    help="write def instead of async def; move waiting code into an I/O hook",
)
def hook_kinds(plugin: PluginUnderTest) -> None:
    for hook, item in plugin.functions.items():
        is_async = inspect.iscoroutinefunction(item.function) or inspect.isasyncgenfunction(item.function)
        if HOOK_SPECS[hook].kind == "pure" and is_async:
            raise Violation(f"{hook} ({item.location}) is async, and the hook is pure")
        if inspect.isgeneratorfunction(item.function) or inspect.isasyncgenfunction(item.function):
            raise Violation(f"{hook} ({item.location}) yields; return one value")


@check(
    "provider-hooks",
    "Every provider has a key of its own, scm_install, and the hooks that its features need.",
    help="implement the hook, or leave the feature out",
)
def provider_hooks(plugin: PluginUnderTest) -> None:
    if not plugin.providers:
        raise NothingToCheck("the plugin registers no provider")
    for key in duplicates(one.key for one in plugin.providers):
        raise Violation(f"provider {key!r} is registered more than once")
    for provider in plugin.providers:
        needed = {"scm_install": "every provider"}
        needed |= {hook: f"the feature {name.value!r}" for name in provider.features for hook in FEATURE_HOOKS[name]}
        for hook, why in sorted(needed.items()):
            if not plugin.has(hook):
                raise Violation(f"provider {provider.key!r}: {why} needs {hook}")


@check(
    MODELS_FIT,
    "The install form, the configuration and the settings of a provider have a JSON Schema.",
    help="give the fields types that JSON has, and keep clients and callables out of the models",
    hooks=("scm_register_providers",),
)
def models_fit(plugin: PluginUnderTest) -> None:
    for problem in plugin.model_problems:
        raise Violation(problem)


@check(
    "sdk-only",
    "A plugin imports scmhost.sdk and nothing else of scmhost, directly or indirectly.",
    help="use scmhost.sdk only, and report what it lacks as an issue",
)
def sdk_only(plugin: PluginUnderTest) -> None:
    _import_effects(plugin)
    for place, name in _internal_imports(plugin):
        raise Violation(f"{place} imports {name}")
    for name in filter(_is_internal, plugin.import_effects.modules if plugin.import_effects else ()):
        raise Violation(f"importing {plugin.module} also imports {name}")


@check(
    "import-quick",
    f"Importing a plugin takes less than {MAX_IMPORT_MS:g} ms beyond the SDK.",
    help="import heavy modules inside the hook that needs them; python -X importtime finds them",
)
def import_quick(plugin: PluginUnderTest) -> None:
    effects = _import_effects(plugin)
    if effects.ended:
        raise NothingToCheck(effects.ended)
    if effects.ms > MAX_IMPORT_MS:
        raise Violation(f"importing {plugin.module} took {effects.ms:.0f} ms in the fastest of several runs")


@check(
    "import-quiet",
    "Importing a plugin prints nothing, starts no thread, opens no connection and does not end the process.",
    help="only define things at module level; start work in scm_startup",
)
def import_quiet(plugin: PluginUnderTest) -> None:
    for effect in _visible_effects(_import_effects(plugin)):
        raise Violation(f"importing {plugin.module} in a fresh process: {effect}")


@check(
    "import-changes-nothing",
    "Importing a plugin changes nothing in its process: no environment variable, no search path, no default of sockets "
    "or logging.",
    help="pass timeouts to your client, and configure nothing at module level: the process belongs to the host",
)
def import_changes_nothing(plugin: PluginUnderTest) -> None:
    effects = _import_effects(plugin)
    if effects.ended:
        raise NothingToCheck(effects.ended)
    for change in effects.changes:
        raise Violation(f"importing {plugin.module} in a fresh process {change}")


CHECKS: Final = (
    imports,
    samples_fit,
    hooks_fit,
    hook_kinds,
    provider_hooks,
    models_fit,
    sdk_only,
    import_quick,
    import_quiet,
    import_changes_nothing,
)


def _import_effects(plugin: PluginUnderTest) -> ImportEffects:
    if plugin.import_effects is None:
        raise NothingToCheck("the plugin is in no module that another process can import")
    return plugin.import_effects


def _signature_problems(item: PluginFunction) -> Iterator[str]:
    if item.is_wrapper:
        yield "wrappers around other plugins' hooks are not allowed; write a plain @hookimpl"
    for one in inspect.signature(item.function).parameters.values():
        if one.kind is not one.POSITIONAL_OR_KEYWORD:
            yield f"{str(one).partition(':')[0]!r} cannot be passed by name; remove /, * and **"
        # An argument with a default may belong to a later version of the contract.
        elif one.default is one.empty and one.name not in item.arguments:
            yield f"the hook has no argument {one.name!r}; {did_you_mean(one.name, ARGUMENTS[item.hook])}"


def _visible_effects(effects: ImportEffects) -> Iterator[str]:
    if effects.ended:
        yield effects.ended
    if effects.printed:
        yield f"it printed {effects.printed.splitlines()[0]!r}"
    if effects.threads:
        yield f"{effects.threads} threads were left running"
    if effects.connections:
        yield f"it opened a connection to {effects.connections[0]}"


def _is_internal(name: str) -> bool:
    """Return whether a module belongs to scmhost and is not for plugins."""
    if name == "scmhost" or not name.startswith("scmhost."):
        return False
    return not f"{name}.".startswith("scmhost.sdk.") or name.startswith("scmhost.sdk.testing")


def _internal_imports(plugin: PluginUnderTest) -> Iterator[tuple[str, str]]:
    # From the source, because an import inside a function happens late or never.
    for path in _source_files(plugin.module) if plugin.module else ():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported_names(node):
                if name == "scmhost" or _is_internal(name):
                    yield f"{relative_path(str(path))}:{getattr(node, 'lineno', 1)}", name


def _imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
        return []
    # "from scmhost import sdk" is allowed.
    return [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "scmhost" else [node.module]


def _source_files(module: str) -> list[Path]:
    """Return the files of the topmost regular package of a module, else its own file."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        file = getattr(importlib.import_module(".".join(parts[:count])), "__file__", None)
        if file and Path(file).name == "__init__.py":
            return sorted(Path(file).parent.rglob("*.py"))
        if file:
            return [Path(file)]
    return []
