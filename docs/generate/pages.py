"""The pages that are generated completely or in part."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from .broken import failing_calls, refused_plugins
from .conformance import conformance_page
from .examples import Send, with_answers
from .hooks import hooks_page
from .markdown import with_part
from .owners import dialects, patterns
from .providers import providers_page
from .settings import limits, settings_page
from .terminal import terminal
from .tools import tools
from .wire import endpoints, openapi, scopes

DOCS: Final = Path(__file__).parents[1]

_WHOLE: Final[Mapping[str, Callable[[], str]]] = {
    "conformance.md": conformance_page,
    "hooks.md": hooks_page,
    "openapi.json": openapi,
    "providers.md": providers_page,
    "settings.md": settings_page,
    "terminal.svg": terminal,
}
_PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "api.md": {"endpoints": endpoints, "limits": limits},
    "link.md": {"tools": tools},
    "owners.md": {"dialects": dialects, "patterns": patterns},
    "operators.md": {"scopes": scopes, "refused plugins": refused_plugins, "failing calls": failing_calls},
}
PATHS: Final = tuple(DOCS / name for name in (*_WHOLE, *_PARTS))


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each generated page with its text. The answers in api.md are not updated."""
    for name, write in _WHOLE.items():
        yield DOCS / name, write()
    for name, parts in _PARTS.items():
        page = _text(DOCS / name)
        for part, write in parts.items():
            page = with_part(page, part, write())
        yield DOCS / name, page


def examples(send: Send) -> tuple[Path, str]:
    """Return api.md with new answers."""
    path = DOCS / "api.md"
    return path, with_answers(_text(path), send)


def update(path: Path, text: str) -> bool:
    """Write a page if it changed. Return whether it did."""
    if path.exists() and _text(path) == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
