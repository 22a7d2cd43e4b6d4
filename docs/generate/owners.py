"""The tables of the dialects of CODEOWNERS, from the cases that the tests read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scmhost.owners import PLACES, OwnersDialect

from .markdown import code, table

_CASES: Final = Path(__file__).parents[2] / "tests" / "cases" / "owners" / "patterns"
_NAMES: Final[Mapping[OwnersDialect, str]] = {
    OwnersDialect.GITHUB: "GitHub",
    OwnersDialect.GITLAB: "GitLab",
    OwnersDialect.BITBUCKET: "Bitbucket",
    OwnersDialect.GITEA: "Gitea",
    OwnersDialect.FORGEJO: "Forgejo",
}
_MOST: Final = 3


def dialects() -> str:
    """Return a table with the places of the file, in the order in which a host looks for it."""
    rows = [(_NAMES[dialect], code(str(dialect)), _codes(places)) for dialect, places in PLACES.items()]
    return table(("host", "`--dialect`", "file"), rows)


def patterns() -> str:
    """Return a table of patterns, with paths that they own and paths that they do not own."""
    rows = [
        (
            _hosts(case),
            code(case["pattern"]),
            case["what"],
            _codes(case["owns"][:_MOST]),
            _codes(case["leaves"][:_MOST]),
        )
        for case in _cases()
    ]
    return table(("host", "pattern", "meaning", "owns", "does not own"), rows)


def _cases() -> Iterator[Mapping[str, Any]]:
    for name in ("github", "gitlab", "gitea"):
        cases = json.loads((_CASES / f"{name}.json").read_text(encoding="utf-8"))
        yield from (case for case in cases if case["shown"])


def _hosts(case: Mapping[str, Any]) -> str:
    return ", ".join(_NAMES[OwnersDialect(name)] for name in case["dialects"])


def _codes(texts: Sequence[str]) -> str:
    return ", ".join(map(code, texts))
