"""docs/laws.md, from scmhost.sdk.testing."""

from typing import Final

from scmhost.sdk import API_VERSION
from scmhost.sdk.testing import LAWS, Law

from .markdown import code, table

_HEAD: Final = f"""\
# The laws of the contract

This page is generated from `scmhost.sdk.testing`, the conformance suite of the contract in version {API_VERSION}.
[plugin-authors.md](plugin-authors.md) says how to run it.

Each law has a name that stays, one sentence, and the way to keep it. It is asked of every plugin, or of those that have
one of its hooks. A plugin that has no such hook does not declare the capability; that is no fault.
"""


def laws_page() -> str:
    """The whole page."""
    rows = [(code(law.name), law.sentence, f"{law.help[:1].upper()}{law.help[1:]}.", _asked_of(law)) for law in LAWS]
    return f"{_HEAD}\n{table(('law', 'what holds', 'how to keep it', 'asked of'), rows)}"


def _asked_of(law: Law) -> str:
    return (" and " if law.together else ", ").join(map(code, law.hooks)) or "every plugin"
