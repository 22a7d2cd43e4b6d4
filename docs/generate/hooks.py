"""Render docs/hooks.md from scmhost.sdk."""

import inspect
from collections.abc import Iterator
from typing import Final

from scmhost.sdk import (
    API_VERSION,
    FEATURE_HOOKS,
    HOOK_SPECS,
    NEXT_STEP,
    HookSpec,
    Preset,
    ProviderError,
    Reason,
    TemplateError,
    UrlError,
    hooks,
    preset,
    preset_kinds,
)
from scmhost.sdk.urls import templates as template_language
from scmhost.sdk.urls.escaping import FILTERS

from .classes import client
from .helpers import helpers
from .markdown import code, prose, sentence, table
from .signatures import signature
from .tokens import token_rows
from .values import values

_HEAD: Final = f"""\
# Hooks

Reference of the plugin contract, version {API_VERSION}, generated from `scmhost.sdk`.
[plugin-authors.md](plugin-authors.md) is the tutorial.

- **Kind.** *pure*: a plain function of its arguments, without I/O. *I/O*: may wait for a disk or a network, and may be
  `async def`.
- **Called on.** *plugin*: once, when the plugin is loaded. *provider*: only on the plugin that registered the provider.
  *listeners*: on all plugins that implement the hook.
- **Budget.** The longest time that one call may take. A call that exceeds it is a fault of the plugin.
"""
_KINDS: Final = {"pure": "pure", "io": "I/O"}


def hooks_page() -> str:
    """Return the page."""
    sections = (
        _HEAD,
        _overview(),
        *(_hook(spec) for spec in HOOK_SPECS.values()),
        _features(),
        values(),
        _reasons(),
        _errors(),
        _presets(),
        _templates(),
        helpers(),
        client(),
    )
    return "\n".join(sections)


def _overview() -> str:
    rows = [
        (f"[`{item.name}`](#{item.name})", _KINDS[item.kind], item.audience, _budget(item))
        for item in HOOK_SPECS.values()
    ]
    return table(("hook", "kind", "called on", "budget"), rows)


def _hook(spec: HookSpec) -> str:
    function = getattr(hooks, spec.name)
    facts = f"{_KINDS[spec.kind]}, {spec.audience}, {_budget(spec)}"
    head = f"## {spec.name}\n\n```python\n{signature(function)}\n```"
    return f"{head}\n\n*{facts}*\n\n{prose(inspect.getdoc(function))}\n"


def _budget(spec: HookSpec) -> str:
    return f"{spec.budget:g} s"


def _features() -> str:
    rows = [
        (code(feature.value), f"`Feature.{feature.name}`", ", ".join(map(code, needed)))
        for feature, needed in FEATURE_HOOKS.items()
    ]
    text = (
        "What a provider can declare, and the hooks that each feature requires. A provider without them is rejected.\n"
        "Every provider requires `scm_install`.\n"
    )
    return f"## Features\n\n{text}\n{table(('feature', 'name', 'required hooks'), rows)}"


def _reasons() -> str:
    rows = [(code(reason.value), f"`Reason.{reason.name}`", NEXT_STEP[reason]) for reason in Reason]
    text = "All reasons why there is no link. A plugin returns one in `NoUrl`.\n"
    return f"## Reasons\n\n{text}\n{table(('reason', 'name', 'next step'), rows)}"


def _errors() -> str:
    kinds: tuple[type[Exception], ...] = (*_with_subclasses(ProviderError), TemplateError, UrlError)
    rows = [(code(kind.__name__), sentence(kind.__doc__)) for kind in kinds]
    text = "Exceptions for failures. A negative answer is a value: `Refusal`, `NoUrl`, an empty list.\n"
    return f"## Errors\n\n{text}\n{table(('error', 'when'), rows)}"


def _with_subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        # The host has subclasses of its own.
        if one.__module__ == kind.__module__:
            yield from _with_subclasses(one)


def _presets() -> str:
    rows = [_preset_row(preset(kind)) for kind in preset_kinds()]
    text = (
        'Templates for known kinds of code host: `preset("gitea").pages`. Confidence *high* means tested against\n'
        "other implementations, *low* means written from memory.\n"
    )
    return f"## Presets\n\n{text}\n{table(('kind', 'host', 'file at a commit', 'lines', 'confidence'), rows)}"


def _preset_row(known: Preset) -> tuple[str, ...]:
    file, lines = code(known.pages.view_for("commit") or ""), known.pages.anchor
    return code(known.kind), known.name, file, code(lines) if lines else "", known.confidence


def _templates() -> str:
    text = prose(inspect.getdoc(template_language))
    tokens = table(("token", "meaning"), token_rows())
    filters = table(("filter", "effect"), _filter_rows())
    return f"## Templates\n\n{text}\n\n{tokens}\n{filters}"


def _filter_rows() -> Iterator[tuple[str, str]]:
    for name, function in FILTERS.items():
        yield code(name), sentence(inspect.getdoc(function))
