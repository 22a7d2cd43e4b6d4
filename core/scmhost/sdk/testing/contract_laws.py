"""Laws of the plugin as a whole: its hooks, its providers, and what importing it does."""

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import pluggy

from scmhost.sdk import FEATURE_HOOKS, HOOK_PREFIX, PROJECT_NAME, PROMISES, hooks
from scmhost.sdk.hooks import ARGUMENTS

from .breaches import Breach, near, repeated
from .functions import HookFunction, unknown, unmarked
from .laws import IMPORTS, law
from .probe import MOST_MS, Probed
from .subject import SAMPLES_FIT, Subject


@law(
    IMPORTS,
    "The plugin is installed and can be imported.",
    help="in the plugin's folder: pip install --editable . after every change of its entry point",
)
def imports(subject: Subject) -> None:
    if subject.missing:
        raise Breach(subject.missing)


@law(
    SAMPLES_FIT,
    "The samples that the suite works with are ones that the provider's own models and hooks accept.",
    help="set settings, form, installation, provider or repository in your test class to what a user would give",
)
def samples_fit(subject: Subject) -> None:
    made = [subject.settings, subject.form] if subject.providers else []
    if made and subject.has("scm_install"):
        made.append(subject.installation)


@law(
    "hooks-fit",
    "Every function that looks like a hook is marked, is one that the contract has, and takes its arguments by name.",
    help="put @hookimpl above it, and take names of hooks and arguments from the reference",
)
def hooks_fit(subject: Subject) -> None:
    if inspect.isclass(subject.plugin):
        raise Breach("the plugin is a class; name an instance of it, or a module")
    for name, place in unmarked(subject.plugin).items():
        raise Breach(f"{name} ({place}) is not marked; did you forget @hookimpl?")
    for name, place in unknown(subject.plugin).items():
        raise Breach(f"{name} ({place}): the contract has no such hook{_meant(name, PROMISES)}")
    for item in subject.functions.values():
        for problem in _misfits(item):
            raise Breach(f"{item.hook} ({item.place}): {problem}")
    register = pluggy.PluginManager(PROJECT_NAME)
    register.add_hookspecs(hooks)
    try:
        register.register(subject.plugin, "subject")
        register.check_pending()
    except pluggy.PluginValidationError as error:
        raise Breach(" ".join(str(error).split())) from None
    if not subject.declared:
        raise Breach(f"it has no hook; name functions like {HOOK_PREFIX}register_providers and mark them")


@law(
    "colours-kept",
    "A pure hook is a plain function: it neither waits nor yields.",
    help="write def instead of async def; what has to wait belongs into an I/O hook",
)
def colours_kept(subject: Subject) -> None:
    for hook, item in subject.functions.items():
        waits = inspect.iscoroutinefunction(item.function) or inspect.isasyncgenfunction(item.function)
        if PROMISES[hook].colour == "pure" and waits:
            raise Breach(f"{hook} ({item.place}) is async, and the hook is pure")
        if inspect.isgeneratorfunction(item.function) or inspect.isasyncgenfunction(item.function):
            raise Breach(f"{hook} ({item.place}) yields; return one value")


@law(
    "promises-kept",
    "Every provider has a key of its own, scm_install, and the hooks that its features need.",
    help="write the hook, or promise less",
)
def promises_kept(subject: Subject) -> None:
    doubled = list(repeated(one.key for one in subject.providers))
    if doubled:
        raise Breach(f"provider {doubled[0]!r} is registered more than once")
    for provider in subject.providers:
        needed = {"scm_install": "every provider"}
        needed |= {hook: f"the feature {name.value!r}" for name in provider.features for hook in FEATURE_HOOKS[name]}
        for hook, why in sorted(needed.items()):
            if not subject.has(hook):
                raise Breach(f"provider {provider.key!r}: {why} needs {hook}")


@law(
    "sdk-only",
    "A plugin imports scmhost.sdk and nothing else of scmhost, neither in its files nor through others.",
    help="everything that a plugin may use is in scmhost.sdk; what is missing there is worth an issue",
)
def sdk_only(subject: Subject) -> None:
    for place, name in _foreign_imports(subject):
        raise Breach(f"{place} imports {name}")
    probed = subject.probed
    foreign = [name for name in probed.modules if _is_foreign(name)] if probed else []
    if foreign:
        raise Breach(f"importing {subject.module} also imports {foreign[0]}")


@law(
    "import-quick",
    f"Importing a plugin takes less than {MOST_MS:g} ms beyond the SDK.",
    help="import what is heavy inside the hook that needs it; python -X importtime tells what is",
)
def import_quick(subject: Subject) -> None:
    probed = subject.probed
    if probed and not probed.ended and probed.ms > MOST_MS:
        raise Breach(f"importing {subject.module} took {probed.ms:.0f} ms in the quickest of several runs")


@law(
    "import-quiet",
    "Importing a plugin prints nothing, starts no thread, opens no connection and ends no process.",
    help="do nothing at module level but define; begin work in scm_startup",
)
def import_quiet(subject: Subject) -> None:
    probed = subject.probed
    found = next(_noises(probed), None) if probed else None
    if found:
        raise Breach(f"importing {subject.module} in a fresh process: {found}")


LAWS: Final = (imports, samples_fit, hooks_fit, colours_kept, promises_kept, sdk_only, import_quick, import_quiet)


def _misfits(item: HookFunction) -> Iterator[str]:
    """Why a function cannot be called. An argument with a default may be of a later version."""
    if item.is_wrapper:
        yield "wrappers around other plugins' hooks are not allowed; write a plain @hookimpl"
    for one in inspect.signature(item.function).parameters.values():
        if one.kind is not one.POSITIONAL_OR_KEYWORD:
            yield f"{str(one).partition(':')[0]!r} is not passed by name alone; leave out /, * and **"
        elif one.default is one.empty and one.name not in item.wants:
            yield f"the hook has no argument {one.name!r}{_meant(one.name, ARGUMENTS[item.hook])}"


def _meant(name: str, known: Iterable[str]) -> str:
    near_names = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near_names[0]!r}?" if near_names else ""


def _noises(probed: Probed) -> Iterator[str]:
    if probed.ended:
        yield probed.ended
    if probed.printed:
        yield f"it printed {probed.printed.splitlines()[0]!r}"
    if probed.threads:
        yield f"{probed.threads} threads were left running"
    if probed.connections:
        yield f"it opened a connection to {probed.connections[0]}"


def _is_foreign(name: str) -> bool:
    """Whether a module is of scmhost and not for plugins."""
    if name == "scmhost" or not name.startswith("scmhost."):
        return False
    return not (name == "scmhost.sdk" or name.startswith("scmhost.sdk.")) or name.startswith("scmhost.sdk.testing")


def _foreign_imports(subject: Subject) -> Iterator[tuple[str, str]]:
    for path in _files(subject.module) if subject.module else ():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported(node):
                if name == "scmhost" or _is_foreign(name):
                    yield f"{near(str(path))}:{getattr(node, 'lineno', 1)}", name


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
        return []
    # "from scmhost import sdk" is fine, and so is what it imports.
    return [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "scmhost" else [node.module]


def _files(module: str) -> list[Path]:
    """The files of the topmost regular package that a module is in; else its own file."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        file = getattr(importlib.import_module(".".join(parts[:count])), "__file__", None)
        if file and Path(file).name == "__init__.py":
            return sorted(Path(file).parent.rglob("*.py"))
        if file:
            return [Path(file)]
    return []
