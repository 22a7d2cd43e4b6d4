"""docs/hooks.md, from scmhost.sdk."""

import inspect
from collections.abc import Iterator
from typing import Final

from scmhost.sdk import (
    API_VERSION,
    FEATURE_HOOKS,
    NEXT_STEP,
    PROMISES,
    HookPromise,
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

from .helpers import helpers
from .markdown import code, prose, sentence, table
from .signatures import signature
from .tokens import token_rows
from .values import values

_HEAD: Final = f"""\
# Hooks

This page is generated from `scmhost.sdk`, the contract in version {API_VERSION}. [plugin-authors.md](plugin-authors.md)
says how to begin and what the laws are.

- **Colour.** *pure*: a plain function of its values. *I/O*: may wait for a disk or a network, may be `async def`.
- **Audience.** *plugin*: asked once, at admission. *provider*: only the plugin that registered the provider is
  called. *listeners*: all plugins that have the hook are told.
- **Budget.** How long one call may take. A call over budget is a fault of the plugin.
"""
_COLOURS: Final = {"pure": "pure", "io": "I/O"}


def hooks_page() -> str:
    """The whole page."""
    sections = (
        _HEAD,
        _overview(),
        *(_hook(promise) for promise in PROMISES.values()),
        _features(),
        values(),
        _reasons(),
        _errors(),
        _presets(),
        _templates(),
        helpers(),
    )
    return "\n".join(sections)


def _overview() -> str:
    rows = [
        (f"[`{item.name}`](#{item.name})", _COLOURS[item.colour], item.audience, _budget(item))
        for item in PROMISES.values()
    ]
    return table(("hook", "colour", "audience", "budget"), rows)


def _hook(promise: HookPromise) -> str:
    function = getattr(hooks, promise.name)
    facts = f"{_COLOURS[promise.colour]}, {promise.audience}, {_budget(promise)}"
    head = f"## {promise.name}\n\n```python\n{signature(function)}\n```"
    return f"{head}\n\n*{facts}*\n\n{prose(inspect.getdoc(function))}\n"


def _budget(promise: HookPromise) -> str:
    return f"{promise.budget:g} s"


def _features() -> str:
    rows = [
        (code(feature.value), f"`Feature.{feature.name}`", ", ".join(map(code, needed)))
        for feature, needed in FEATURE_HOOKS.items()
    ]
    text = (
        "What a provider may promise, and the hooks without which the promise is refused at admission. Every provider\n"
    )
    return f"## Features\n\n{text}needs `scm_install`.\n\n{table(('feature', 'name', 'hooks that it needs'), rows)}"


def _reasons() -> str:
    rows = [(code(reason.value), f"`Reason.{reason.name}`", NEXT_STEP[reason]) for reason in Reason]
    text = "Why there is no link: the whole list. A plugin names one in `NoUrl`.\n"
    return f"## Reasons\n\n{text}\n{table(('reason', 'name', 'next step'), rows)}"


def _errors() -> str:
    kinds: tuple[type[Exception], ...] = (ProviderError, *ProviderError.__subclasses__(), TemplateError, UrlError)
    rows = [(code(kind.__name__), sentence(kind.__doc__)) for kind in kinds]
    text = "What a plugin raises when it cannot answer. A normal no is a value: `Refusal`, `NoUrl`, an empty list.\n"
    return f"## Errors\n\n{text}\n{table(('error', 'when'), rows)}"


def _presets() -> str:
    rows = [_preset_row(preset(kind)) for kind in preset_kinds()]
    text = (
        'Templates of known kinds of code host: `preset("gitea").pages`. How sure they are: *high* is tested\n'
        "by peers, *low* is from memory.\n"
    )
    return f"## Presets\n\n{text}\n{table(('kind', 'host', 'a file at a commit', 'lines', 'how sure'), rows)}"


def _preset_row(known: Preset) -> tuple[str, ...]:
    file, lines = code(known.pages.view_for("commit") or ""), known.pages.anchor
    return code(known.kind), known.name, file, code(lines) if lines else "", known.confidence


def _templates() -> str:
    text = prose(inspect.getdoc(template_language))
    tokens = table(("token", "what it stands for"), token_rows())
    filters = table(("filter", "what it does"), _filter_rows())
    return f"## Templates\n\n{text}\n\n{tokens}\n{filters}"


def _filter_rows() -> Iterator[tuple[str, str]]:
    for name, function in FILTERS.items():
        yield code(name), sentence(inspect.getdoc(function))
